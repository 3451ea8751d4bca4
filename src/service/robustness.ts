/** /v1/robustness's work: a grid of attacks and radii on one image, the curve, and the smallest radius that breaks it. */

import { iouRatio, type Scores } from "../metrics/confusion.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import { attackImage, goalKind, stepsOf } from "../evaluation/measure.ts";
import { receiptOf, type Context } from "./context.ts";
import { readTruth } from "./pictures.ts";
import { cancellable } from "./queue.ts";
import { FaultlineError } from "../contract/failure.ts";
import { meanOf, voidedBeyond } from "../evaluation/labels.ts";
import { scoresAgainst } from "../evaluation/scores.ts";
import type {
  CurvePoint,
  PointScores,
  RobustnessRequest,
  RobustnessResult,
  RobustnessRun,
  RobustnessSpec,
  SmallestEpsilon,
} from "../contract/robustness.ts";
import { spatialSize } from "../tensor.ts";

const pointScores = (after: Scores, clean: Scores): PointScores => ({
  iouRatio: iouRatio(after, clean),
  miou: after.miou,
  pixelAccuracy: after.pixelAccuracy,
});

const unscorable = (miou: number | null) => ({
  pointer: "/labels",
  detail: `the clean mIoU against these labels is ${miou ?? "undefined"}, so there is no IoU ratio`,
});

/** Lets whoever waits for the signal set it: a run blocks the thread, so without this an abort would never arrive. */
const yieldOnce = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

export const createRobustnessHandler =
  (context: Context) =>
  async (
    { spec, image: bytes, labels }: RobustnessRequest,
    { onPoint, signal }: RobustnessRun,
  ): Promise<RobustnessResult> => {
    const start = performance.now();
    const model = await context.open(spec);
    const classes = model.segmenter.manifest.classes.length;
    const goals = new Set(spec.attacks.map((attack) => goalKind({ attack })));
    const image = await context.prepare(model, bytes, [...goals]);
    const truth = await readTruth(context, model, image, "labels", labels);
    const clean = await model.segmenter.predict(image);
    const reference = truth ?? voidedBeyond(clean.labels, classes);
    const cleanScores = scoresAgainst(clean.labels, reference, classes);
    if (!cleanScores.miou) throw new FaultlineError({ kind: "invalid-spec", errors: [unscorable(cleanScores.miou)] });
    const source = spec.label === "ground-truth" ? truth : undefined;
    const grid = spec.attacks.flatMap((attack) => spec.epsilons.map((epsilon) => ({ attack, epsilon })));
    const curve: CurvePoint[] = [];
    let zeroGradientShare = 0;
    const hooks = { onStep: yieldOnce, ...(signal ? { signal } : {}) };
    for (const { attack, epsilon } of grid) {
      const steps = stepsOf(attack, epsilon);
      const plan = { attack, epsilon, steps, source, alpha: spec.alpha, pixelRange: spec.pixelRange, seed: spec.seed };
      const attacked = await cancellable(signal, () => attackImage(model.segmenter, image, plan, hooks, clean));
      const { float, uint8 } = attacked;
      zeroGradientShare = Math.max(zeroGradientShare, attacked.zeroGradientShare);
      const scored = (after: Labels) => pointScores(scoresAgainst(after, reference, classes), cleanScores);
      const point: CurvePoint = { attack, epsilon, steps, float: scored(float.labels), uint8: scored(uint8.labels) };
      curve.push(point);
      await onPoint?.(point, curve.length, grid.length);
    }
    const breaking = spec.attacks.map((attack) => ({
      attack,
      ...smallest(
        curve.filter((p) => p.attack === attack),
        spec.threshold,
      ),
    }));
    const overall = smallest(curve, spec.threshold);
    const total = performance.now() - start;
    return {
      ...spatialSize(image),
      reference: truth ? "ground-truth" : "prediction",
      threshold: spec.threshold,
      clean: { miou: cleanScores.miou, pixelAccuracy: cleanScores.pixelAccuracy },
      curve,
      breaking,
      smallestEpsilon: overall,
      verdict: overall.float === null && overall.uint8 === null ? "robust" : "broken",
      summary: summarise(overall, curve, spec),
      masking: { zeroGradientShare, confidence: meanOf(clean.confidence.data) },
      timings: { total },
      receipt: receiptOf(context, model, spec),
    };
  };

const smallest = (curve: readonly CurvePoint[], threshold: number): SmallestEpsilon => {
  const least = (kind: "float" | "uint8"): number | null => {
    const broken = curve.filter((p) => (p[kind].iouRatio ?? Infinity) < threshold).map((p) => p.epsilon);
    return broken.length > 0 ? Math.min(...broken) : null;
  };
  return { float: least("float"), uint8: least("uint8") };
};

const summarise = (
  { float, uint8 }: SmallestEpsilon,
  curve: readonly CurvePoint[],
  { threshold, epsilons }: RobustnessSpec,
): string => {
  if (float === null && uint8 === null) {
    return `No attack of the grid, up to ε = ${Math.max(...epsilons)}, brings the IoU ratio below ${threshold}.`;
  }
  const kind = uint8 === null ? "float" : "uint8";
  const epsilon = uint8 ?? float!;
  const worst = curve
    .filter((p) => p.epsilon === epsilon)
    .toSorted((a, b) => (a[kind].iouRatio ?? Infinity) - (b[kind].iouRatio ?? Infinity))[0]!;
  const ratio = worst[kind].iouRatio!.toFixed(3);
  const how = kind === "uint8" ? "as an 8-bit image" : "as a float image only; rounding to 8 bits undoes it";
  return `${worst.attack} at ε = ${epsilon} of 255 brings the IoU ratio to ${ratio}, below ${threshold}, ${how}.`;
};
