/** The scores of each group in each draw of images. What groups of one network share is computed once. */

import { drawImages, MIN_IMAGES, type Draws } from "./bootstrap.ts";
import { miouOf } from "./pooled.ts";
import { CLEAN, FLOAT, type Group, type Subject } from "./store.ts";
import { columnsOf } from "./tallies.ts";
import { weightedSums } from "./weighted.ts";

/** Scores of the adversarial images as computed, by draw; NaN where undefined. */
export interface Replicates {
  readonly miou: Float64Array;
  readonly ratio: Float64Array;
  readonly accuracy: Float64Array;
  /** By class. */
  readonly iou: readonly Float64Array[];
}

export interface Resampling {
  readonly replicates: number;
  readonly seed: number;
  /** The draws of n images, the same for all groups. */
  readonly draws: (n: number) => Draws;
  /** Null where there are too few images. */
  readonly of: (group: Group, items: Int32Array) => Replicates | null;
  /** The mean of the values that are defined, by draw; the values are of one image each. */
  readonly means: (values: Float64Array) => Float64Array | null;
  /** The IoU ratio alone. */
  readonly ratios: (group: Group, items: Int32Array) => Float64Array | null;
}

/** What all attacks on a network share. */
interface Shared {
  readonly items: Int32Array;
  /** Reference pixels, [draw, class]. */
  readonly reference: readonly Float64Array[];
  /** Clean mIoU by draw. */
  readonly clean: Float64Array;
}

const same = (a: Int32Array, b: Int32Array): boolean => a.length === b.length && a.every((item, i) => item === b[i]);

export const createResampling = (replicates: number, seed: number): Resampling => {
  const drawn = new Map<number, Draws>();
  const shared = new Map<Subject, Shared>();
  const ratios = new Map<Group, { readonly items: Int32Array; readonly ratio: Float64Array }>();

  const draws = (n: number): Draws => {
    const known = drawn.get(n) ?? drawImages(n, replicates, seed);
    drawn.set(n, known);
    return known;
  };

  const sharedOf = (subject: Subject, items: Int32Array): Shared => {
    const known = shared.get(subject);
    if (known && same(known.items, items)) return known;
    const C = subject.classes;
    const columns = columnsOf(subject, C, items, { block: CLEAN, blocks: 3 });
    const sums = weightedSums(columns, draws(items.length).weights);
    const reference = Array.from({ length: replicates }, (_, b) => sums.subarray(3 * b * C, (3 * b + 1) * C));
    const clean = Float64Array.from(reference, (present, b) => {
      const after = 3 * b * C + C;
      const own = new Float64Array(3 * C);
      own.set(sums.subarray(after, after + C), 0);
      own.set(present, C);
      own.set(sums.subarray(after + C, after + 2 * C), 2 * C);
      return miouOf(own);
    });
    const fresh = { items, reference, clean };
    shared.set(subject, fresh);
    return fresh;
  };

  const of = (group: Group, items: Int32Array): Replicates | null => {
    if (items.length < MIN_IMAGES) return null;
    const { subject } = group;
    const C = subject.classes;
    const { reference, clean } = sharedOf(subject, items);
    const columns = columnsOf(group, C, items, { block: FLOAT, blocks: 2 });
    const all = weightedSums(columns, draws(items.length).weights);
    const [miou, ratio, accuracy] = [0, 0, 0].map(() => new Float64Array(replicates)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const iou = Array.from({ length: C }, () => new Float64Array(replicates));
    for (let b = 0; b < replicates; b++) {
      const sums = all.subarray(2 * b * C, 2 * (b + 1) * C);
      let [total, defined, right, pixels] = [0, 0, 0, 0];
      for (let c = 0; c < C; c++) {
        const present = reference[b]![c]!;
        const value = present === 0 ? Number.NaN : sums[c]! / (present + sums[C + c]! - sums[c]!);
        iou[c]![b] = value;
        if (present === 0) continue;
        total += value;
        defined += 1;
        right += sums[c]!;
        pixels += present;
      }
      miou[b] = defined === 0 ? Number.NaN : total / defined;
      accuracy[b] = right / pixels;
      ratio[b] = clean[b]! > 0 ? miou[b]! / clean[b]! : Number.NaN;
    }
    ratios.set(group, { items, ratio });
    return { miou, ratio, accuracy, iou };
  };

  const means: Resampling["means"] = (values) => {
    if (values.length < MIN_IMAGES) return null;
    const columns = [values.map((v) => (Number.isNaN(v) ? 0 : v)), values.map((v) => Number(!Number.isNaN(v)))];
    const sums = weightedSums(columns, draws(values.length).weights);
    return Float64Array.from({ length: replicates }, (_, b) => sums[2 * b]! / sums[2 * b + 1]!);
  };

  return {
    replicates,
    seed,
    draws,
    of,
    means,
    ratios: (group, items) => {
      const known = ratios.get(group);
      return known && same(known.items, items) ? known.ratio : (of(group, items)?.ratio ?? null);
    },
  };
};
