/**
 * Scores of a network behind random transformations: over several trials, with their mean and two standard deviations, as in
 * Figures 6 and 7 of Arnab et al. 2018.
 */

import { countsOf, emptyCounts, iouRatio, mergeCounts, scoresOf, type ClassCounts } from "../metrics/counts.ts";
import type { Image, Labels, Segmenter } from "../segmenter/segmenter.ts";
import { voidedBeyond } from "./labels.ts";

/** An image before and after an attack. */
export interface Pair {
  readonly clean: Image;
  readonly adversarial: Image;
  /** The ground truth; without it each trial's own clean prediction is the reference. */
  readonly truth?: Labels | undefined;
}

/** Scores of all images in one trial, their counts pooled first; null where undefined. */
export interface Trial {
  readonly seed: number;
  readonly miou: { readonly clean: number | null; readonly adversarial: number | null };
  readonly iouRatio: number | null;
}

export interface Spread {
  readonly mean: number;
  /** Twice the standard deviation of the sample (over n − 1); null for a single value. */
  readonly twoDeviations: number | null;
}

export interface Trials {
  readonly trials: readonly Trial[];
  /** Over the trials in which they are defined; null where there are none. */
  readonly cleanMiou: Spread | null;
  readonly adversarialMiou: Spread | null;
  readonly iouRatio: Spread | null;
}

/** Mean and two standard deviations of the values that are not null. */
export const spreadOf = (values: readonly (number | null)[]): Spread | null => {
  const known = values.filter((v) => v !== null);
  const n = known.length;
  if (n === 0) return null;
  const mean = known.reduce((sum, v) => sum + v, 0) / n;
  const squares = known.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return { mean, twoDeviations: n === 1 ? null : 2 * Math.sqrt(squares / (n - 1)) };
};

const trialOf = async (segmenter: Segmenter, pairs: readonly Pair[], seed: number): Promise<Trial> => {
  const { defence, manifest } = segmenter;
  const drawn = defence ? segmenter.withTransform({ ...defence, seed }) : segmenter;
  const classes = manifest.classes.length;
  const none = emptyCounts(classes);
  let [clean, adversarial]: ClassCounts[] = [none, none];
  for (const pair of pairs) {
    const before = (await drawn.predict(pair.clean)).labels;
    const after = (await drawn.predict(pair.adversarial)).labels;
    const reference = pair.truth ?? voidedBeyond(before, classes);
    clean = mergeCounts(clean!, countsOf(before, reference, classes));
    adversarial = mergeCounts(adversarial!, countsOf(after, reference, classes));
  }
  const [unattacked, attacked] = [scoresOf(clean!), scoresOf(adversarial!)];
  return {
    seed,
    miou: { clean: unattacked.miou, adversarial: attacked.miou },
    iouRatio: iouRatio(attacked, unattacked),
  };
};

/**
 * Predicts every pair anew in each trial, with the seeds `seed`, `seed` + 1, …. The adversarial images stay as they are: what varies
 * is the draw of the defence. Where nothing is random the deviations are 0.
 *
 * @param trials 9 by default, as in the paper.
 * @throws RangeError where there are no pairs, or no trials.
 */
export const scoreTrials = async (
  segmenter: Segmenter,
  pairs: readonly Pair[],
  { trials = 9, seed = 0 }: { readonly trials?: number; readonly seed?: number } = {},
): Promise<Trials> => {
  if (pairs.length === 0) throw new RangeError("trials need an image at least");
  if (!(Number.isInteger(trials) && trials >= 1))
    throw new RangeError(`trials must be an integer from 1, is ${trials}`);
  const scored: Trial[] = [];
  for (let t = 0; t < trials; t++) scored.push(await trialOf(segmenter, pairs, seed + t));
  return {
    trials: scored,
    cleanMiou: spreadOf(scored.map(({ miou }) => miou.clean)),
    adversarialMiou: spreadOf(scored.map(({ miou }) => miou.adversarial)),
    iouRatio: spreadOf(scored.map((t) => t.iouRatio)),
  };
};
