/** One image, attacked and scored: what /v1/attack does, without HTTP. */

import type { Attack } from "../attacks/attack.ts";
import type { AttackName } from "../attacks/catalogue.ts";
import { fgsm } from "../attacks/fgsm.ts";
import { ifgsm, paperSteps } from "../attacks/ifgsm.ts";
import { pgd } from "../attacks/pgd.ts";
import { roundToUint8 } from "../image/encode.ts";
import { changedShare } from "../metrics/distances.ts";
import type { Goal, Image, Labels, Prediction, SegmentationEvaluation, Segmenter } from "../segmenter/segmenter.ts";
import { attackOnDevice, signAscent, type DeviceStep } from "./on-device.ts";
import { filledLabels } from "./labels.ts";

/** `step` counts from 1; `loss` is the mean over pixels that count; the share is of pixels whose label changed. */
export interface StepReport {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly changedPixelShare: number;
}

/** Awaited after each step; aborting the signal makes the run reject with its reason. */
export interface MeasureHooks {
  readonly onStep?: ((report: StepReport) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What to do to an image; `epsilon` and `alpha` in grey levels. */
export interface AttackPlan {
  readonly attack: AttackName;
  readonly epsilon: number;
  readonly alpha: number;
  readonly steps: number;
  readonly pixelRange: "clip" | "none";
  readonly seed: number;
  /** Labels to approach, in place of leaving the source labels or of the least-likely classes. */
  readonly target?: Labels | number | undefined;
  /** Labels to leave; the clean prediction by default, as in the paper. */
  readonly source?: Labels | undefined;
}

/** What an attack made of an image, and what the network sees before and after it. */
export interface AttackedImage {
  readonly clean: Prediction;
  /** As computed, and rounded to 8 bits. */
  readonly float: { readonly image: Image; readonly labels: Labels };
  readonly uint8: { readonly image: Image; readonly labels: Labels };
  readonly steps: readonly StepReport[];
  /** Share of exactly zero components of the first gradient. */
  readonly zeroGradientShare: number;
  /** Milliseconds: the clean prediction, the attack's own runs, the predictions after it. */
  readonly timings: { readonly clean: number; readonly attack: number; readonly scoring: number };
}

/** Steps by the protocol: one for the single-step attacks, else the paper's n(ε). */
export const stepsOf = (attack: AttackName, epsilon: number): number =>
  attack === "fgsm" || attack === "fgsm-ii" ? 1 : paperSteps(epsilon);

export const attackOf = ({ attack, epsilon, alpha, steps, pixelRange, seed }: AttackPlan): Attack => {
  const ball = { epsilon, pixelRange: pixelRange === "clip" ? ([0, 255] as const) : null };
  switch (attack) {
    case "fgsm":
    case "fgsm-ii":
      return fgsm(ball);
    case "ifgsm":
    case "ifgsm-ii":
      return ifgsm({ ...ball, alpha, steps });
    case "pgd":
      return pgd({ ...ball, alpha, steps, seed });
    default:
      return attack satisfies never;
  }
};

/** FGSM II and Iterative FGSM II approach the least-likely class of each pixel; the others leave the source labels. */
export const goalKind = ({
  attack,
  target,
}: {
  readonly attack: AttackName;
  readonly target?: unknown;
}): Goal["kind"] => (target !== undefined ? "towards" : attack.endsWith("-ii") ? "least-likely" : "away");

const goalOf = (plan: AttackPlan, clean: Labels): Goal => {
  const { target, source } = plan;
  if (target !== undefined)
    return { kind: "towards", labels: typeof target === "number" ? filledLabels(clean, target) : target };
  return goalKind(plan) === "least-likely" ? { kind: "least-likely" } : { kind: "away", labels: source ?? clean };
};

const timed = async <T>(run: () => Promise<T>): Promise<readonly [T, number]> => {
  const start = performance.now();
  return [await run(), performance.now() - start];
};

/**
 * Attacks an image [3,H,W] of grey levels 0..255, and predicts before and after.
 *
 * @param clean the prediction on the image, where it is known already.
 * @throws RuntimeError where the backend fails, MemoryBudgetError where a run would not fit; the signal's reason where it is aborted.
 */
export const attackImage = async (
  segmenter: Segmenter,
  image: Image,
  plan: AttackPlan,
  { onStep, signal }: MeasureHooks = {},
  clean?: Prediction,
): Promise<AttackedImage> => {
  const [before, cleanMs] = clean ? [clean, 0] : await timed(() => segmenter.predict(image));
  const trace = createTrace(plan.steps, onStep);
  const [goal, attack] = [goalOf(plan, before.labels), attackOf(plan)];
  const [ascent, climb] = [signAscent(attack), segmenter.onDevice(goal)];
  const [adversarial, attackMs] = await timed(() =>
    ascent && climb
      ? attackOnDevice(climb, ascent, image, before.labels, { signal, onStep: trace.stepped })
      : attack(segmenter.objective(goal), image, {
          signal,
          onStep: ({ evaluation }) => trace.stepped(stepFrom(evaluation, before.labels)),
        }),
  );
  const rounded = roundToUint8(adversarial);
  const [[float, uint8], scoringMs] = await timed(async () => {
    const exact = await segmenter.predict(adversarial);
    return [exact, equal(adversarial, rounded) ? exact : await segmenter.predict(rounded)] as const;
  });
  await trace.finished(changedShare(before.labels, float.labels) ?? 0);
  return {
    clean: before,
    float: { image: adversarial, labels: float.labels },
    uint8: { image: rounded, labels: uint8.labels },
    steps: trace.steps,
    zeroGradientShare: trace.zeroGradientShare(),
    timings: { clean: cleanMs, attack: attackMs, scoring: scoringMs },
  };
};

/** Whole steps on a whole image stay whole: then rounding changes nothing, and one prediction serves both. */
const equal = (a: Image, b: Image): boolean => {
  for (let i = 0; i < a.data.length; i++) if (a.data[i] !== b.data[i]) return false;
  return true;
};

const zerosOf = (values: Float32Array): number => {
  let zeros = 0;
  for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros += 1;
  return zeros;
};

const stepFrom = ({ gradient, loss, labels }: SegmentationEvaluation, clean: Labels): DeviceStep => ({
  loss,
  zeroShare: zerosOf(gradient.data) / gradient.data.length,
  changedShare: changedShare(clean, labels) ?? 0,
});

/**
 * A step is reported with the loss where it started and the labels where it ended; those are known when the next step, or
 * the final prediction, has run.
 */
const createTrace = (steps: number, onStep: MeasureHooks["onStep"]) => {
  const reports: StepReport[] = [];
  let [started, lastLoss, zeroShare] = [0, 0, 0];
  const report = async (changedPixelShare: number) => {
    const step: StepReport = { step: started, steps, loss: lastLoss, changedPixelShare };
    reports.push(step);
    await onStep?.(step);
  };
  return {
    steps: reports,
    zeroGradientShare: () => zeroShare,
    stepped: async (step: DeviceStep) => {
      if (started > 0) await report(step.changedShare);
      else zeroShare = step.zeroShare ?? 0;
      started += 1;
      lastLoss = step.loss;
    },
    finished: report,
  };
};
