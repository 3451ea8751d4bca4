/** Counts of sets of images, read from the lines of a store. */

import type { ClassCounts } from "../metrics/counts.ts";
import { beginOf, pageOf, type Lines } from "./lines.ts";
import { miouOf } from "./pooled.ts";
import { CLEAN, SMALL, SMALL_CLEAN, type Group, type Subject } from "./store.ts";

/** Counts that belong together: true positives and predictions, which stand one after the other, and what they compare with. */
interface Tally {
  readonly lines: Lines;
  /** The block of the true positives. */
  readonly block: number;
  readonly subject: Subject;
  readonly reference: number;
}

const tallyOf = (group: Group, block: number): Tally => ({
  lines: group,
  block,
  subject: group.subject,
  reference: block === SMALL ? SMALL_CLEAN : CLEAN,
});

const cleanTally = (subject: Subject, small: boolean): Tally => {
  const reference = small ? SMALL_CLEAN : CLEAN;
  return { lines: subject, block: reference + 1, subject, reference };
};

/** Adds the counts of an item to 3·C sums. */
const addTo = (sums: Float64Array, { lines, block, subject, reference }: Tally, item: number): void => {
  const { classes: C } = subject;
  const line = lines.lineOf[item]!;
  const own = pageOf(lines, line);
  const at = beginOf(lines, line) + block * C;
  const first = subject.lineOf[item]!;
  const present = pageOf(subject, first);
  const ref = beginOf(subject, first) + reference * C;
  for (let c = 0; c < C; c++) {
    sums[c]! += own[at + c]!;
    sums[C + c]! += present[ref + c]!;
    sums[2 * C + c]! += own[at + C + c]!;
  }
};

const pooled = (tally: Tally, items: Int32Array): Float64Array => {
  const sums = new Float64Array(3 * tally.subject.classes);
  for (let i = 0; i < items.length; i++) addTo(sums, tally, items[i]!);
  return sums;
};

/** Adds the counts of the items: 3·C numbers, true positives, reference and predicted. */
export const pooledCounts = (group: Group, items: Int32Array, { block }: { readonly block: number }): Float64Array =>
  pooled(tallyOf(group, block), items);

/** As `pooledCounts`, of the clean images. */
export const pooledClean = (
  subject: Subject,
  items: Int32Array,
  { small = false }: { readonly small?: boolean } = {},
): Float64Array => pooled(cleanTally(subject, small), items);

/** The mIoU of each image on its own; NaN where it has no class of the reference. */
const mious = (tally: Tally, items: Int32Array): Float64Array => {
  const sums = new Float64Array(3 * tally.subject.classes);
  const out = new Float64Array(items.length);
  for (let i = 0; i < items.length; i++) {
    sums.fill(0);
    addTo(sums, tally, items[i]!);
    out[i] = miouOf(sums);
  }
  return out;
};

/** The mIoU of each attacked image. */
export const imageMious = (group: Group, items: Int32Array, { block }: { readonly block: number }): Float64Array =>
  mious(tallyOf(group, block), items);

/** The mIoU of each clean image. */
export const cleanMious = (subject: Subject, items: Int32Array): Float64Array =>
  mious(cleanTally(subject, false), items);

/** Counts by class of the items, [block and class, item]. */
export const columnsOf = (
  lines: Lines,
  classes: number,
  items: Int32Array,
  { block, blocks }: { readonly block: number; readonly blocks: number },
): readonly Float64Array[] => {
  const columns = Array.from({ length: blocks * classes }, () => new Float64Array(items.length));
  for (let i = 0; i < items.length; i++) {
    const line = lines.lineOf[items[i]!]!;
    const page = pageOf(lines, line);
    const at = beginOf(lines, line) + block * classes;
    for (let c = 0; c < columns.length; c++) columns[c]![i] = page[at + c]!;
  }
  return columns;
};

/** 3·C numbers as counts by class. */
export const asCounts = (sums: Float64Array): ClassCounts => {
  const C = sums.length / 3;
  const [truePositive, reference, predicted] = [0, 1, 2].map((k) => Array.from(sums.subarray(k * C, (k + 1) * C)));
  return { truePositive: truePositive!, reference: reference!, predicted: predicted! };
};
