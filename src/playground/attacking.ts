/** An attack as the engine runs it: every step is shown, and what it has reached is kept when the visitor stops it. */

import { sha256Of } from "../digest.ts";
import { measure, type Measured } from "../evaluation/measure.ts";
import { regionAim, type RegionAim } from "../evaluation/region-goal.ts";
import { attackScores, perturbationFrom } from "../evaluation/scores.ts";
import type { StepReport } from "../evaluation/steps.ts";
import { encodePng } from "../image/encode.ts";
import { scoresOf } from "../metrics/counts.ts";
import { changedShare } from "../metrics/distances.ts";
import type { Evaluate, Image, Labels, Prediction, SegmentationValue, Segmenter } from "../segmenter/segmenter.ts";
import type { Attacked, Plan, Reached } from "./messages.ts";

/** What is attacked, and how. */
export interface Assault {
  /** The network that is scored. */
  readonly scored: Segmenter;
  /** The network whose objective is climbed, which may be the same one. */
  readonly climbed: Segmenter;
  readonly image: Image;
  /** The visitor's labels, the reference of the scores; else the clean prediction is. */
  readonly truth: Labels | null;
  /** The prediction on the image, where it is known. */
  readonly clean: Prediction | undefined;
  readonly plan: Plan;
}

export interface AttackWatch {
  readonly signal: AbortSignal;
  /** Awaited after each step. */
  readonly onStep: (report: StepReport, reached: Reached | null) => Promise<void>;
}

/**
 * The segmenter, whose every run is told to `see`. Attacks never stay on the device here, since each step's image is shown.
 */
const watchedBy = (segmenter: Segmenter, see: (reached: Reached) => void): Segmenter => {
  const watching =
    <E extends SegmentationValue>(evaluate: Evaluate<E>): Evaluate<E> =>
    async (image, ...rest) => {
      const evaluation = await evaluate(image, ...rest);
      see({ image, labels: evaluation.labels });
      return evaluation;
    };
  return {
    ...segmenter,
    objective: (aim) => watching(segmenter.objective(aim)),
    value: (aim) => watching(segmenter.value(aim)),
    predict: async (image) => {
      const prediction = await segmenter.predict(image);
      see({ image, labels: prediction.labels });
      return prediction;
    },
    onDevice: () => null,
    withTransform: (defence) => watchedBy(segmenter.withTransform(defence), see),
  };
};

const resultOf = (
  { manifest }: Segmenter,
  clean: Image,
  measured: Measured,
  aim: RegionAim | undefined,
): Omit<Attacked, "milliseconds" | "stopped" | "confidences"> => {
  const { row, clean: before, uint8, float } = measured;
  const names = manifest.classes.map(({ name }) => name);
  return {
    ...uint8,
    unrounded: float.image,
    scores: attackScores(scoresOf(row.counts.clean), scoresOf(row.counts.uint8), names),
    perturbation: perturbationFrom(clean)(uint8.image),
    changedPixelShare: changedShare(before.labels, uint8.labels) ?? 0,
    zeroGradientShare: row.masking.zeroGradientShare,
    region: aim ? aim.reached(measured) : null,
    signs: measured.signs,
    unchecked: measured.unchecked,
    row,
  };
};

/** @throws RegionError where the picture has not the region of the goal; the signal's reason where it is aborted before the first step has ended. */
export const attackFor = async (
  { scored, climbed, image, truth, clean, plan }: Assault,
  { signal, onStep }: AttackWatch,
): Promise<Omit<Attacked, "milliseconds" | "confidences">> => {
  let reached: Reached | null = null;
  let steps = 0;
  // As the command line names the file that is saved of it.
  const item = await sha256Of(new Uint8Array(encodePng(image)));
  const subject = { image, item, clean, truth: truth ?? undefined };
  const networks = (as: (network: Segmenter) => Segmenter) => {
    const segmenter = as(scored);
    return { segmenter, source: climbed === scored ? segmenter : as(climbed) };
  };
  const { goal, ...attack } = plan;
  // The region follows from the clean prediction.
  const aim = goal && regionAim(goal, scored.manifest.classes.length, undefined);
  const full = { ...attack, pixelRange: "clip" } as const;
  const planned = aim ? (before: Labels) => ({ ...full, target: aim.given(before) }) : full;
  try {
    const measured = await measure(
      { ...subject, ...networks((network) => watchedBy(network, (seen) => (reached = seen))) },
      planned,
      {
        signal,
        onStep: (report) => {
          steps = report.step;
          return onStep(report, reached);
        },
      },
    );
    return { ...resultOf(scored, image, measured, aim), stopped: null };
  } catch (cause) {
    const last: Reached | null = reached;
    if (!signal.aborted || !last || steps === 0) throw cause;
    const crafted = {
      ...(last as Reached),
      evaluations: { forward: 0, backward: 0 },
      zeroGradientShare: 0,
      courses: [],
    };
    const measured = await measure({ ...subject, ...networks((network) => network), crafted }, planned);
    return { ...resultOf(scored, image, measured, aim), stopped: steps };
  }
};
