/** Scores of one attack on one network from its rows, with intervals over images. */

import { scoresOf, type ClassCounts, type Scores } from "../metrics/counts.ts";
import { intervalOf, quantileOf, type Draws, type Interval } from "./bootstrap.ts";
import { distanceOf } from "./names.ts";
import type { Norm } from "../attacks/norms.ts";
import { miouOf } from "./pooled.ts";
import type { Resampling } from "./resampling.ts";
import { FLOAT, SMALL, UINT8, type Group } from "./store.ts";
import { asCounts, cleanMious, imageMious, pooledClean, pooledCounts } from "./tallies.ts";

/** A score, and its 95 % interval over images where there are at least two. */
export interface Estimate {
  readonly value: number | null;
  readonly interval: Interval | null;
}

/** Of a set of images. Shares from 0 to 1. */
export interface SetScores {
  /** Pooled per class, then averaged: the mIoU of the set, CmIoU in the terms of Zhang et al. 2023. */
  readonly miou: number | null;
  /** The same, where classes that are only predicted have the IoU 0. */
  readonly miouUnion: number | null;
  /** The mean over images of each one's mIoU. */
  readonly nmiou: number | null;
  readonly pixelAccuracy: number | null;
  /** Without the pixels of class 0, where that is the background. */
  readonly pixelAccuracyWithoutFirst: number | null;
  readonly iou: readonly (number | null)[];
}

export interface GroupScores {
  readonly images: number;
  readonly clean: SetScores;
  readonly float: SetScores;
  readonly uint8: SetScores;
  readonly miou: Estimate;
  readonly nmiou: Estimate;
  readonly iouRatio: Estimate;
  readonly iouRatioUint8: number | null;
  readonly pixelAccuracy: Estimate;
  /** Share of the pixels whose adversarial prediction is not the reference's label (Rony, Pesquet, Ben Ayed 2023). */
  readonly apsr: number | null;
  /** IoU of each class, and its ratio to the clean one. */
  readonly classes: readonly { readonly clean: number | null; readonly iou: Estimate; readonly ratio: number | null }[];
  /** IoU ratio over the pixels of small objects, where all rows have them. */
  readonly small: {
    readonly clean: number | null;
    readonly miou: number | null;
    readonly iouRatio: number | null;
  } | null;
  readonly distances: Distances | null;
}

/** Of attacks of minimum norm: how far images were moved until they broke, in grey levels; an attack that failed moved it infinitely far. */
export interface Distances {
  readonly norm: Norm;
  readonly successes: number;
  readonly images: number;
  /** Null where it is infinite: so many attacks failed. */
  readonly quantiles: Readonly<Record<"q05" | "q25" | "median" | "q75" | "q95", number | null>>;
  readonly medianInterval: { readonly low: number | null; readonly high: number | null } | null;
}

const withoutFirst = ({ truePositive, reference, predicted }: ClassCounts): Scores =>
  scoresOf({ truePositive: truePositive.slice(1), reference: reference.slice(1), predicted: predicted.slice(1) });

const nanAsNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

const meanOf = (values: Float64Array): number | null => {
  let [total, defined] = [0, 0];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    total += value;
    defined += 1;
  }
  return defined === 0 ? null : total / defined;
};

/** @param mious of each image on its own. */
const setScores = (sums: Float64Array, mious: Float64Array): SetScores => {
  const counts = asCounts(sums);
  const { iou, miou, pixelAccuracy } = scoresOf(counts);
  return {
    miou,
    miouUnion: scoresOf(counts, "union").miou,
    nmiou: meanOf(mious),
    pixelAccuracy,
    pixelAccuracyWithoutFirst: withoutFirst(counts).pixelAccuracy,
    iou,
  };
};

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

const distancesOf = (group: Group, items: Int32Array, draws: Draws | null): Distances | null => {
  const norm = distanceOf(group);
  const lines = Array.from(items, (item) => group.lineOf[item]!);
  if (lines.some((line) => group.success[line] === 2)) return null;
  const values = lines.map((line) =>
    group.success[line] === 1 ? group.distances[2 * line + (norm === "l2" ? 0 : 1)]! : Number.POSITIVE_INFINITY,
  );
  const ascending = Float64Array.from(values).toSorted();
  const at = (p: number): number | null => finite(quantileOf(ascending, p));
  const medians = draws?.weights.map((weights) =>
    quantileOf(
      Float64Array.from(values.flatMap((v, i) => Array.from({ length: weights[i]! }, () => v))).toSorted(),
      0.5,
    ),
  );
  const interval = medians ? intervalOf(Float64Array.from(medians)) : null;
  return {
    norm,
    successes: lines.filter((line) => group.success[line] === 1).length,
    images: lines.length,
    quantiles: { q05: at(0.05), q25: at(0.25), median: at(0.5), q75: at(0.75), q95: at(0.95) },
    medianInterval: interval && { low: finite(interval.low), high: finite(interval.high) },
  };
};

/**
 * Scores of a group over `items`.
 *
 * @param resampling null leaves the intervals out.
 */
export const scoreGroup = (group: Group, items: Int32Array, resampling: Resampling | null): GroupScores => {
  const { subject } = group;
  const clean = setScores(pooledClean(subject, items), cleanMious(subject, items));
  const mious = imageMious(group, items, { block: FLOAT });
  const float = setScores(pooledCounts(group, items, { block: FLOAT }), mious);
  const uint8 = setScores(pooledCounts(group, items, { block: UINT8 }), imageMious(group, items, { block: UINT8 }));
  const spread = resampling?.of(group, items) ?? null;
  const estimate = (value: number | null, values: Float64Array | null | undefined): Estimate => ({
    value,
    interval: value === null || !values ? null : intervalOf(values),
  });
  const ratio = (part: number | null, whole: number | null): number | null =>
    part === null || !whole ? null : part / whole;
  const small = (): GroupScores["small"] => {
    if (!group.hasSmall || !subject.hasSmall) return null;
    const before = nanAsNull(miouOf(pooledClean(subject, items, { small: true })));
    const after = nanAsNull(miouOf(pooledCounts(group, items, { block: SMALL })));
    return before === null ? null : { clean: before, miou: after, iouRatio: ratio(after, before) };
  };
  return {
    images: items.length,
    clean,
    float,
    uint8,
    miou: estimate(float.miou, spread?.miou),
    nmiou: estimate(float.nmiou, resampling?.means(mious)),
    iouRatio: estimate(ratio(float.miou, clean.miou), spread?.ratio),
    iouRatioUint8: ratio(uint8.miou, clean.miou),
    pixelAccuracy: estimate(float.pixelAccuracy, spread?.accuracy),
    apsr: float.pixelAccuracy === null ? null : 1 - float.pixelAccuracy,
    classes: float.iou.map((iou, c) => ({
      clean: clean.iou[c]!,
      iou: estimate(iou, spread?.iou[c]),
      ratio: ratio(iou, clean.iou[c]!),
    })),
    small: small(),
    distances: distancesOf(group, items, spread && resampling!.draws(items.length)),
  };
};
