/** Certificates beside attacks, on a network whose robustness at each radius is known: the truth lies between the two bounds. */

import { describe, expect, it } from "vitest";
import { treeOf } from "../../src/certify/hierarchy.ts";
import { certifiedCounts } from "../../src/certify/scores.ts";
import { certify, certifiedRadius, type Smoothing } from "../../src/certify/smoothing.ts";
import { countsOf, mergeCounts, scoresOf } from "../../src/metrics/counts.ts";
import { integer, random } from "../../src/random.ts";
import { readCertificate, type CertificateRow } from "../../src/report/certificate-row.ts";
import { certifiedCharts } from "../../src/report/certified-chart.ts";
import { boundsAt } from "../../src/report/certified.ts";
import { leastMiou } from "../../src/report/pooled.ts";
import { markdownReport } from "../../src/report/markdown.ts";
import type { Image, Labels } from "../../src/segmenter/segmenter.ts";
import { tensor } from "../../src/tensor.ts";
import { rowOf } from "../support/rows.ts";
import { reportOf } from "./reports.ts";

const [height, width] = [2, 4];
const pixels = height * width;
const labelsOf = (one: (i: number) => number): Labels =>
  tensor(
    "uint8",
    [height, width],
    Uint8Array.from({ length: pixels }, (_, i) => one(i)),
  );

/** Class 1 where red exceeds 128: a linear network, which its smoothed network equals, and whose pixel i falls at the L2 distance |red − 128|. */
const threshold = async (image: Image): Promise<Labels> => labelsOf((i) => (image.data[i]! > 128 ? 1 : 0));
const margins = { a: [1, 2, 4, 8, 16, 32, 64, 100], b: [3, 3, 5, 9, 20, 30, 70, 90] } as const;
type Name = keyof typeof margins;
const names = Object.keys(margins) as Name[];
const sign = (i: number): number => (i % 2 === 0 ? 1 : -1);
const truth = labelsOf((i) => (i % 2 === 0 ? 1 : 0));

/** The labels after the attack that flips the most pixels within an L2 radius: those of the smallest margins. */
const brokenAt = (name: Name, radius: number): Labels => {
  const costs = margins[name].map((_, i) => Math.hypot(...margins[name].slice(0, i + 1)));
  return labelsOf((i) => (costs[i]! <= radius ? 1 - truth.data[i]! : truth.data[i]!));
};
const countsAt = (name: Name, radius: number) => countsOf(brokenAt(name, radius), truth, 2);

const certificateRows = async (): Promise<CertificateRow[]> => {
  const rows: CertificateRow[] = [];
  for (const name of names) {
    const red = margins[name].map((margin, i) => 128 + sign(i) * margin);
    const image = tensor("float32", [3, height, width], Float32Array.from([...red, ...red, ...red]));
    for (const sigma of [2, 16]) {
      const smoothing: Smoothing = {
        sigma,
        tau: 0.75,
        alpha: 0.05,
        selection: 10,
        samples: 100,
        correction: "holm",
        seed: 1,
      };
      const { labels, drawn } = await certify(threshold, image, 2, smoothing);
      const { counts, abstained } = certifiedCounts(labels, truth, treeOf(2));
      const radius = certifiedRadius(smoothing);
      const [network, picture] = [
        { name: "alpha", sha256: "alpha-".padEnd(64, "0") },
        { name, sha256: `sha of ${name}` },
      ];
      const row = { network, picture, reference: "ground-truth", smoothing, radius, drawn, counts, abstained } as const;
      rows.push({ kind: "certificate", schema: 1, ...row });
    }
  }
  return rows;
};

const attackRows = () => {
  const attacks = [
    { attack: null, radius: 0 },
    ...[2, 8, 40].map((epsilon) => ({ attack: { attack: "pgd", epsilon, norm: "l2" }, radius: epsilon })),
  ];
  return names.flatMap((name) => {
    const clean = countsAt(name, 0);
    const rowsOf = attacks.map(({ attack, radius }) => {
      const float = countsAt(name, radius);
      return rowOf({ item: name, attack, l2: radius, counts: { clean, float, uint8: float } });
    });
    // The shortest perturbation that breaks half of the pixels; on "b" it breaks all but one and misses its goal.
    const distance = Math.hypot(...margins[name].slice(0, name === "a" ? 4 : 7));
    const float = countsAt(name, distance);
    const least = { attack: { attack: "ddn" }, l2: distance, success: name === "a" };
    return [...rowsOf, rowOf({ item: name, ...least, counts: { clean, float, uint8: float } })];
  });
};

describe("the axis", async () => {
  const certificates = await certificateRows();
  const report = reportOf(attackRows(), { certificates });
  const axis = report.certified[0]!;

  it("holds the truth between what is proved and what is broken, at every radius", () => {
    expect([report.certified.length, axis.images, axis.throughNoise]).toEqual([1, 2, false]);
    for (let radius = 0; radius < 60; radius += 0.25) {
      const { proved, unbroken } = boundsAt(axis, { above: radius, below: radius });
      const left = scoresOf(names.map((name) => countsAt(name, radius)).reduce(mergeCounts));
      for (const [low, exact, high] of [
        [proved.accuracy, left.pixelAccuracy, unbroken!.accuracy],
        [proved.miou, left.miou, unbroken!.miou],
      ]) {
        expect(low!).toBeLessThanOrEqual(exact!);
        expect(high!).toBeGreaterThanOrEqual(exact!);
      }
    }
  });

  it("has the attacks' scores at their radii: all images from ε on, of minimum norm each from its own distance on", () => {
    const accuracyOf = (radii: Readonly<Record<Name, number>>) =>
      scoresOf(names.map((name) => countsAt(name, radii[name])).reduce(mergeCounts)).pixelAccuracy;
    const at = Math.hypot(1, 2, 4, 8);
    const far = Math.hypot(...margins.b.slice(0, 7));
    expect(axis.attacks.map(({ attack, radius, accuracy }) => [attack, radius, accuracy])).toEqual([
      ["clean", 0, 1],
      ["pgd", 2, accuracyOf({ a: 2, b: 2 })],
      ["pgd", 8, accuracyOf({ a: 8, b: 8 })],
      ["ddn", at, accuracyOf({ a: at, b: 0 })],
      ["pgd", 40, accuracyOf({ a: 40, b: 40 })],
      ["ddn", far, accuracyOf({ a: at, b: far })],
    ]);
  });

  it("proves below the radius of the certificates alone, and is shaded without overlap", () => {
    const [small, large] = axis.certificates.map(({ radius }) => radius);
    expect(small).toBeCloseTo(2 * 0.6744897501960817, 12);
    expect(axis.certificates[0]!.accuracy).toBeGreaterThan(axis.certificates[1]!.accuracy!);
    expect(axis.certificates[1]!.accuracy).toBeGreaterThan(0);
    for (const { from, to, proved } of axis.steps) {
      const line = from < small! ? 0 : from < large! ? 1 : null;
      expect(proved.accuracy).toBe(line === null ? 0 : axis.certificates[line]!.accuracy);
      expect(to ?? Number.POSITIVE_INFINITY).toBeGreaterThan(from);
    }
    const charts = certifiedCharts(report.certified);
    expect(charts).toHaveLength(2);
    for (const { spec } of charts) {
      const areas = spec.data.values.map(({ from, to, low, high }) => (to - from) * (high - low));
      const end = Math.max(...spec.data.values.map(({ to }) => to));
      expect(areas.reduce((a, b) => a + b)).toBeCloseTo(100 * end, 6);
    }
    expect(markdownReport(report)).toContain("## Proved, broken, unknown");
  });

  it("is that of the certificates alone where no image has both, and refuses another reference", () => {
    const others = certificates.map((row) => ({ ...row, picture: { name: "c", sha256: row.picture.sha256 } }));
    const [only] = reportOf(attackRows(), { certificates: others }).certified;
    expect([only!.attacks.length, only!.certificates.length, only!.steps[0]!.unbroken]).toEqual([0, 2, null]);
    const moved = certificates.map((row) => ({ ...row, counts: { ...row.counts, reference: [3, 5] } }));
    expect(() => reportOf(attackRows(), { certificates: moved })).toThrow(
      /the certificate of a counts other pixels of the reference/,
    );
  });

  it.each([
    ["of no JSON", "{", /not JSON/],
    ["of a row", '{"schema":2}', /no certificate of schema 1/],
    ["with other pixels", JSON.stringify({ ...certificates[0]!, abstained: 9999 }), /must together be the pixels/],
    ["without a radius", JSON.stringify({ ...certificates[0]!, radius: "far" }), /`radius` must be a number/],
  ])("refuses a line %s", (_, line, message) => expect(() => readCertificate(line)).toThrow(message));

  it("attacks through noise have an axis of their own, other transformations none", () => {
    const around = (name: string) =>
      attackRows().map((row) => ({ ...row, unit: { ...row.unit, around: { transform: [{ name, sigma: 2 }] } } }));
    const axes = reportOf([...attackRows(), ...around("noise"), ...around("blur")], { certificates }).certified;
    expect(axes.map(({ throughNoise }) => throughNoise)).toEqual([false, true]);
  });
});

describe("the least mIoU", () => {
  it("is the closed form where free pixels are shared out evenly", () => {
    expect(leastMiou({ truePositive: [9, 9, 0], reference: [9, 9, 4], predicted: [9, 9, 0] }, 4)).toBeCloseTo(6 / 11);
    expect(leastMiou({ truePositive: [3, 0], reference: [4, 0], predicted: [3, 1] }, 0)).toBe(0.75);
  });

  it("is at most that of every labelling of the free pixels, and not far below the least", () => {
    const next = random(5);
    let gap = 0;
    for (let trial = 0; trial < 60; trial++) {
      const reference = Uint8Array.from({ length: 40 }, () => integer(next, 0, 2));
      const fixed = reference.map((label) => (next() < 0.8 ? label : integer(next, 0, 2)));
      const free = 5;
      const scoreOf = (labels: Uint8Array<ArrayBuffer>) =>
        countsOf(tensor("uint8", [1, 40], labels), tensor("uint8", [1, 40], reference), 3);
      let least = 1;
      for (let code = 0; code < 3 ** free; code++) {
        const labels = fixed.map((label, i) => (i < free ? Math.floor(code / 3 ** i) % 3 : label));
        least = Math.min(least, scoresOf(scoreOf(labels)).miou!);
      }
      const bound = leastMiou(scoreOf(fixed.map((label, i) => (i < free ? 254 : label))), free)!;
      expect(bound).toBeLessThanOrEqual(least + 1e-12);
      gap = Math.max(gap, least - bound);
    }
    expect(gap).toBeLessThan(0.1);
  });
});
