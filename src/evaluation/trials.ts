/**
 * Scores of a network behind random transformations: over several trials, with their mean and two standard deviations, as in
 * Figures 6 and 7 of Arnab et al. 2018.
 */

import type { Square } from "../attacks/entry.ts";
import { countsOf, iouRatio, scoresOf } from "../metrics/counts.ts";
import type { Image, Labels, Segmenter } from "../segmenter/segmenter.ts";
import { uncovered } from "./covered.ts";
import { voidedBeyond } from "./labels.ts";
import { sameImage } from "./measure.ts";
import { pooledCounts } from "./pool.ts";
import type { Row, RowCounts } from "./row.ts";

/** An image before and after an attack, as it was computed and as it is rounded to 8 bits. */
export interface Attacked {
  readonly clean: Image;
  readonly float: Image;
  readonly uint8: Image;
  /** The ground truth; without it each trial's own clean prediction is the reference. */
  readonly truth?: Labels | undefined;
  /** What no score counts: the square of a patch. */
  readonly covered?: Square | undefined;
}

/** What the predictions of one image in one trial count. */
export interface CountedTrial {
  readonly seed: number;
  readonly counts: RowCounts;
  /** As many as were made: two where the 8-bit form is the image itself, and else three. */
  readonly predictions: number;
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

/** As many as in the paper. */
export const PAPER_TRIALS = 9;

/** Most predictions of a trial: of the clean image and of both forms of the adversarial one. */
export const PREDICTIONS_OF_A_TRIAL = 3;

/** Mean and two standard deviations of the values that are not null. */
export const spreadOf = (values: readonly (number | null)[]): Spread | null => {
  const known = values.filter((v) => v !== null);
  const n = known.length;
  if (n === 0) return null;
  const mean = known.reduce((sum, v) => sum + v, 0) / n;
  const squares = known.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return { mean, twoDeviations: n === 1 ? null : 2 * Math.sqrt(squares / (n - 1)) };
};

const countedIn = async (segmenter: Segmenter, attacked: Attacked): Promise<Omit<CountedTrial, "seed">> => {
  const { clean, float, uint8, truth, covered } = attacked;
  const classes = segmenter.manifest.classes.length;
  const labelsOf = async (image: Image): Promise<Labels> => (await segmenter.predict(image)).labels;
  const before = await labelsOf(clean);
  const after = await labelsOf(float);
  // A prediction is a function of the image and of the seed.
  const isSame = sameImage(float, uint8);
  const rounded = isSame ? after : await labelsOf(uint8);
  const reference = uncovered(truth ?? voidedBeyond(before, classes), covered);
  const counted = (labels: Labels) => countsOf(labels, reference, classes);
  const counts = { clean: counted(before), float: counted(after), uint8: counted(rounded) };
  return { counts, predictions: isSame ? PREDICTIONS_OF_A_TRIAL - 1 : PREDICTIONS_OF_A_TRIAL };
};

/** What a measurement took, with the predictions of its trials. */
export const evaluationsWith = (
  { forward, backward }: Row["evaluations"],
  trials: readonly CountedTrial[],
): Row["evaluations"] => ({
  forward: trials.reduce((sum, { predictions }) => sum + predictions, forward),
  backward,
});

export interface TrialOptions {
  readonly trials?: number;
  /** Of the first trial; those after it have the seeds that follow. */
  readonly seed?: number;
  /** Awaited before each trial. */
  readonly onTrial?: (() => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Predicts an image anew in each trial, with the seeds `seed`, `seed` + 1, …. The adversarial image stays as it is: what varies is the
 * draw of the defence.
 *
 * @param trials 9 by default, as in the paper.
 * @throws RangeError where there are no trials; the signal's reason where it is aborted.
 */
export const runTrials = async (
  segmenter: Segmenter,
  attacked: Attacked,
  { trials = PAPER_TRIALS, seed = 0, onTrial, signal }: TrialOptions = {},
): Promise<readonly CountedTrial[]> => {
  if (!(Number.isInteger(trials) && trials >= 1))
    throw new RangeError(`trials must be an integer from 1, is ${trials}`);
  const { defence } = segmenter;
  const counted: CountedTrial[] = [];
  for (let own = seed; own < seed + trials; own++) {
    await onTrial?.();
    signal?.throwIfAborted();
    const drawn = defence ? segmenter.withTransform({ ...defence, seed: own }) : segmenter;
    counted.push({ seed: own, ...(await countedIn(drawn, attacked)) });
  }
  return counted;
};

/**
 * The scores of trials over all images, each trial's counts pooled first. Where nothing is random the deviations are 0.
 *
 * @param images the trials of each image, with the same seeds.
 * @param form which adversarial images are scored.
 * @throws RangeError where there are no images.
 */
export const trialScores = (images: readonly (readonly CountedTrial[])[], form: "float" | "uint8"): Trials => {
  const [first] = images;
  if (!first) throw new RangeError("trials need an image at least");
  const trials = first.map(({ seed }, t): Trial => {
    const counts = pooledCounts(images.map((own) => own[t]!));
    const [clean, adversarial] = [scoresOf(counts.clean), scoresOf(counts[form])];
    return {
      seed,
      miou: { clean: clean.miou, adversarial: adversarial.miou },
      iouRatio: iouRatio(adversarial, clean),
    };
  });
  return {
    trials,
    cleanMiou: spreadOf(trials.map(({ miou }) => miou.clean)),
    adversarialMiou: spreadOf(trials.map(({ miou }) => miou.adversarial)),
    iouRatio: spreadOf(trials.map((t) => t.iouRatio)),
  };
};
