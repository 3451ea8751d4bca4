/** The page of findings is what the rows say, and its verdicts follow from the figures. */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { committedSources, folder } from "../scripts/findings/committed.ts";
import { findingsCharts } from "../scripts/findings/charts.ts";
import { claimsOf } from "../scripts/findings/claims.ts";
import { decided, verdictOf, type Test } from "../scripts/findings/claims/claim.ts";
import { Evidence } from "../scripts/findings/evidence.ts";
import { findingsPage } from "../scripts/findings/page.ts";
import { concordance, expandedInterval, spearman, tailOf } from "../scripts/findings/statistics.ts";
import { createReader } from "../src/report/reader.ts";

describe("statistics", () => {
  it("are those of their definitions", () => {
    // ρ = 1 − 6 Σ d²/(n (n² − 1)), here with Σ d² = 4 and n = 5.
    expect(spearman([1, 2, 3, 4, 5], [20, 10, 40, 30, 50])).toBeCloseTo(1 - 24 / 120, 12);
    expect(spearman([1, 1, 2, 2], [1, 1, 2, 2])).toBeCloseTo(1, 12);
    expect(concordance([1, 2, 3], [1, 3, 2])).toBeCloseTo(2 / 3, 12);
    expect(concordance([1, 1], [1, 2])).toBe(0.5);
  });

  it("widen the interval of few images: Φ(−√(n/(n − 1))·t)", () => {
    expect(tailOf(10)).toBeCloseTo(0.008_56, 4);
    expect(tailOf(1000)).toBeCloseTo(0.025, 3);
    expect(tailOf(3)).toBeLessThan(1e-6);
    const values = Float64Array.from({ length: 1001 }, (_, i) => i);
    expect(expandedInterval(values, 1000)!.low).toBeCloseTo(25, 0);
    expect(expandedInterval(values, 3)).toEqual({ low: expect.closeTo(0, 2), high: expect.closeTo(1000, 2) });
    expect(expandedInterval(values, 1)).toBeNull();
  });
});

describe("a verdict", () => {
  const test = (low: number, high: number, images = 6): Test => ({
    what: "",
    figure: { value: (low + high) / 2, interval: { low, high }, images },
    side: "above",
    bound: 0,
  });

  it("is that of the whole interval, over enough images", () => {
    expect([test(0.1, 0.2), test(-0.2, -0.1), test(-0.1, 0.1), test(0.1, 0.2, 5)].map(verdictOf)).toEqual([
      "yes",
      "no",
      "undecided",
      "undecided",
    ]);
    const claim = (...tests: Test[]) => decided({ id: "C", claim: "", tests, caveat: "" });
    expect(claim(test(0.1, 0.2), test(0.1, 0.3))).toBe("yes");
    expect(claim(test(0.1, 0.2), test(-0.1, 0.3))).toBe("undecided");
    expect(claim(test(0.1, 0.2), test(-0.2, -0.1))).toBe("no");
  });
});

describe("docs/findings.md", () => {
  const sources = committedSources();

  it("is what the committed rows say: npm run findings", () => {
    expect(readFileSync("docs/findings.md", "utf8")).toBe(findingsPage(sources));
  });

  it("has charts of the same rows", async () => {
    for (const [name, svg] of Object.entries(await findingsCharts(sources)))
      expect(readFileSync(`${folder}/${name}`, "utf8")).toBe(svg);
  });

  it("comes from rows of at most 10 MB in all, which name no folder", () => {
    const files = readdirSync(folder).map((name) => `${folder}/${name}`);
    expect(files.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(10e6);
    for (const file of files)
      expect(readFileSync(file, "utf8").slice(0, 5000)).not.toMatch(/"path"|"command"|\/home\//);
  });

  it("would say the opposite of the opposite: with ResNet and VGG exchanged, the figures of C1 change their sign", () => {
    const rows = readFileSync(`${folder}/networks.jsonl`, "utf8");
    const exchanged = rows.replaceAll(
      /"model":"(fcn8s|deeplab-v2)-(resnet|vgg)"/g,
      (_, head: string, body: string) => `"model":"${head}-${body === "vgg" ? "resnet" : "vgg"}"`,
    );
    const evidenceOf = (text: string) => {
      const reader = createReader();
      reader.push(new TextEncoder().encode(text));
      return new Evidence(reader.end(), 20);
    };
    const figures = (text: string): number[] => {
      const own = evidenceOf(text);
      const of = (...names: readonly string[]) => (names.join() === "networks" ? own : null);
      const [first] = claimsOf(of, sources.factsOf);
      return first!.tests.map(({ figure }) => figure.value);
    };
    const [before, after] = [figures(rows), figures(exchanged)];
    expect(before.some((value) => Math.abs(value) > 0.001)).toBe(true);
    for (const [i, value] of before.entries()) expect(after[i]).toBeCloseTo(-value, 12);
  });
});
