/** Reports of rows that compare with the network's own clean prediction: no clean mIoU stands in them as if it were one. */

import { describe, expect, it } from "vitest";
import { exporters } from "../../src/report/exports.ts";
import { judge } from "../../src/report/gate.ts";
import { markdownReport } from "../../src/report/markdown.ts";
import { readPolicy } from "../../src/report/policy.ts";
import { study } from "../support/rows.ts";
import { reportOf } from "./reports.ts";

const rows = Array.from(study({ images: 6, epsilons: [2], accuracy: (network) => (network === "alpha" ? 0.7 : 0.5) }));
const unlabelled = rows.map((row) => ({ ...row, reference: "prediction" as const }));
const mixed = rows.map((row, i) => (row.receipt.model === "alpha" ? unlabelled[i]! : row));
const [labelled, own, both] = [rows, unlabelled, mixed].map((each) => reportOf(each));

describe("a report", () => {
  it("says what its scores compare with, of all networks or of some", () => {
    expect(markdownReport(labelled!)).not.toContain("own clean prediction");
    expect(markdownReport(own!)).toContain("The scores compare with the network's own clean prediction");
    expect(markdownReport(both!)).toContain("Some of the scores compare with the network's own clean prediction");
  });

  it("of one image says so", () => {
    const one = rows.filter(({ unit }) => unit.item === rows[0]!.unit.item);
    const text = markdownReport(reportOf(one));
    expect(text).toMatch(new RegExp(`${one.length} rows of 1 image\\.`));
    expect(text).toMatch(/ measured \(1 image\)\./);
    expect(text).not.toContain("1 images");
  });

  it("names the clean mIoU in its verdict where there is one", () => {
    const keeps = (text: string) =>
      text.match(/^- .* keeps .*$/gm)!.map((line) => line.includes("of its clean mIoU of"));
    expect(keeps(markdownReport(labelled!))).toEqual([true, true]);
    expect(keeps(markdownReport(own!))).toEqual([false, false]);
    expect(new Set(keeps(markdownReport(both!)))).toEqual(new Set([false, true]));
  });
});

it("a model card has the IoU ratios alone, and the card of robustness no clean mIoU", () => {
  const card = exporters["model-index"](own!);
  expect(card).toContain("type: iou_ratio");
  expect(card).not.toMatch(/mean_iou|accuracy|\(clean\)/);
  expect(exporters["model-index"](labelled!)).toMatch(/\(clean\)[^]*type: mean_iou/);
  expect(exporters.card(own!)).toContain("clean mIoU not known, without label maps");
  expect(exporters.card(labelled!)).toMatch(/clean mIoU \d/);
});

it("a rule on the clean mIoU fails, as it is not measured, once for each network, and others are judged", () => {
  const judged = (metric: string) => judge(readPolicy({ rules: [{ metric, min: 0 }] }), own!);
  expect(judged("iou-ratio").passed).toBe(true);
  const { passed, findings } = judged("clean-miou");
  expect([passed, findings[0]!.message]).toEqual([false, expect.stringContaining("is not known without label maps")]);
  expect(findings.map(({ subject }) => subject)).toEqual([
    "alpha [against its own prediction]",
    "beta [against its own prediction]",
  ]);
  const mixedFindings = judge(readPolicy({ rules: [{ metric: "clean-miou", min: 0 }] }), both!).findings;
  const failed = mixedFindings.filter((finding) => !finding.passed).map(({ subject }) => subject);
  expect(failed).toEqual(["alpha [against its own prediction]"]);
  expect(mixedFindings.length).toBeGreaterThan(2);
  expect(judge(readPolicy({ rules: [{ metric: "clean-miou", min: 0 }] }), labelled!).passed).toBe(true);
});
