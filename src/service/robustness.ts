/** /v1/robustness's work: a grid of attacks and radii on one image, the curve, and the smallest radius that breaks it. */

import { attackEntry, withDefaults, type AttackName } from "../attacks/catalogue.ts";
import { optionValues } from "../attacks/options.ts";
import { invalidSpec } from "../contract/failure.ts";
import {
  gridAttack,
  type CurvePoint,
  type GridAttack,
  type RobustnessRequest,
  type RobustnessResult,
  type RobustnessRun,
  type RobustnessSpec,
  type SmallestEpsilon,
} from "../contract/robustness.ts";
import { measure, type Subject } from "../evaluation/measure.ts";
import { evaluatedBy, type AttackPlan, stepsOf } from "../evaluation/plan.ts";
import { flagsOf, signsOfFlags, type Figure } from "../evaluation/orders.ts";
import { maskingSigns, weaknessSigns, type Sign } from "../evaluation/signs.ts";
import { scoresOf, sum } from "../metrics/counts.ts";
import { sha256Of } from "../digest.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import { spatialSize } from "../tensor.ts";
import { transformsThatRan } from "../networks/with-transform.ts";
import { receiptOf, type Context } from "./context.ts";
import { labelWarnings } from "./label-reading.ts";
import { pictureWarnings, readTruth } from "./pictures.ts";
import { pointScores } from "./point-scores.ts";
import { yieldToEvents } from "../yield.ts";
import { cancellable } from "./queue.ts";

const unscorable = (miou: number | null) => ({
  pointer: "/labels",
  detail: `the clean mIoU against these labels is ${miou ?? "undefined"}, so there is no IoU ratio`,
});

/** An attack of the grid at one radius: its own options, then the grid's step size, then its defaults. */
const planOf = (
  spec: RobustnessSpec,
  entry: GridAttack,
  epsilon: number,
  source: Labels | undefined,
): AttackPlan & { readonly steps: number } => {
  const { norm, pixelRange, seed } = spec;
  const { attack, ...own } = gridAttack(entry);
  const { alpha = 1, steps = 1, ...options } = withDefaults(attack, { epsilon, norm }, { alpha: spec.alpha, ...own });
  return { ...options, attack, epsilon, norm, alpha, steps, pixelRange, seed, source };
};

/** Evaluations of the whole grid on one image. */
export const stepsOfGrid = (spec: RobustnessSpec): number =>
  (spec.draws ?? 1) *
  sum(
    spec.attacks.flatMap((attack) => spec.epsilons.map((epsilon) => stepsOf(planOf(spec, attack, epsilon, undefined)))),
  );

export const createRobustnessHandler =
  (context: Context) =>
  async (
    { spec, image: bytes, labels }: RobustnessRequest,
    { onPoint, signal }: RobustnessRun,
  ): Promise<RobustnessResult> => {
    const start = performance.now();
    const model = await context.open(spec);
    const { segmenter } = model;
    const cost = context.requireWork(bytes, stepsOfGrid(spec));
    const names = spec.attacks.map((entry) => gridAttack(entry).attack);
    const image = await context.prepare(model, bytes, evaluatedBy(names));
    const truth = await readTruth(context, model, image, "labels", labels, spec.label255);
    const clean = await segmenter.predict(image);
    const subject: Subject = { segmenter, image, item: await sha256Of(bytes), truth, clean, version: context.version };
    const unattacked = await measure(subject, null);
    const cleanScores = scoresOf(unattacked.row.counts.clean);
    if (!cleanScores.miou) throw invalidSpec(unscorable(cleanScores.miou));
    const source = spec.label === "ground-truth" ? truth : undefined;
    const grid = spec.attacks.flatMap((attack) => spec.epsilons.map((epsilon) => ({ attack, epsilon })));
    const curve: CurvePoint[] = [];
    const figures: Figure[] = [];
    const rows = [unattacked.row];
    let [zeroGradientShare, maskedShare] = [0, 0];
    let evaluations = 0;
    for (const { attack: entry, epsilon } of grid) {
      const plan = planOf(spec, entry, epsilon, source);
      const { attack } = plan;
      if (attackEntry(attack).knowledge !== "gradient-free") evaluations = Math.max(evaluations, stepsOf(plan));
      const { row, signs: shown } = await cancellable(signal, () =>
        measure(subject, plan, { onStep: yieldToEvents, signal }),
      );
      zeroGradientShare = Math.max(zeroGradientShare, row.masking.zeroGradientShare);
      if (shown.some(({ kind }) => kind === "gradient-zero"))
        maskedShare = Math.max(maskedShare, row.masking.zeroGradientShare);
      const point: CurvePoint = {
        attack,
        epsilon,
        steps: plan.steps,
        float: pointScores(scoresOf(row.counts.float), cleanScores),
        uint8: pointScores(scoresOf(row.counts.uint8), cleanScores),
        signs: shown.filter(({ kind }) => !ofAllPoints.has(kind)),
      };
      curve.push(point);
      figures.push({
        attack,
        epsilon,
        iouRatio: point.float.iouRatio,
        source: null,
        gradients: row.evaluations.backward,
        options: { ...optionValues(plan) },
      });
      rows.push(row);
      await onPoint?.(point, curve.length, grid.length);
    }
    const ratios = curve.map(({ attack, epsilon, float, uint8 }): RatiosAt => {
      return { attack, epsilon, float: float.iouRatio, uint8: uint8.iouRatio };
    });
    const found = smallestOf(names, ratios, spec.threshold);
    const overall = found.smallestEpsilon;
    const broken = overall.float !== null || overall.uint8 !== null;
    const { width, height } = spatialSize(image);
    const masking = { zeroGradientShare, confidence: unattacked.row.masking.confidence };
    const flagged = figures.map((figure) => ({ ...figure, flags: flagsOf(figure, figures) }));
    const signs = [
      ...maskingSigns({ ...masking, zeroGradientShare: maskedShare }),
      ...signsOfFlags(flagged),
      ...lateSigns(curve),
      ...(broken ? [] : weaknessSigns({ evaluations, pixels: width * height })),
    ];
    const total = performance.now() - start;
    return {
      width,
      height,
      reference: unattacked.row.reference,
      threshold: spec.threshold,
      voidPixels: width * height - sum(unattacked.row.counts.clean.reference),
      warnings: [
        ...(await pictureWarnings(bytes, image, model.network)),
        ...(truth ? labelWarnings("labels", truth) : []),
      ],
      clean: { miou: cleanScores.miou, pixelAccuracy: cleanScores.pixelAccuracy },
      curve: curve.map((point, i) => ({ ...point, flags: flagged[i]!.flags })),
      ...found,
      verdict: broken ? "broken" : signs.length > 0 ? "undecided" : "not-broken",
      summary: summarise(overall, curve, spec),
      signs,
      masking,
      cost,
      rows,
      timings: { total },
      receipt: receiptOf(context, model, { ...spec, ...transformsThatRan(model) }),
    };
  };

/** Signs of the network and its first gradient, which the answer gives once. */
const ofAllPoints: ReadonlySet<Sign["kind"]> = new Set<Sign["kind"]>(["gradient-zero", "saturated"]);

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
