/** One image, attacked and scored: clean prediction, attack, predictions after it, counts. Everything that attacks calls this. */

import { attackEntry, effectiveOptions } from "../attacks/catalogue.ts";
import type { Square } from "../attacks/entry.ts";
import { distanceOf, type Norm } from "../attacks/norms.ts";
import { succeeds } from "../attacks/smallest.ts";
import { roundToUint8 } from "../image/encode.ts";
import { roundWithinL2, roundWithinLinf } from "../image/round-within.ts";
import { countsOf } from "../metrics/counts.ts";
import { changedShare } from "../metrics/distances.ts";
import type { Image, Labels, Prediction, Segmenter } from "../segmenter/segmenter.ts";
import { sameShape } from "../tensor.ts";
import { coveredBy, uncovered } from "./covered.ts";
import { craft, remainingShare, type Crafted, type Stops } from "./craft.ts";
import { meanOf, voidedBeyond } from "./labels.ts";
import { stepsOf, type AttackPlan } from "./plan.ts";
import { isUniversal, withDelta, type UniversalPlan } from "./universal.ts";
import { unitId, type Row, type RowCounts } from "./row.ts";
import { attackSigns, uncheckedBy, type Seen, type Unchecked } from "./attack-signs.ts";
import { maskingSigns, type Sign } from "./signs.ts";
import { createTrace, type StepReport } from "./steps.ts";
import { unitOf } from "./unit.ts";

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
  /** The reference with everything void but what is counted apart, as `smallObjects` gives it; absent: nothing is. */
  readonly small?: Labels | undefined;
  /** Version of the package, for the receipt. */
  readonly version?: string | undefined;
}

/** Awaited after each step; aborting the signal makes the run reject with its reason. */
export interface MeasureHooks extends Stops {
  readonly onStep?: ((report: StepReport) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A measurement: the row that is kept, and the images, labels and times that it was made from. */
export interface Measured {
  readonly row: Row;
  readonly clean: Prediction;
  readonly reference: Labels;
  /** What a patch covers: void in the reference. */
  readonly covered: Square | undefined;
  /** As computed, and rounded to 8 bits. */
  readonly float: { readonly image: Image; readonly labels: Labels };
  readonly uint8: { readonly image: Image; readonly labels: Labels };
  readonly crafted: Crafted;
  readonly steps: readonly StepReport[];
  /** Signs that the attack is weaker than it seems. */
  readonly signs: readonly Sign[];
  /** What only other attacks could show. */
  readonly unchecked: Unchecked;
  /** Milliseconds: the clean prediction, the attack's own runs, the predictions after it. */
  readonly timings: { readonly clean: number; readonly attack: number; readonly scoring: number };
}

const timed = async <T>(run: () => Promise<T>): Promise<readonly [T, number]> => {
  const start = performance.now();
  return [await run(), performance.now() - start];
};

/** What is done to the image: an attack is made, or a perturbation that was made before is added. */
export type Plan = AttackPlan | UniversalPlan;

/** The attack of a plan that makes one. */
const attackIn = (plan: Plan | null): AttackPlan | null => (plan && !isUniversal(plan) ? plan : null);

/**
 * Attacks an image [3,H,W] of grey levels 0..255, predicts before and after, and counts.
 *
 * @param planned null: the clean image alone is scored. A function gets the labels of the clean prediction, from which a target may follow.
 * @throws RangeError for a number of the plan that is out of range; RuntimeError where the backend fails, MemoryBudgetError where a
 * run would not fit; the signal's reason where it is aborted.
 */
export const measure = async (
  subject: Subject,
  planned: Plan | null | ((clean: Labels) => Plan),
  { onStep, signal, from, onState }: MeasureHooks = {},
): Promise<Measured> => {
  const { segmenter, source = segmenter, image, item, truth, clean, crafted, small, version } = subject;
  let forward = 0;
  const predict = (network: Segmenter, at: Image): Promise<Prediction> => {
    forward += 1;
    return network.predict(at);
  };
  const [before, cleanMs] = clean ? [clean, 0] : await timed(() => predict(segmenter, image));
  const plan = typeof planned === "function" ? planned(before.labels) : planned;
  const attack = attackIn(plan);
  let left: Labels | undefined;
  const trace = createTrace(attack ? stepsOf(attack) : 0, onStep);
  if (attack && source !== segmenter) forward += 1; // The source's clean prediction, whether it is made now or was made before.
  const [made, attackMs] = await timed(async (): Promise<Crafted> => {
    if (crafted) return crafted;
    if (!plan) return { ...untouched(image), prediction: before };
    if (isUniversal(plan)) return untouched(withDelta(image, plan));
    ({ labels: left } = source === segmenter ? before : await source.predict(image));
    return craft(source, image, plan, left, { trace, signal, from, onState });
  });
  const rounded = roundedOf(made.image, image, plan);
  const [[float, uint8], scoringMs] = await timed(async () => {
    const known = source === segmenter ? made.prediction : undefined;
    const exact = known ?? (await predict(segmenter, made.image));
    const same = !plan || sameImage(made.image, rounded);
    return [exact, same ? exact : await predict(segmenter, rounded)] as const;
  });
  await trace.finished(changedShare(before.labels, float.labels) ?? 0);

  const { manifest } = segmenter;
  const classes = manifest.classes.length;
  const covered = attack ? coveredBy(attack, image.shape) : undefined;
  const reference = uncovered(truth ?? voidedBeyond(before.labels, classes), covered);
  const countsAgainst = (against: Labels): RowCounts => {
    const counts = ({ labels }: Prediction) => countsOf(labels, against, classes);
    const exact = counts(float);
    return { clean: counts(before), float: exact, uint8: uint8 === float ? exact : counts(uint8) };
  };
  const masking = { zeroGradientShare: made.zeroGradientShare, confidence: meanOf(before.confidence.data) };
  const signs = signsOf(attack, { masking, courses: made.courses, clean: left });
  const unit = await unitOf({ segmenter, source, item, truth }, plan);
  return {
    row: {
      schema: 2,
      id: await unitId(unit),
      unit,
      reference: truth ? "ground-truth" : "prediction",
      counts: countsAgainst(reference),
      ...(small ? { small: countsAgainst(uncovered(small, covered)) } : {}),
      distances: distancesOf(made.image, image),
      ...successOf(attack, float.labels, before.labels),
      evaluations: { forward: forward + made.evaluations.forward, backward: made.evaluations.backward },
      masking,
      ...(signs.length === 0 ? {} : { signs: signs.map(({ kind }) => kind) }),
      receipt: {
        model: manifest.name,
        ...(unit.source === undefined ? {} : { source: source.manifest.name }),
        backend: segmenter.runs.backend,
        onnxruntime: segmenter.runs.version,
        ...(version === undefined ? {} : { faultline: version }),
      },
    },
    clean: before,
    reference,
    covered,
    float: { image: made.image, labels: float.labels },
    uint8: { image: rounded, labels: uint8.labels },
    crafted: made,
    steps: trace.steps,
    signs,
    unchecked: uncheckedBy(attack),
    timings: { clean: cleanMs, attack: attackMs, scoring: scoringMs },
  };
};

/** The adversarial image in 8 bits: within the ball of an attack that has a radius, be it an upper bound; without one, the nearest. */
const roundedOf = (adversarial: Image, clean: Image, plan: Plan | null): Image => {
  if (plan?.epsilon === undefined) return roundToUint8(adversarial);
  const roundWithin = normIn(plan) === "l2" ? roundWithinL2 : roundWithinLinf;
  return roundWithin(adversarial, clean, plan.epsilon);
};

const normIn = (plan: Plan): Norm => (isUniversal(plan) ? "linf" : (plan.norm ?? attackEntry(plan.attack).distance));

/** An image for which no attack was made. */
export const untouched = (image: Image): Crafted => ({
  image,
  evaluations: { forward: 0, backward: 0 },
  zeroGradientShare: 0,
  courses: [],
});

const distancesOf = (adversarial: Image, clean: Image): Row["distances"] => ({
  l2: distanceOf(adversarial.data, clean.data, "l2"),
  linf: distanceOf(adversarial.data, clean.data, "linf"),
});

/** A saturated network is one whether it is attacked or not. */
const signsOf = (plan: AttackPlan | null, seen: Seen): Sign[] =>
  plan ? attackSigns(plan, seen) : maskingSigns(seen.masking);

/** Whether an attack of minimum norm has moved enough pixels of the network that is scored; nothing for other attacks. */
const successOf = (plan: AttackPlan | null, after: Labels, clean: Labels): Pick<Row, "success"> => {
  if (!plan || attackEntry(plan.attack).type !== "minimum-norm") return {};
  const { success = 1 } = effectiveOptions(plan.attack, plan, plan);
  return { success: succeeds({ value: 0, remaining: remainingShare(after, plan, clean) }, { success }) };
};

/** Whole steps on a whole image stay whole: then rounding changes nothing, and one prediction serves both. */
export const sameImage = (a: Image, b: Image): boolean => {
  if (a === b) return true;
  if (!sameShape(a.shape, b.shape)) return false;
  for (let i = 0; i < a.data.length; i++) if (a.data[i] !== b.data[i]) return false;
  return true;
};
