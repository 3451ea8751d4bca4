/** Rows: what they hold, and the identity of their units. */

import { describe, expect, it } from "vitest";
import { measure } from "../../src/evaluation/measure.ts";
import { canonicalJson, unitId, type Row } from "../../src/evaluation/row.ts";
import { smallObjects } from "../../src/metrics/components.ts";
import { changedShare } from "../../src/metrics/distances.ts";
import { countsOf, emptyCounts, mergeCounts, scoresOf } from "../../src/metrics/counts.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

const cache = new SessionCache(startWasm(), 2 ** 30);
const segmenter = createSegmenter(tinyNetwork(), cache);
const other = createSegmenter(tinyNetwork({ activation: "Tanh" }), cache);
const [height, width, classes] = [12, 16, 4];
const image = noiseImage(height, width, 3);
const truth = noiseLabels(height, width, classes, 8, true);
const plan = { attack: "ifgsm", epsilon: 8, alpha: 1, steps: 3, pixelRange: "clip", seed: 0 } as const;

describe("a row", () => {
  it("has the counts of predictions made apart from it, and of the image that it gives", async () => {
    const { row, float, uint8, reference } = await measure({ segmenter, image, item: "noise", truth }, plan);
    expect(reference).toEqual(truth);
    expect(row.reference).toBe("ground-truth");
    const apart = async (at: typeof image) => countsOf((await segmenter.predict(at)).labels, truth, classes);
    expect(row.counts).toEqual({
      clean: await apart(image),
      float: await apart(float.image),
      uint8: await apart(uint8.image),
    });
    expect(scoresOf(row.counts.float).miou).toBeLessThan(scoresOf(row.counts.clean).miou!);
    expect(row.receipt).toMatchObject({ model: segmenter.manifest.name, backend: "wasm" });
  });

  it("is the same where options are left out that have their defaults", async () => {
    const subject = { segmenter, image, item: "noise" };
    const given = { epsilon: 8, pixelRange: "clip", seed: 0 } as const;
    for (const [attack, alpha, steps] of [
      ["fgsm", 8, 1],
      ["ifgsm", 1, 10],
    ] as const)
      // prettier-ignore
      expect((await measure(subject, { attack, ...given })).row).toEqual(
        (await measure(subject, { attack, ...given, alpha, steps })).row,
      );
  });

  it("counts the runs of the network: one clean, one and one back for each step, one after it", async () => {
    const subject = { segmenter, image, item: "noise", truth };
    expect((await measure(subject, plan)).row.evaluations).toEqual({ forward: 5, backward: 3 });
    // A step that is no whole number of grey levels: the rounded image is predicted too.
    expect((await measure(subject, { ...plan, alpha: 0.7 })).row.evaluations).toEqual({ forward: 6, backward: 3 });
    const clean = await segmenter.predict(image);
    expect((await measure({ ...subject, clean }, plan)).row.evaluations).toEqual({ forward: 4, backward: 3 });
    expect((await measure(subject, null)).row.evaluations).toEqual({ forward: 1, backward: 0 });
  });

  it("of a transfer attack is the target's, on the image that was made with the source", async () => {
    const own = await measure({ segmenter: other, image, item: "noise", truth }, plan);
    const transferred = await measure({ segmenter, source: other, image, item: "noise", truth }, plan);
    expect(transferred.float.image).toEqual(own.float.image);
    const again = await measure({ segmenter, source: other, image, item: "noise", truth, crafted: own.crafted }, plan);
    // The row is the same whether the image was made for it or before; it counts what the unit takes on its own.
    expect(again.row).toEqual(transferred.row);
    expect(transferred.row.evaluations).toEqual({ forward: 6, backward: 3 });
    expect(transferred.row.unit.source).toBe(other.manifest.sha256);
    expect(transferred.row.receipt.source).toBe(other.manifest.name);
    const { labels } = await segmenter.predict(own.float.image);
    expect(transferred.row.counts.float).toEqual(countsOf(labels, truth, classes));
  });

  it("has the distances of the image that it gives, and no others", async () => {
    const { row, float } = await measure({ segmenter, image, item: "noise", truth }, plan);
    const differences = Array.from(float.image.data, (v, i) => v - image.data[i]!);
    expect(row.distances.linf).toBe(Math.max(...differences.map(Math.abs)));
    expect(row.distances.l2).toBeCloseTo(Math.hypot(...differences), 9);
    expect((await measure({ segmenter, image, item: "noise" }, null)).row.distances).toEqual({ l2: 0, linf: 0 });
  });

  it("counts small objects apart: those of the reference below a share of the image", async () => {
    const { row, float } = await measure(
      { segmenter, image, item: "noise", truth, small: smallObjects(truth, 0.05) },
      plan,
    );
    const small = smallObjects(truth, 0.05);
    expect(row.small?.float).toEqual(countsOf(float.labels, small, classes));
    const pixels = (of: typeof row.counts) => of.clean.reference.reduce((sum, n) => sum + n, 0);
    expect(pixels(row.small!)).toBeGreaterThan(0);
    expect(pixels(row.small!)).toBeLessThan(pixels(row.counts));
  });

  it("says of an attack of minimum norm whether it succeeds", async () => {
    const subject = { segmenter, image, item: "noise", truth };
    const moved = async (success: number, epsilon?: number) => {
      const fmn = { ...plan, attack: "fmn", epsilon, steps: 40, success } as const;
      const { row, clean, float } = await measure(subject, fmn);
      return { success: row.success, moved: changedShare(clean.labels, float.labels)! };
    };
    const found = await moved(0.3);
    expect(found.success).toBe(true);
    expect(found.moved).toBeGreaterThanOrEqual(0.3);
    const bounded = await moved(1, 1e-3);
    expect(bounded.success).toBe(false);
    expect(bounded.moved).toBeLessThan(1);
    expect((await measure(subject, plan)).row).not.toHaveProperty("success");
  });

  it("of a repeat starts elsewhere, stays in the ball, and has another id", async () => {
    const subject = { segmenter, image, item: "noise", truth };
    const [once, first, again, second] = await Promise.all(
      [undefined, 1, 1, 2].map((repeat) => measure(subject, { ...plan, alpha: 0.7, repeat })),
    );
    expect(again!.float.image).toEqual(first!.float.image);
    const [a, b, c] = [once!, first!, second!].map(({ float }) => float.image.data);
    expect(a).not.toEqual(b);
    expect(b).not.toEqual(c);
    expect(first!.row.distances.linf).toBeLessThanOrEqual(plan.epsilon);
    expect(new Set([once!, first!, second!].map(({ row }) => row.id)).size).toBe(3);
    expect(again!.row).toEqual(first!.row);
    expect([once!, first!].map(({ row }) => row.unit.repeat)).toEqual([undefined, 1]);
  });

  it("names its target map by a digest, so that two maps are two units", async () => {
    const [one, other] = [1, 2].map((seed) => noiseLabels(height, width, classes, seed));
    const idOf = async (target: typeof truth | number) =>
      (await measure({ segmenter, image, item: "noise" }, { ...plan, target })).row;
    const rows = await Promise.all([idOf(one!), idOf(other!), idOf(1)]);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(3);
    expect(rows[0].unit.attack).toMatchObject({ target: { height, width } });
    expect(rows[2].unit.attack).toMatchObject({ target: 1 });
  });

  it("has the id of its unit, and signs only where there are any", async () => {
    const { row, signs } = await measure({ segmenter, image, item: "noise", truth }, plan);
    expect(row.id).toBe(await unitId(row.unit));
    expect(row.signs).toEqual(signs.length === 0 ? undefined : signs.map(({ kind }) => kind));
  });

  it("survives JSON", async () => {
    const { row } = await measure({ segmenter, image, item: "noise" }, plan);
    expect(JSON.parse(JSON.stringify(row)) as Row).toEqual(row);
    expect(row.reference).toBe("prediction");
  });
});

describe("a unit's id", () => {
  const unit = { networkSha256: "ab", attack: { attack: "pgd", epsilon: 8 }, item: "street", seed: 1 };

  it("does not depend on the order of properties, and depends on each value", async () => {
    const id = await unitId(unit);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await unitId({ ...unit, attack: { epsilon: 8, attack: "pgd" } })).toBe(id);
    const others = [
      { ...unit, networkSha256: "ac" },
      { ...unit, attack: { attack: "pgd", epsilon: 4 } },
      { ...unit, item: "road" },
      { ...unit, seed: 2 },
      { ...unit, attack: null },
      { ...unit, source: "ac" },
      { ...unit, around: { variant: "half" } },
      { ...unit, sourceAround: { variant: "half" } },
      { ...unit, repeat: 1 },
    ];
    expect(new Set([id, ...(await Promise.all(others.map(unitId)))]).size).toBe(10);
  });

  it("is of canonical JSON: sorted properties, no undefined ones", () => {
    expect(canonicalJson({ b: [1, { d: null, c: "x" }], a: undefined })).toBe('{"b":[1,{"c":"x","d":null}]}');
  });
});

describe("counts", () => {
  it("pool as a commutative monoid", async () => {
    const maps = [1, 2, 3].map((seed) => countsOf(noiseLabels(8, 8, 4, seed), noiseLabels(8, 8, 4, seed + 5, true), 4));
    const [a, b, c] = maps as [(typeof maps)[0], (typeof maps)[0], (typeof maps)[0]];
    expect(mergeCounts(a, mergeCounts(b, c))).toEqual(mergeCounts(mergeCounts(a, b), c));
    expect(mergeCounts(a, b)).toEqual(mergeCounts(b, a));
    expect(mergeCounts(a, emptyCounts(4))).toEqual(a);
  });
});
