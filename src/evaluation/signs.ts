/**
 * Signs that an attack is weaker than the network's robustness seems (Athalye, Carlini, Wagner 2018, arXiv 1802.00420; Carlini et al.
 * 2019, arXiv 1902.06705). Each is data and a sentence. The absence of signs is no proof.
 */

import type { Masking } from "./row.ts";

export interface Sign {
  readonly kind:
    | "gradient-zero"
    | "saturated"
    | "loss-still-moving"
    | "larger-epsilon-weaker"
    | "gradient-free-stronger"
    | "transfer-stronger"
    | "random-start-stronger"
    | "weak-attack-stronger"
    | "unbounded-attack-fails"
    | "weak-attacks"
    | "few-pixels"
    | "gradient-wrong"
    | "weights-zero";
  /** The numbers that the sign was read from. */
  readonly values: Readonly<Record<string, number>>;
  /** What it means, in a sentence. */
  readonly detail: string;
}

/** Thresholds: a share of exactly zero components of the gradient; a mean confidence; a share of the loss's total change. */
const MOSTLY_ZERO = 0.5;
const SATURATED = 0.999;
const STILL_MOVING = 0.1;
/** Differences of IoU ratios that are no sign. */
export const INSIGNIFICANT = 0.02;
/** Fewer steps have no course to judge. */
const FEWEST_STEPS = 5;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/**
 * Signs of a masked gradient.
 *
 * @param counted share of the pixels that the objective counts at its first evaluation; as large a share of the gradient could be other than
 * zero, and of that the zeros are judged. Null where it is not known: zeros then say nothing of the network.
 */
export const maskingSigns = ({ zeroGradientShare, confidence }: Masking, counted: number | null = 1): Sign[] => [
  ...(counted !== null && zeroGradientShare >= 1 - (1 - MOSTLY_ZERO) * counted
    ? [
        {
          kind: "gradient-zero" as const,
          values: { zeroGradientShare },
          detail: `${percent(zeroGradientShare)} of the first gradient's components are exactly zero: the gradient is masked, and an attack that follows it is weak.`,
        },
      ]
    : []),
  ...(confidence >= SATURATED
    ? [
        {
          kind: "saturated" as const,
          values: { confidence },
          detail: `The mean confidence on the clean image is ${confidence.toFixed(5)}: the softmax is saturated, and the gradient of cross-entropy vanishes.`,
        },
      ]
    : []),
];

const NO_WEIGHT =
  "No pixel of the labels has a class with a weight above 0: the class-balanced loss and its gradient are zero, and the attack does without it.";

/** Whether weights of classes that are given leave nothing of the objective that they weigh. */
export const weightSigns = (weights: readonly number[], labels: Uint8Array): Sign[] =>
  labels.some((label) => Math.fround(weights[label] ?? 0) > 0)
    ? []
    : [{ kind: "weights-zero", values: { weightedPixels: 0 }, detail: NO_WEIGHT }];

/**
 * Whether the loss of one trajectory still moves: over the last fifth of the steps of its last stage it goes on in the direction of the
 * whole by at least a tenth of the whole change. A loss that rises evenly moves by a fifth, one that has settled hardly at all.
 *
 * @param lastStage steps of the last stage, where there are several.
 */
export const lossSigns = (losses: readonly number[], lastStage = losses.length): Sign[] => {
  const steps = Math.min(lastStage, losses.length);
  if (steps < FEWEST_STEPS) return [];
  const last = losses.at(-1)!;
  const late = losses[losses.length - 1 - Math.ceil(steps / 5)]!;
  const total = last - losses[0]!;
  if (total === 0) return [];
  const lateShare = (last - late) / total;
  if (!(lateShare >= STILL_MOVING)) return [];
  const detail = `${percent(lateShare)} of the loss's change came in the last fifth of the ${steps} steps${steps < losses.length ? " of its last stage" : ""}: with more steps the attack would be stronger.`;
  return [{ kind: "loss-still-moving", values: { lateShare, steps }, detail }];
};

/**
 * Whether a random start of an attack did more than the image itself as its start.
 *
 * @param remaining shares of the pixels that are left unmoved.
 */
export const startSigns = (remaining: { readonly clean: number; readonly random: readonly number[] }): Sign[] => {
  const randomStart = Math.min(...remaining.random);
  if (!(remaining.clean - randomStart > INSIGNIFICANT)) return [];
  const detail = `From the best of ${remaining.random.length} random starts the attack leaves ${percent(randomStart)} of the pixels unmoved, from the image itself ${percent(remaining.clean)}: there the gradient leads elsewhere than from around it.`;
  return [{ kind: "random-start-stronger", values: { cleanStart: remaining.clean, randomStart }, detail }];
};

/** Fewer evaluations of a gradient are no strong attack; fewer pixels no segmentation. */
const STRONG_EVALUATIONS = 20;
const FEWEST_PIXELS = 1024;

/**
 * Signs that attacks which did not break a network say little about it.
 *
 * @param evaluations of the gradient, of the most thorough attack.
 */
export const weaknessSigns = ({
  evaluations,
  pixels,
}: {
  readonly evaluations: number;
  readonly pixels: number;
}): Sign[] => [
  ...(evaluations < STRONG_EVALUATIONS
    ? [
        {
          kind: "weak-attacks" as const,
          values: { evaluations },
          detail: `The most thorough attack made ${evaluations === 1 ? "one evaluation" : `${evaluations} evaluations`} of the gradient: attacks of fewer than ${STRONG_EVALUATIONS} flatter a network. Add \`apgd\` or \`sea\`.`,
        },
      ]
    : []),
  ...(pixels < FEWEST_PIXELS
    ? [
        {
          kind: "few-pixels" as const,
          values: { pixels },
          detail: `The image has ${pixels === 1 ? "one pixel" : `${pixels} pixels`}, too few to judge a segmentation by.`,
        },
      ]
    : []),
];

/** What an attack itself can show, without its numbers. */
const meanings: Readonly<Partial<Record<Sign["kind"], string>>> = {
  "gradient-zero":
    "Most components of the first gradient are exactly zero: the gradient is masked, and an attack that follows it is weak.",
  saturated: "The softmax is saturated on the clean image, and the gradient of cross-entropy vanishes.",
  "loss-still-moving":
    "The loss still moved in the last fifth of the steps: with more steps the attack would be stronger.",
  "random-start-stronger":
    "From a random start the attack leaves fewer pixels unmoved than from the image itself: there the gradient leads elsewhere than from around it.",
  "weights-zero": NO_WEIGHT,
};

/** The signs whose kinds a row keeps. Kinds that no attack shows by itself are left out. */
export const signsNamed = (kinds: readonly string[]): Sign[] =>
  (Object.entries(meanings) as [Sign["kind"], string][])
    .filter(([kind]) => kinds.includes(kind))
    .map(([kind, detail]) => ({ kind, values: {}, detail }));

/** A point of a curve over ε, with the IoU ratio that an attack leaves. */
export interface Measurement {
  readonly attack: string;
  readonly epsilon: number;
  readonly iouRatio: number | null;
}

/** Whether `weaker`, which ought to do less harm, does more; the ratios are those of the IoU. */
export const orderSigns = (
  kind: Sign["kind"],
  stronger: { readonly name: string; readonly iouRatio: number | null },
  weaker: { readonly name: string; readonly iouRatio: number | null },
  why: string,
): Sign[] => {
  if (stronger.iouRatio === null || weaker.iouRatio === null) return [];
  if (stronger.iouRatio - weaker.iouRatio <= INSIGNIFICANT) return [];
  const detail = `${weaker.name} leaves an IoU ratio of ${weaker.iouRatio.toFixed(3)}, ${stronger.name} one of ${stronger.iouRatio.toFixed(3)}: ${why}.`;
  return [{ kind, values: { expectedStronger: stronger.iouRatio, expectedWeaker: weaker.iouRatio }, detail }];
};
