/** What the rows of a grid on one image say: the curve, the smallest radius that breaks the network, a verdict. No network runs. */

import { attackEntry, type AttackName } from "../attacks/catalogue.ts";
import { optionValues } from "../attacks/options.ts";
import {
  gridAttack,
  type Cost,
  type CurvePoint,
  type RobustnessResult,
  type RobustnessSpec,
  type SmallestEpsilon,
} from "../contract/robustness.ts";
import type { Receipt, Timings } from "../contract/receipt.ts";
import type { Warning } from "../contract/warnings.ts";
import { flagsIn, signsOfFlags, type Figure } from "../evaluation/orders.ts";
import { stepsOf } from "../evaluation/plan.ts";
import type { Row } from "../evaluation/row.ts";
import { maskingSigns, weaknessSigns, type Sign } from "../evaluation/signs.ts";
import { scoresOf, sum } from "../metrics/counts.ts";
import type { Size } from "../tensor.ts";
import { pointScores } from "./point-scores.ts";
import { gridOf, type GridPlan } from "./robustness-grid.ts";

/** What is known of an image beside its rows. */
export interface Pictured extends Size {
  readonly warnings: readonly Warning[];
}

/** A row, and what its attack showed. */
export interface Shown {
  readonly row: Row;
  readonly signs: readonly Sign[];
}

export interface Grid {
  readonly spec: RobustnessSpec;
  readonly picture: Pictured;
  readonly clean: Row;
  /** In the order of `gridOf`. */
  readonly points: readonly Shown[];
  readonly cost: Cost;
  readonly timings: Timings;
  readonly receipt: Receipt<RobustnessSpec>;
}

/** Signs of the network and its first gradient, which the answer gives once. */
const ofAllPoints: ReadonlySet<Sign["kind"]> = new Set<Sign["kind"]>(["gradient-zero", "saturated"]);

/** A point of the curve, without its flags. @param clean the row of the clean image. */
export const pointOf = ({ attack, epsilon, steps }: GridPlan, clean: Row, { row, signs }: Shown): CurvePoint => {
  const before = scoresOf(clean.counts.clean);
  return {
    attack,
    epsilon,
    steps,
    float: pointScores(scoresOf(row.counts.float), before),
    uint8: pointScores(scoresOf(row.counts.uint8), before),
    signs: signs.filter(({ kind }) => !ofAllPoints.has(kind)),
  };
};

const figureOf = (plan: GridPlan, { row }: Shown, { float: { iouRatio } }: CurvePoint): Figure => {
  const { attack, epsilon } = plan;
  const options = { ...optionValues(plan) };
  return { attack, epsilon, iouRatio, source: null, gradients: row.evaluations.backward, options };
};

/** The largest share of zeros in a first gradient, of the points that satisfy the condition; 0 where none does. */
const zerosOf = (points: readonly Shown[], condition: (shown: Shown) => boolean): number =>
  Math.max(0, ...points.filter(condition).map(({ row }) => row.masking.zeroGradientShare));

/** Gradients of the most thorough attack that takes any. */
const mostEvaluations = (plans: readonly GridPlan[]): number =>
  Math.max(0, ...plans.map((plan) => (attackEntry(plan.attack).knowledge === "gradient-free" ? 0 : stepsOf(plan))));

export const resultOf = ({ spec, picture, clean, points, cost, timings, receipt }: Grid): RobustnessResult => {
  const { width, height, warnings } = picture;
  const { miou, pixelAccuracy } = scoresOf(clean.counts.clean);
  const plans = gridOf(spec);
  const curve = points.map((shown, i) => pointOf(plans[i]!, clean, shown));
  const figures = points.map((shown, i) => figureOf(plans[i]!, shown, curve[i]!));
  const flagsOf = flagsIn(figures);
  const flagged = figures.map((figure) => ({ ...figure, flags: flagsOf(figure) }));
  const ratios = curve.map(({ attack, epsilon, float, uint8 }): RatiosAt => {
    return { attack, epsilon, float: float.iouRatio, uint8: uint8.iouRatio };
  });
  const names = spec.attacks.map((entry) => gridAttack(entry).attack);
  const found = smallestOf(names, ratios, spec.threshold);
  const overall = found.smallestEpsilon;
  const broken = overall.float !== null || overall.uint8 !== null;
  const masking = { zeroGradientShare: zerosOf(points, () => true), confidence: clean.masking.confidence };
  const maskedShare = zerosOf(points, ({ signs }) => signs.some(({ kind }) => kind === "gradient-zero"));
  const signs = [
    ...maskingSigns({ ...masking, zeroGradientShare: maskedShare }),
    ...signsOfFlags(flagged),
    ...lateSigns(curve),
    ...(broken ? [] : weaknessSigns({ evaluations: mostEvaluations(plans), pixels: width * height })),
  ];
  return {
    width,
    height,
    reference: clean.reference,
    threshold: spec.threshold,
    voidPixels: width * height - sum(clean.counts.clean.reference),
    warnings,
    clean: { miou, pixelAccuracy },
    curve: curve.map((point, i) => ({ ...point, flags: flagged[i]!.flags })),
    ...found,
    verdict: broken ? "broken" : signs.length > 0 ? "undecided" : "not-broken",
    summary: summarise(overall, curve, spec),
    signs,
    masking,
    cost,
    rows: [clean, ...points.map(({ row }) => row)],
    timings,
    receipt,
  };
};

/** What the strongest attack at the largest radius itself shows: where its steps were too few, so were those of the grid. */
const lateSigns = (curve: readonly CurvePoint[]): readonly Sign[] => {
  const largest = Math.max(...curve.map(({ epsilon }) => epsilon));
  const [last] = curve
    .filter(({ epsilon }) => epsilon === largest)
    .toSorted((a, b) => (a.float.iouRatio ?? Infinity) - (b.float.iouRatio ?? Infinity));
  const { attack, epsilon, signs = [] } = last ?? {};
  return signs.map((sign) => ({ ...sign, detail: `${attack} at ε = ${epsilon}: ${sign.detail}` }));
};

/** The IoU ratios that an attack leaves at a radius: of images as computed, and rounded to 8 bits. */
interface RatiosAt {
  readonly attack: AttackName;
  readonly epsilon: number;
  readonly float: number | null;
  readonly uint8: number | null;
}

const smallest = (points: readonly RatiosAt[], threshold: number): SmallestEpsilon => {
  const least = (kind: "float" | "uint8"): number | null => {
    const broken = points.filter((p) => (p[kind] ?? Infinity) < threshold).map((p) => p.epsilon);
    return broken.length > 0 ? Math.min(...broken) : null;
  };
  return { float: least("float"), uint8: least("uint8") };
};

/** The smallest radii whose IoU ratio is below the threshold, of each attack and of all. */
export const smallestOf = (
  attacks: readonly AttackName[],
  points: readonly RatiosAt[],
  threshold: number,
): Pick<RobustnessResult, "breaking" | "smallestEpsilon"> => ({
  breaking: attacks.map((attack) => ({
    attack,
    ...smallest(
      points.filter((p) => p.attack === attack),
      threshold,
    ),
  })),
  smallestEpsilon: smallest(points, threshold),
});

/** A radius in a summary: L∞ radii are grey levels of 255, those in L2 have no such end. */
export const radiusText = (epsilon: number, norm: RobustnessSpec["norm"]): string =>
  norm === "l2" ? `ε = ${epsilon} in L2` : `ε = ${epsilon} of 255`;

const summarise = (
  { float, uint8 }: SmallestEpsilon,
  curve: readonly CurvePoint[],
  { threshold, epsilons, norm }: RobustnessSpec,
): string => {
  if (float === null && uint8 === null) {
    return `No attack of the grid, up to ${radiusText(Math.max(...epsilons), norm)}, brings the IoU ratio below ${threshold}.`;
  }
  const kind = uint8 === null ? "float" : "uint8";
  const epsilon = uint8 ?? float!;
  const worst = curve
    .filter((p) => p.epsilon === epsilon)
    .toSorted((a, b) => (a[kind].iouRatio ?? Infinity) - (b[kind].iouRatio ?? Infinity))[0]!;
  const ratio = worst[kind].iouRatio!.toFixed(3);
  const how = kind === "uint8" ? "as an 8-bit image" : "as a float image only; rounding to 8 bits undoes it";
  return `${worst.attack} at ${radiusText(epsilon, norm)} brings the IoU ratio to ${ratio}, below ${threshold}, ${how}.`;
};
