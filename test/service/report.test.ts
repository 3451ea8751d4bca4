/** What /v1/report makes of rows is what the report makes of them, within bounds. */

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { MAX_REPORT_CERTIFICATES, MAX_REPORT_GROUPS, MAX_REPORT_ROWS } from "../../src/contract/limits.ts";
import type { ReportForm } from "../../src/contract/report.ts";
import { encodePng } from "../../src/image/encode.ts";
import { emptyCounts, mergeCounts, scoresOf } from "../../src/metrics/counts.ts";
import { createReader } from "../../src/report/reader.ts";
import { buildReport, type ReportData } from "../../src/report/report.ts";
import { reportOn } from "../../src/service/report.ts";
import { noiseImage } from "../support/networks/image.ts";
import { grid, serviceOf } from "./tiny-service.ts";

it("of the rows of /v1/robustness on several images has the pooled IoU ratio, with its interval", async () => {
  const service = serviceOf();
  const pictures = [1, 2, 3].map((seed) => encodePng(noiseImage(12, 16, seed)));
  const results = [];
  for (const image of pictures)
    results.push(await service.robustness({ spec: { ...grid, attacks: ["fgsm"] }, image }, {}));
  const rows = bytes(results.flatMap((result) => result.rows.map((row) => JSON.stringify(row))));
  const report = JSON.parse(await service.report({ rows, form: "json", seed: 1 })) as ReportData;
  expect(report).toMatchObject({ images: 3, rows: 3 * 4 });
  const found = report.cells.find(({ attack, epsilon }) => attack === "fgsm" && epsilon === 16)!;
  const pooled = results
    .map(({ rows: own }) => own.at(-1)!.counts.float)
    .reduce((sum, one) => mergeCounts(sum, one), emptyCounts(4));
  expect(found.iouRatio.value).toBeCloseTo(scoresOf(pooled).miou!, 12);
  expect(found.iouRatio.interval!.low).toBeLessThan(found.iouRatio.value!);
  expect(found.iouRatio.interval!.high).toBeGreaterThan(found.iouRatio.value!);
});

const counts = (k: number) => ({ truePositive: [4 + (k % 3), 2], reference: [8, 4], predicted: [7, 5] });
const row = (k: number, epsilon: number, item = `item-${k % 7}`) => {
  const unit = { networkSha256: "n", attack: { attack: "pgd", epsilon }, item, seed: 0 };
  return JSON.stringify({
    schema: 2,
    id: createHash("sha256")
      .update(`{"attack":{"attack":"pgd","epsilon":${epsilon}},"item":"${item}","networkSha256":"n","seed":0}`)
      .digest("hex"),
    unit,
    reference: "ground-truth",
    counts: { clean: counts(2), float: counts(k), uint8: counts(k) },
    distances: { l2: 1, linf: 1 },
    evaluations: { forward: 1, backward: 1 },
    masking: { zeroGradientShare: 0, confidence: 0.5 },
    receipt: { model: "<net>", backend: "wasm", onnxruntime: "o" },
  });
};
const deep = row(1, 2).replace('"attack":"pgd"', `"attack":"pgd","x":${"[".repeat(1e5)}${"]".repeat(1e5)}`);
const bytes = (lines: readonly string[]) => new TextEncoder().encode(lines.join("\n"));
const some = bytes(Array.from({ length: 14 }, (_, i) => row(i, i < 7 ? 2 : 4)));
const made = (
  rows: Uint8Array,
  form: ReportForm,
  draw = async () => [{ kind: "curves" as const, title: "t", svg: "<svg/>" }],
) => reportOn({ rows, form, seed: 3, title: "Nightly" }, draw);

describe("a report of rows", () => {
  it("sets certificates among the rows beside L2 attacks, as faultline report does", async () => {
    const certificate = (name: string, reference = [8, 4]) =>
      JSON.stringify({
        kind: "certificate",
        schema: 1,
        network: { name: "n", sha256: "n" },
        picture: { name, sha256: `sha of ${name}` },
        reference: "ground-truth",
        smoothing: { sigma: 16, tau: 0.75, alpha: 0.001, selection: 10, samples: 100, correction: "holm", seed: 0 },
        radius: 10.8,
        drawn: 100,
        counts: { truePositive: [4, 1], reference, predicted: [4, 2] },
        abstained: reference[0]! + reference[1]! - 6,
      });
    const lines = new TextDecoder().decode(some);
    const both = bytes([certificate("item-0"), lines, certificate("item-1")]);
    const { certified } = JSON.parse(await made(both, "json")) as ReportData;
    expect(certified).toMatchObject([{ images: 2, certificates: [{ radius: 10.8, accuracy: 5 / 12 }] }]);
    const contradicts = bytes([lines, certificate("item-0", [7, 5])]);
    await expect(made(contradicts, "json")).rejects.toMatchObject({
      failure: { kind: "invalid-spec", errors: [{ detail: expect.stringContaining("counts other pixels") }] },
    });
    await expect(made(bytes([certificate("item-0")]), "json")).rejects.toMatchObject({
      failure: { errors: [{ detail: expect.stringContaining("has certificates alone (1)") }] },
    });
    const many = bytes(Array.from({ length: MAX_REPORT_CERTIFICATES + 1 }, () => certificate("item-0")));
    await expect(made(many, "json")).rejects.toMatchObject({
      failure: { errors: [{ detail: expect.stringContaining("has more than 1000 certificates") }] },
    });
  });

  it("is that of the same rows and seed", async () => {
    const reader = createReader();
    reader.push(some);
    const expected = buildReport(reader.end(), { seed: 3, title: "Nightly", replicates: 500 });
    expect(JSON.parse(await made(some, "json"))).toEqual(JSON.parse(JSON.stringify(expected)));
    expect(expected.cells).toHaveLength(2);
  });

  it("is Markdown, or a page with charts where they can be drawn", async () => {
    expect(await made(some, "markdown")).toMatch(/^# Nightly\n/);
    const page = await made(some, "html");
    expect(page).toContain("&lt;net&gt;");
    expect(page).toContain("<svg/>");
    expect(await made(some, "html", async () => [])).not.toContain("<svg");
  });

  it.each([
    ["no row at all", bytes(["", ""]), "has no rows"],
    ["no JSON", bytes([row(1, 2), "{"]), "line 2: the line is not JSON"],
    [
      "impossible counts",
      bytes([row(1, 2).replace('"predicted":[7,5]', '"predicted":[1,5]')]),
      "line 1: `counts.clean`",
    ],
    [
      "a unit that was changed",
      bytes([row(1, 2), "", row(2, 2).replace('"epsilon":2', '"epsilon":3')]),
      'line 3: `id` is "',
    ],
    ["a row that is nested too deep", bytes([deep]), "line 1: `unit` has more than 16 levels"],
    [
      "a count that is none",
      bytes([row(1, 2).replace("[8,4]", "[8,[4]]")]),
      "holds a list, which is no number of pixels",
    ],
    [
      "too many groups",
      bytes(Array.from({ length: MAX_REPORT_GROUPS + 1 }, (_, i) => row(i, 1 + i / 1e4))),
      "has more than 250 pairs",
    ],
    ["too many rows", bytes(Array.from({ length: MAX_REPORT_ROWS + 1 }, () => row(1, 2))), "has more than 20000 rows"],
  ])("is refused: %s", async (_, rows, told) => {
    await expect(made(rows, "json")).rejects.toMatchObject({
      failure: { kind: "invalid-spec", errors: [{ pointer: "", detail: expect.stringContaining(told) }] },
    });
  });
});
