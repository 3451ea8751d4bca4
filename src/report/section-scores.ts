/** Scores of networks and attacks, and differences between them. */

import { at, plain, table, text, whiteBox, withoutLabels, type Section } from "./blocks.ts";
import { pointsText, type Difference } from "./compare.ts";
import { noBounds, noBoundText, ratioText } from "./flag-text.ts";
import { epsilonText, number, percent, percentWithin } from "./format.ts";
import { normText } from "../attacks/norms.ts";
import type { ReportData } from "./report.ts";

export const curves = (report: ReportData): Section | null => {
  const cells = whiteBox(report).filter(({ epsilon }) => epsilon !== null);
  if (cells.length === 0) return null;
  const rows = cells.map((cell) => [
    ...plain([
      cell.network,
      cell.label,
      epsilonText(cell.epsilon),
      String(cell.images),
      ratioText(cell),
      percent(cell.iouRatioUint8),
      percentWithin(cell.miou),
      percentWithin(cell.nmiou),
      percentWithin(cell.pixelAccuracy),
      percent(cell.apsr),
      cell.chaos ? `${percent(cell.chaos.low)} to ${percent(cell.chaos.high)}` : "–",
    ]),
  ]);
  const head = [
    "network",
    "attack",
    "ε",
    "images",
    "IoU ratio",
    "rounded to 8 bits",
    "mIoU",
    "NmIoU",
    "pixel accuracy",
    "APSR",
    "over repeats",
  ];
  return {
    id: "curves",
    title: "IoU ratio against ε",
    blocks: [
      { kind: "chart", chart: "curves" },
      table("Scores in percent, with 95 % intervals over images", head, rows),
    ],
  };
};

export const scatter = (report: ReportData): Section | null => {
  const names = new Set(whiteBox(report).map(({ network }) => network));
  if (names.size < 2) return null;
  return {
    id: "scatter",
    title: "Clean and robust mIoU",
    blocks: [
      text("Each point is a network under its strongest attack at one radius. Points further up are more robust."),
      ...noBounds(whiteBox(report)),
      { kind: "chart", chart: "scatter" },
    ],
  };
};

export const cleanSection = (report: ReportData): Section | null => {
  const names = new Set(report.cells.map(({ network }) => network));
  if (names.size === 0) return null;
  const rows = [...names].map((name) => {
    const own = report.cells.filter(({ network }) => network === name);
    // Its scores are those of the clean images, with intervals.
    const unattacked = own.find(({ attack }) => attack === "clean");
    const { clean, images } = unattacked ?? own[0]!;
    const alone = (value: number | null) => ({ value, interval: null });
    const { miou, nmiou, pixelAccuracy } = unattacked ?? {
      miou: alone(clean.miou),
      nmiou: alone(clean.nmiou),
      pixelAccuracy: alone(clean.pixelAccuracy),
    };
    return plain([
      name,
      String(images),
      percentWithin(miou),
      percent(clean.miouUnion),
      percentWithin(nmiou),
      percentWithin(pixelAccuracy),
      percent(clean.pixelAccuracyWithoutFirst),
    ]);
  });
  const head = ["network", "images", "mIoU (CmIoU)", "over the union", "NmIoU", "pixel accuracy", "without class 0"];
  return {
    id: "clean",
    title: "Clean images",
    blocks: [...withoutLabels(report), table("Scores in percent, with 95 % intervals over images", head, rows)],
  };
};

/** Whether what a difference is of is flagged. */
const flaggedIn = (report: ReportData, one: Difference): string => {
  const names = [one.network, one.baseline].filter((name) =>
    whiteBox(report).some((cell) => cell.network === name && at(cell) === at(one) && cell.flags.length > 0),
  );
  return names.length === 0 ? "" : `; the figure of ${names.join(" and of ")} is no bound`;
};

export const differences = (report: ReportData): Section | null => {
  if (report.differences.length === 0) return null;
  const rows = report.differences.map((one) =>
    plain([
      one.network,
      one.baseline,
      at(one),
      String(one.images),
      pointsText(one).replace(" points", ""),
      one.chaos === null ? "–" : number(one.chaos, 1),
      one.verdict,
      `${one.reason}${flaggedIn(report, one)}`,
    ]),
  );
  const head = ["network", "against", "attack", "images", "points", "by repeats", "verdict", "because"];
  return {
    id: "differences",
    title: "Differences between networks",
    blocks: [
      text(
        "IoU ratio of the first minus that of the second in points, over the images that both have, with paired 95 % intervals. They are not corrected for the number of comparisons.",
      ),
      table("Paired differences", head, rows),
    ],
  };
};

export const worst = (report: ReportData): Section | null => {
  if (report.worst.length === 0) return null;
  const rows = report.worst.map((one) =>
    plain([
      one.network,
      String(one.epsilon),
      normText(one.norm),
      String(one.attacks),
      String(one.images),
      percent(one.accuracy),
      percent(one.miou),
      `${percent(one.iouRatio)}${noBoundText(one.better, one.epsilon)}`,
    ]),
  );
  const head = ["network", "ε", "norm", "attacks", "images", "accuracy", "mIoU", "IoU ratio"];
  return {
    id: "worst",
    title: "Worst case over attacks",
    blocks: [
      text(
        "For each image the attack that hurts most: the mean of the smallest pixel accuracies, and the mIoU of a greedy choice (Croce, Singh, Hein 2024).",
      ),
      table("Worst case of each image, in percent", head, rows),
    ],
  };
};

export const regions = (report: ReportData): Section | null => {
  const cells = report.cells.filter(({ region }) => region !== null);
  if (cells.length === 0) return null;
  const rows = cells.map(({ network, source, label, epsilon, images, region, iouRatio }) =>
    plain([
      network,
      source ?? "–",
      label,
      epsilonText(epsilon),
      String(images),
      percent(region!.reached),
      percent(region!.kept),
      percentWithin(iouRatio),
    ]),
  );
  const head = ["network", "made on", "attack", "ε", "images", "reached", "kept elsewhere", "IoU ratio"];
  return {
    id: "regions",
    title: "Attacks on regions",
    blocks: [
      text(
        "Reached: of the region's pixels, the share that has the label to approach; kept: of all others, the share that has the label of before. Images that lack the region are left out.",
      ),
      table("Shares in percent, pooled over the images that have the region", head, rows),
    ],
  };
};

export const norms = (report: ReportData): Section | null => {
  const cells = whiteBox(report).filter((cell) => cell.distances !== null);
  if (cells.length === 0) return null;
  const rows = cells.map((cell) => {
    const { norm, successes, images, quantiles: q, medianInterval: m } = cell.distances!;
    const bound = (value: number | null): string => (value === null ? "∞" : value.toFixed(2));
    return plain([
      cell.network,
      cell.label,
      normText(norm),
      `${successes} of ${images}`,
      `${bound(q.median)}${m ? ` [${bound(m.low)}, ${bound(m.high)}]` : ""}`,
      bound(q.q05),
      bound(q.q25),
      bound(q.q75),
      bound(q.q95),
    ]);
  });
  return {
    id: "distances",
    title: "Smallest perturbations",
    blocks: [
      table(
        "Distances in grey levels; an attack that failed counts as infinite",
        ["network", "attack", "norm", "successes", "median", "5 %", "25 %", "75 %", "95 %"],
        rows,
      ),
    ],
  };
};
