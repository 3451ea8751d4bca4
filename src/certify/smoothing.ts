/**
 * Randomised smoothing of a segmentation network (Fischer, Baader, Vechev, "Scalable Certified Segmentation via Randomized
 * Smoothing", ICML 2021). The smoothed network gives each pixel the class that the network most often predicts there under Gaussian
 * noise N(0, σ²) on the image. Where its probability exceeds τ ≥ ½, no perturbation of L2 norm below R = σ·Φ⁻¹(τ) changes it.
 */

import { random } from "../random.ts";
import type { Group } from "../segmenter/hierarchy.ts";
import { tensor } from "../tensor.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import { upperTails } from "./binomial.ts";
import { chosenVertices, treeOf, type Tree } from "./hierarchy.ts";
import { fewestRejected, type Correction } from "./multiple-testing.ts";
import { withNoise } from "./noise.ts";
import { normalQuantile } from "./normal-quantile.ts";

/** The label of a pixel for which nothing is certified. It is no class, so that scores take it for wrong. */
export const ABSTAINED = 254;

export interface Smoothing {
  /** Standard deviation of the noise in grey levels. */
  readonly sigma: number;
  /** From ½ to below 1: the probability that is to be exceeded. */
  readonly tau: number;
  /** With at most this probability any of the image's certified labels is not the smoothed network's. */
  readonly alpha: number;
  /** Draws that choose each pixel's class. */
  readonly selection: number;
  /** Draws that test it; they are independent of those that chose it. */
  readonly samples: number;
  readonly correction: Correction;
  readonly seed: number;
  /** Groups of classes to certify where no class can be; each pixel still has one test, chosen by the selection. */
  readonly hierarchy?: readonly Group[] | undefined;
}

/**
 * Where a certification has got to: counts, never the label maps. It can be kept and continued, and two that counted different
 * draws of the same selection are merged by `mergeHits`.
 */
export type SmoothingState =
  | {
      readonly stage: "selection";
      readonly drawn: number;
      /** [C,H,W]: how often each class was predicted. */
      readonly votes: Uint16Array;
    }
  | {
      readonly stage: "test";
      readonly drawn: number;
      /** [H,W]: the class, or the group of classes, that is tested. */
      readonly top: Labels;
      /** [H,W]: how often it was predicted again. */
      readonly hits: Uint32Array;
    };

export interface Certificate {
  /** The smoothed network's classes, or groups of them, where they are certified; else `ABSTAINED`. */
  readonly labels: Labels;
  /** The certified L2 radius in grey levels, σ·Φ⁻¹(τ). */
  readonly radius: number;
  /** Draws of the test that were made; fewer than `samples` where the rest could not have changed any decision. */
  readonly drawn: number;
}

/** σ·Φ⁻¹(τ), in the unit of σ. */
export const certifiedRadius = ({ sigma, tau }: Pick<Smoothing, "sigma" | "tau">): number =>
  tau === 0.5 ? 0 : sigma * normalQuantile(tau);

/**
 * The fewest draws of a test that can certify anything: with n hits of n the p-value is τⁿ, and the first of the N tests needs one of at
 * most α/N under either correction.
 */
export const fewestSamples = ({ tau, alpha }: Pick<Smoothing, "tau" | "alpha">, pixels: number): number =>
  Math.ceil(Math.log(alpha / pixels) / Math.log(tau));

/** The state before the first draw. */
export const beginSmoothing = (classes: number, [, height, width]: readonly number[]): SmoothingState => ({
  stage: "selection",
  drawn: 0,
  votes: new Uint16Array(classes * height! * width!),
});

/** The seed of one draw: the same whatever ran before it, so that draws can be shared out. */
const seedOf = (seed: number, stage: SmoothingState["stage"], draw: number): number =>
  Math.floor(random(seed)() * 2 ** 21) * 2 ** 32 + draw * 2 + (stage === "test" ? 1 : 0);

/**
 * The votes with which a vertex is likely to pass its test: the share of hits that the test needs under Bonferroni's correction, and more than half.
 */
const enoughVotes = ({ selection, samples, tau, alpha }: Smoothing, pixels: number): number => {
  const fewest = upperTails(samples, tau).findIndex((p) => p <= alpha / pixels);
  const share = fewest < 0 ? 1 : fewest / samples;
  return Math.max(Math.ceil(selection * share), Math.floor(selection / 2) + 1);
};

const counted = (state: SmoothingState, { data }: Labels, { contains }: Tree): SmoothingState => {
  const pixels = data.length;
  if (state.stage === "selection") {
    const votes = state.votes.slice();
    for (let i = 0; i < pixels; i++) {
      const at = data[i]! * pixels + i;
      if (at < votes.length) votes[at]! += 1;
    }
    return { ...state, drawn: state.drawn + 1, votes };
  }
  const hits = state.hits.slice();
  const top = state.top.data;
  for (let i = 0; i < pixels; i++) hits[i]! += contains[256 * top[i]! + data[i]!]!;
  return { ...state, drawn: state.drawn + 1, hits };
};

/** Adds one draw to the state, which is not changed. */
export const drawOnce = async (
  state: SmoothingState,
  image: Image,
  predict: (noisy: Image) => Promise<Labels>,
  smoothing: Smoothing,
  tree: Tree,
  draw = state.drawn,
): Promise<SmoothingState> => {
  const { sigma, seed, selection } = smoothing;
  const labels = await predict(withNoise(image, sigma, seedOf(seed, state.stage, draw)));
  const next = counted(state, labels, tree);
  if (next.stage !== "selection" || next.drawn < selection) return next;
  const pixels = labels.data.length;
  const top = chosenVertices(next.votes, image.shape, tree, enoughVotes(smoothing, pixels));
  return { stage: "test", drawn: 0, top, hits: new Uint32Array(pixels) };
};

/** Two states of the same selection that counted different draws of the test. @throws RangeError where the selections differ. */
export const mergeHits = (
  a: SmoothingState & { readonly stage: "test" },
  b: SmoothingState & { readonly stage: "test" },
): SmoothingState & { readonly stage: "test" } => {
  if (a.hits.length !== b.hits.length || a.top.data.some((label, i) => label !== b.top.data[i]))
    throw new RangeError("mergeHits: the two states have selected different classes");
  return { ...a, drawn: a.drawn + b.drawn, hits: a.hits.map((n, i) => n + b.hits[i]!) };
};

/** How many pixels had each number of hits, with `more` hits added to each pixel. */
const histogram = (hits: Uint32Array, samples: number, more: number): Uint32Array => {
  const pixels = new Uint32Array(samples + 1);
  for (const n of hits) pixels[n + more]! += 1;
  return pixels;
};

/**
 * Whether the remaining draws cannot change which pixels are certified: with all of them misses, and with all of them hits, the
 * same pixels are. Both corrections reject more where p-values fall, so every outcome lies between the two, and stopping here gives
 * what all `samples` draws would have given: the level α is kept without a correction for looking early.
 */
export const isDecided = (
  { drawn, hits }: SmoothingState & { readonly stage: "test" },
  { samples, tau, alpha, correction }: Omit<Smoothing, "sigma" | "seed" | "selection">,
  pValues = upperTails(samples, tau),
): boolean => {
  const left = samples - drawn;
  if (left <= 0) return true;
  const certain = fewestRejected(pValues, histogram(hits, samples, 0), alpha, correction);
  const possible = fewestRejected(pValues, histogram(hits, samples, left), alpha, correction) - left;
  return hits.every((n) => n >= certain === n >= possible);
};

/**
 * The certificate of a state. After fewer than `samples` draws the missing ones are taken for misses, which certifies no pixel that all of
 * them would not.
 */
export const certificateOf = (
  { drawn, top, hits }: SmoothingState & { readonly stage: "test" },
  smoothing: Omit<Smoothing, "seed" | "selection">,
): Certificate => {
  const { samples, tau, alpha, correction } = smoothing;
  const fewest = fewestRejected(upperTails(samples, tau), histogram(hits, samples, 0), alpha, correction);
  const labels = top.data.map((label, i) => (hits[i]! >= fewest ? label : ABSTAINED));
  return { labels: tensor("uint8", top.shape, labels), radius: certifiedRadius(smoothing), drawn };
};

/** After each draw: which it was of the stage, and of how many. */
export interface SmoothingReport {
  readonly stage: SmoothingState["stage"];
  readonly drawn: number;
  readonly of: number;
}

/** How often it is asked whether the rest can be spared, in draws. */
const LOOK_EVERY = 20;

/**
 * Certifies the labels of an image [3,H,W] of grey levels.
 *
 * @param predict the network's labels of an image.
 * @param hooks `state` continues an earlier run; `onDraw` is awaited after each draw; aborting the signal rejects with its reason.
 */
export const certify = async (
  predict: (noisy: Image) => Promise<Labels>,
  image: Image,
  classes: number,
  smoothing: Smoothing,
  {
    state: from = beginSmoothing(classes, image.shape),
    onDraw,
    signal,
  }: {
    readonly state?: SmoothingState | undefined;
    readonly onDraw?: ((report: SmoothingReport, state: SmoothingState) => void | Promise<void>) | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<Certificate> => {
  const pValues = upperTails(smoothing.samples, smoothing.tau);
  const tree = treeOf(classes, smoothing.hierarchy);
  let state = from;
  for (;;) {
    if (state.stage === "test") {
      const { drawn } = state;
      const look = drawn === smoothing.samples || drawn % LOOK_EVERY === 0;
      if (look && isDecided(state, smoothing, pValues)) return certificateOf(state, smoothing);
    }
    signal?.throwIfAborted();
    const { stage, drawn } = state;
    state = await drawOnce(state, image, predict, smoothing, tree);
    const of = stage === "selection" ? smoothing.selection : smoothing.samples;
    await onDraw?.({ stage, drawn: drawn + 1, of }, state);
  }
};
