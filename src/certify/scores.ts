/** Scores of certified labels: what was not certified is wrong. */

import { countsOf, mergeCounts, scoresOf, type ClassCounts, type Scores } from "../metrics/counts.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import { tensor } from "../tensor.ts";
import { ABSTAINED } from "./smoothing.ts";

/** The label that is ignored. */
const VOID = 255;

/** Certified labels against a reference, in numbers of pixels without those that are void in it. */
export interface CertifiedCounts {
  /** A pixel that is not certified is predicted as no class: a false negative of its own and a false positive of none. */
  readonly counts: ClassCounts;
  readonly abstained: number;
  readonly pixels: number;
}

/** @throws RangeError where shapes differ or a reference label is neither a class nor void. */
export const certifiedCounts = (labels: Labels, reference: Labels, classes: number): CertifiedCounts => {
  const counts = countsOf(labels, reference, classes);
  let [abstained, pixels] = [0, 0];
  for (let i = 0; i < labels.data.length; i++) {
    if (reference.data[i] === VOID) continue;
    pixels += 1;
    if (labels.data[i] === ABSTAINED) abstained += 1;
  }
  return { counts, abstained, pixels };
};

/** Pools two, as `mergeCounts` does. */
export const mergeCertified = (a: CertifiedCounts, b: CertifiedCounts): CertifiedCounts => ({
  counts: mergeCounts(a.counts, b.counts),
  abstained: a.abstained + b.abstained,
  pixels: a.pixels + b.pixels,
});

/** Shares from 0 to 1; of a set, pool the counts first. `null` where no pixel counts. */
export interface CertifiedScores extends Omit<Scores, "pixelAccuracy"> {
  /** Share of the pixels that are certified to have the reference's label. */
  readonly certifiedAccuracy: number | null;
  readonly abstainedShare: number | null;
  /** Share of the pixels that are certified to have another label. */
  readonly wrongShare: number | null;
}

export const certifiedScores = ({ counts, abstained, pixels }: CertifiedCounts): CertifiedScores => {
  const { pixelAccuracy, ...scores } = scoresOf(counts);
  const abstainedShare = pixels === 0 ? null : abstained / pixels;
  const wrongShare = pixelAccuracy === null || abstainedShare === null ? null : 1 - pixelAccuracy - abstainedShare;
  return { ...scores, certifiedAccuracy: pixelAccuracy, abstainedShare, wrongShare };
};

/** Certified labels as a label map has them: void where nothing is certified. */
export const voidWhereAbstained = ({ shape, data }: Labels): Labels =>
  tensor(
    "uint8",
    shape,
    data.map((label) => (label === ABSTAINED ? VOID : label)),
  );

/** Indices of `outcomes`' map, and their colours. */
export const OUTCOMES = [
  { name: "certified", color: [46, 125, 50] },
  { name: "wrong", color: [198, 40, 40] },
  { name: "abstained", color: [158, 158, 158] },
] as const;

/** A map [H,W] of indices into `OUTCOMES`; void where the reference is. */
export const outcomesOf = (labels: Labels, reference: Labels): Labels =>
  tensor(
    "uint8",
    labels.shape,
    labels.data.map((label, i) => {
      if (reference.data[i] === VOID) return VOID;
      if (label === ABSTAINED) return 2;
      return label === reference.data[i] ? 0 : 1;
    }),
  );
