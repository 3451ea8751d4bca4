/** The scores of attacked pictures: each alone, and pooled by counts. */

import type { Unchecked } from "../evaluation/attack-signs.ts";
import { pooledCounts } from "../evaluation/pool.ts";
import type { Row, RowCounts } from "../evaluation/row.ts";
import type { Sign } from "../evaluation/signs.ts";
import { trialScores, type CountedTrial, type Spread, type Trials } from "../evaluation/trials.ts";
import type { RegionResult } from "../evaluation/region-goal.ts";
import { attackScores, type AttackScores, type Perturbation } from "../evaluation/scores.ts";
import { roundingFault } from "../evaluation/rounding.ts";
import { scoresOf } from "../metrics/counts.ts";
import { distanceOf, nameAround } from "../report/names.ts";
import { normText, type Norm } from "../attacks/norms.ts";
import { scoreText, table } from "./text.ts";

/** The scores of the image as it was computed, and as its 8-bit file. */
export interface BothScores {
  readonly float: AttackScores;
  readonly uint8: AttackScores;
}

export const bothScores = ({ clean, float, uint8 }: RowCounts, names: readonly string[]): BothScores => {
  const before = scoresOf(clean);
  return {
    float: attackScores(before, scoresOf(float), names),
    uint8: attackScores(before, scoresOf(uint8), names),
  };
};

export interface AttackedPicture {
  readonly image: string;
  /** Paths of what was written. */
  readonly files: Readonly<Record<string, string>>;
  readonly scores: BothScores;
  readonly perturbation: { readonly float: Perturbation; readonly uint8: Perturbation };
  readonly row: Row;
  /** Signs that the attack is weaker than it seems. */
  readonly signs: readonly Sign[];
  /** What became of the region that was attacked, where there was one. */
  readonly region?: RegionResult | undefined;
  /** Counts of the trials behind random transformations, where there were any. */
  readonly trials?: readonly CountedTrial[] | undefined;
}

/** What `--json` prints. */
export interface AttackReport {
  readonly network: string;
  /** The network with what stands around it, in a few words. */
  readonly name: string;
  readonly networkSha256: string;
  /** The network whose objective was climbed, or several joined by "+", where it is another. */
  readonly source?: string | undefined;
  /** What was assumed of the network, and what was changed to run it, in whole sentences. */
  readonly notes: readonly string[];
  readonly reference: Row["reference"];
  readonly attack: Row["unit"]["attack"];
  readonly images: readonly AttackedPicture[];
  /** Signs that one attack cannot show, and what shows them. */
  readonly unchecked: Unchecked;
  readonly pooled: BothScores & {
    /** The largest of the pictures. */
    readonly linf: { readonly float: number; readonly uint8: number };
    readonly l2: { readonly float: number; readonly uint8: number };
    readonly evaluations: Row["evaluations"];
    readonly trials?: { readonly float: Trials; readonly uint8: Trials } | undefined;
  };
}

/** @param names of the classes. */
export const attackReport = (
  pictures: readonly AttackedPicture[],
  names: readonly string[],
  notes: readonly string[],
  unchecked: Unchecked,
): AttackReport => {
  const rows = pictures.map(({ row }) => row);
  const first = rows[0]!;
  const largest = (norm: Norm) => {
    const of = (kind: "float" | "uint8") => Math.max(...pictures.map((p) => p.perturbation[kind][norm]));
    return { float: of("float"), uint8: of("uint8") };
  };
  const trials = pictures.flatMap((picture) => (picture.trials ? [picture.trials] : []));
  const total = (kind: "forward" | "backward") => rows.reduce((all, row) => all + row.evaluations[kind], 0);
  return {
    network: first.receipt.model,
    name: nameAround(first.receipt.model, first.unit.around),
    networkSha256: first.unit.networkSha256,
    ...(first.receipt.source === undefined ? {} : { source: first.receipt.source }),
    notes,
    reference: first.reference,
    attack: first.unit.attack,
    images: pictures,
    unchecked,
    pooled: {
      ...bothScores(pooledCounts(rows), names),
      linf: largest("linf"),
      l2: largest("l2"),
      evaluations: { forward: total("forward"), backward: total("backward") },
      ...(trials.length === 0
        ? {}
        : { trials: { float: trialScores(trials, "float"), uint8: trialScores(trials, "uint8") } }),
    },
  };
};

/** The norm in which the attack stays within its radius, or makes its perturbation small. */
export const normOf = ({ attack }: Pick<AttackReport, "attack">): Norm =>
  distanceOf({ attack: attack as Parameters<typeof distanceOf>[0]["attack"] });

/** A line of table and CSV. */
export interface Line {
  readonly image: string;
  readonly scores: AttackScores;
  readonly linf: number;
  readonly l2: number;
  readonly evaluations: Row["evaluations"];
  /** Kinds of the signs that were shown. */
  readonly signs: readonly Sign["kind"][];
  readonly trials?: Trials | undefined;
  /** Of one picture: shares of regions are not pooled. */
  readonly region?: RegionResult | undefined;
  /** Of attacks of minimum norm: on how many of the line's pictures they reached their goal. */
  readonly success?: { readonly reached: number; readonly pictures: number } | undefined;
}

const successOf = (rows: readonly Row[]): Pick<Line, "success"> =>
  rows.some(({ success }) => success === undefined)
    ? {}
    : { success: { reached: rows.filter(({ success }) => success).length, pictures: rows.length } };

/** The lines of table and CSV: the pictures, and "pooled" where there are several. */
export const linesOf = ({ images, pooled }: AttackReport, kind: "float" | "uint8"): readonly Line[] => {
  const each = images.map(({ image, scores, perturbation, row, signs, region, trials }): Line => ({
    image,
    scores: scores[kind],
    linf: perturbation[kind].linf,
    l2: perturbation[kind].l2,
    evaluations: row.evaluations,
    signs: signs.map(({ kind }) => kind),
    region,
    trials: trials && trialScores([trials], kind),
    ...successOf([row]),
  }));
  const all: Line = {
    image: "pooled",
    scores: pooled[kind],
    linf: pooled.linf[kind],
    l2: pooled.l2[kind],
    evaluations: pooled.evaluations,
    signs: [...new Set(each.flatMap(({ signs }) => signs))],
    trials: pooled.trials?.[kind],
    ...successOf(images.map(({ row }) => row)),
  };
  return images.length === 1 ? each : [...each, all];
};

const successText = ({ reached, pictures }: NonNullable<Line["success"]>): string =>
  pictures === 1 ? (reached === 1 ? "yes" : "no") : `${reached} of ${pictures}`;

/**
 * A table of the scores of the 8-bit images, which are what is written, and of their distances in the attack's norm; of attacks of minimum norm also whether the image as it was
 * computed reaches the goal.
 */
export const attackTable = (report: AttackReport): string => {
  const norm = normOf(report);
  const head = [
    "image",
    "mIoU clean",
    "adversarial",
    "IoU ratio",
    "accuracy clean",
    "adversarial",
    normText(norm),
    "evaluations",
  ];
  const lines = linesOf(report, "uint8");
  const withSuccess = lines.some(({ success }) => success);
  const rows = lines.map(({ image, scores, evaluations, success, ...lengths }) => [
    image,
    scoreText(scores.miou.clean),
    scoreText(scores.miou.adversarial),
    scoreText(scores.iouRatio),
    scoreText(scores.pixelAccuracy.clean),
    scoreText(scores.pixelAccuracy.adversarial),
    String(Number(lengths[norm].toFixed(3))),
    `${evaluations.forward} + ${evaluations.backward}`,
    ...(success ? [successText(success)] : []),
  ]);
  return table([[...head, ...(withSuccess ? ["succeeded"] : [])], ...rows], [1, 2, 3, 4, 5, 6, 7]);
};

/** Signs that the attack is weaker than it seems, a line for each kind, and what one attack cannot show. */
export const signLines = ({ images, unchecked }: AttackReport): string => {
  const shown = images.flatMap(({ signs }) => signs);
  const lines = [...new Set(shown.map(({ kind }) => kind))].map((kind) => {
    const own = shown.filter((sign) => sign.kind === kind);
    const where = images.length === 1 ? "" : ` on ${own.length} of ${images.length} pictures, the first:`;
    return `\nsign: ${kind}${where} ${own[0]!.detail}`;
  });
  return `${lines.join("")}\nnot checked: ${unchecked.kinds.join(", ")}. ${unchecked.detail}`;
};

/** On how many pictures rounding to 8 bits undoes the attack, or part of it; empty where on none. */
export const roundingLine = ({ images }: AttackReport): string => {
  const faults = images.map(roundingFault).filter((fault) => fault !== null);
  if (faults.length === 0) return "";
  const where = images.length === 1 ? "" : `on ${faults.length} of ${images.length} pictures, the first: `;
  return `\nnote: ${where}${faults[0]}.`;
};

const spread = (value: Spread | null): string =>
  value === null ? "–" : `${value.mean.toFixed(4)} ± ${scoreText(value.twoDeviations)}`;

/** The 8-bit images in all trials, pooled over the pictures; empty where there were none. */
export const trialLines = ({ pooled: { trials } }: AttackReport): string => {
  if (!trials) return "";
  const { trials: all, cleanMiou, adversarialMiou, iouRatio } = trials.uint8;
  return `\n${all.length} trials, mean ± two standard deviations: mIoU clean ${spread(cleanMiou)}, adversarial ${spread(adversarialMiou)}, IoU ratio ${spread(iouRatio)}`;
};

/** What became of the regions in the 8-bit images, a line each; empty where there were none. */
export const regionLines = ({ images }: AttackReport): string =>
  images
    .map(({ image, region }) =>
      region === undefined
        ? ""
        : `\n${image}: of ${region.pixels} pixels of the region ${scoreText(region.uint8.reached)} have the label to approach, before ${scoreText(region.clean.reached)}; elsewhere ${scoreText(region.uint8.kept)} are as before`,
    )
    .join("");
