/** One image, attacked and scored: clean prediction, attack, predictions after it, counts. Everything that attacks calls this. */

import { attackEntry, effectiveOptions } from "../attacks/catalogue.ts";
import { roundToUint8 } from "../image/encode.ts";
import { countsOf } from "../metrics/counts.ts";
import { changedShare } from "../metrics/distances.ts";
import type { Image, Labels, Prediction, Segmenter } from "../segmenter/segmenter.ts";
import { craft, type Crafted } from "./craft.ts";
import { meanOf, voidedBeyond } from "./labels.ts";
import { stepsOf, type AttackPlan } from "./plan.ts";
import type { Json, Row } from "./row.ts";
import { createTrace, type StepReport } from "./steps.ts";

/** What is attacked: an image, with the network that is scored on it. */
export interface Subject {
  /** The network that is scored. */
  readonly segmenter: Segmenter;
  /** The network whose objective is climbed, where that is another one: a transfer attack. */
  readonly source?: Segmenter | undefined;
  readonly image: Image;
  /** Which image it is, for the row. */
  readonly item: string;
  /** The ground truth; without it the clean prediction is the reference. */
  readonly truth?: Labels | undefined;
  /** The prediction on the image, where it is known already. */
  readonly clean?: Prediction | undefined;
  /** What an earlier measurement with the same source, image and plan has made, to be scored on another network. */
  readonly crafted?: Crafted | undefined;
}

/** Awaited after each step; aborting the signal makes the run reject with its reason. */
export interface MeasureHooks {
  readonly onStep?: ((report: StepReport) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A measurement: the row that is kept, and the images, labels and times that it was made from. */
export interface Measured {
  readonly row: Row;
  readonly clean: Prediction;
  readonly reference: Labels;
  /** As computed, and rounded to 8 bits. */
  readonly float: { readonly image: Image; readonly labels: Labels };
  readonly uint8: { readonly image: Image; readonly labels: Labels };
  readonly crafted: Crafted;
  readonly steps: readonly StepReport[];
  /** Milliseconds: the clean prediction, the attack's own runs, the predictions after it. */
  readonly timings: { readonly clean: number; readonly attack: number; readonly scoring: number };
}

const timed = async <T>(run: () => Promise<T>): Promise<readonly [T, number]> => {
  const start = performance.now();
  return [await run(), performance.now() - start];
};

/**
 * Attacks an image [3,H,W] of grey levels 0..255, predicts before and after, and counts.
 *
 * @param plan null: the clean image alone is scored.
 * @throws RangeError for a number of the plan that is out of range; RuntimeError where the backend fails, MemoryBudgetError where a
 * run would not fit; the signal's reason where it is aborted.
 */
export const measure = async (
  { segmenter, source = segmenter, image, item, truth, clean, crafted }: Subject,
  plan: AttackPlan | null,
  { onStep, signal }: MeasureHooks = {},
): Promise<Measured> => {
  const spent = { forward: 0, backward: 0 };
  const predict = (network: Segmenter, at: Image): Promise<Prediction> => {
    spent.forward += 1;
    return network.predict(at);
  };
  const [before, cleanMs] = clean ? [clean, 0] : await timed(() => predict(segmenter, image));
  const trace = createTrace(plan ? stepsOf(plan) : 0, onStep);
  const [made, attackMs] = await timed(async (): Promise<Crafted> => {
    if (crafted) return crafted;
    if (!plan) return { image, prediction: before, evaluations: { forward: 0, backward: 0 } };
    const attacked = source === segmenter ? before : await predict(source, image);
    return craft(source, image, plan, attacked.labels, { trace, signal });
  });
  const rounded = roundToUint8(made.image);
  const [[float, uint8], scoringMs] = await timed(async () => {
    const known = source === segmenter ? made.prediction : undefined;
    const exact = known ?? (await predict(segmenter, made.image));
    const same = !plan || equal(made.image, rounded);
    return [exact, same ? exact : await predict(segmenter, rounded)] as const;
  });
  await trace.finished(changedShare(before.labels, float.labels) ?? 0);

  const { manifest } = segmenter;
  const reference = truth ?? voidedBeyond(before.labels, manifest.classes.length);
  const counted = ({ labels }: Prediction) => countsOf(labels, reference, manifest.classes.length);
  return {
    row: {
      schema: 1,
      unit: { networkSha256: manifest.sha256, attack: plan && specOf(plan, source), item, seed: plan?.seed ?? 0 },
      reference: truth ? "ground-truth" : "prediction",
      counts: { clean: counted(before), float: counted(float), uint8: counted(uint8) },
      evaluations: {
        forward: spent.forward + (crafted ? 0 : made.evaluations.forward),
        backward: crafted ? 0 : made.evaluations.backward,
      },
      masking: { zeroGradientShare: trace.zeroGradientShare(), confidence: meanOf(before.confidence.data) },
      receipt: { model: manifest.name, backend: segmenter.runs.backend, onnxruntime: segmenter.runs.version },
    },
    clean: before,
    reference,
    float: { image: made.image, labels: float.labels },
    uint8: { image: rounded, labels: uint8.labels },
    crafted: made,
    steps: trace.steps,
    timings: { clean: cleanMs, attack: attackMs, scoring: scoringMs },
  };
};

/** The attack as the row names it, with the options that it runs with; of label maps it says which they are. */
const specOf = (
  { attack, epsilon, norm, pixelRange, source, target, ...given }: AttackPlan,
  { defence }: Pick<Segmenter, "defence">,
): Json => ({
  attack,
  ...(epsilon === undefined ? {} : { epsilon }),
  ...(norm && norm !== attackEntry(attack).distance ? { norm } : {}),
  ...effectiveOptions(attack, { epsilon, norm }, given),
  pixelRange,
  label: source ? "ground-truth" : "prediction",
  ...(defence && { transform: { ...defence, transform: defence.transform.map((spec) => spec as Json) } }),
  ...(target === undefined ? {} : { target: typeof target === "number" ? target : "map" }),
});

/** Whole steps on a whole image stay whole: then rounding changes nothing, and one prediction serves both. */
const equal = (a: Image, b: Image): boolean => {
  for (let i = 0; i < a.data.length; i++) if (a.data[i] !== b.data[i]) return false;
  return true;
};
