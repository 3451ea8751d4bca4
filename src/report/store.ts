/**
 * Rows folded into what scores need: for each network and attack, one line of packed counts per image. A row takes 16 bytes a class (24
 * with small objects) and some 30 more; the text it came from is not held.
 */

import { canonicalJson, type Json, type Row, type Unit } from "../evaluation/row.ts";
import type { ClassCounts } from "../metrics/counts.ts";
import { beginOf, empty, grown, pageOf, place, type Lines } from "./lines.ts";
import { outsideOf, type Outside } from "./outside.ts";
import { RowError } from "./read-row.ts";

/** Blocks of C counts in a line of a group: of the adversarial image as computed, rounded to 8 bits, and of small objects. */
export const FLOAT = 0;
export const UINT8 = 2;
export const SMALL = 4;
/** Blocks in a line of a subject: reference, true positives and predictions of the clean image, and the same of small objects. */
export const CLEAN = 0;
export const SMALL_CLEAN = 3;
/** In a line of a group, and of a subject. */
const BLOCKS = { whole: { group: 4, subject: 3 }, withSmall: { group: 6, subject: 6 } } as const;

/** A network as it is scored, with what stands around it. */
export interface Subject extends Lines {
  readonly key: string;
  readonly networkSha256: string;
  readonly model: string;
  readonly around: Unit["around"];
  readonly reference: Row["reference"];
  /** The patch outside of which it is scored, in shares of the picture, where it is not scored on all of it. */
  readonly outside: Outside | null;
  readonly classes: number;
  hasSmall: boolean;
}

/** The rows of one attack on one subject. */
export interface Group extends Lines {
  readonly key: string;
  readonly subject: Subject;
  readonly source: { readonly sha256: string; readonly model: string; readonly around: Unit["around"] } | null;
  /** Null for the clean images. */
  readonly attack: Readonly<Record<string, Json | undefined>> | null;
  readonly seed: number;
  readonly repeat: number | undefined;
  /** l2 and linf in grey levels, by line. */
  distances: Float64Array;
  /** By line: 0 failed, 1 succeeded, 2 where the attack has a budget. */
  success: Uint8Array;
  hasSmall: boolean;
  /** Sums over the lines. */
  readonly masking: { zeroGradientShare: number; confidence: number };
  readonly evaluations: { forward: number; backward: number };
  /** Of attacks on a region, as computed. */
  readonly region: { pixels: number; reached: number; elsewhere: number; kept: number } | null;
  readonly signs: Map<string, number>;
}

export interface Store {
  /** Counts a row; one whose unit is known already is left out. @throws RowError where rows disagree on their classes. */
  readonly add: (row: Row) => void;
  readonly subjects: ReadonlyMap<string, Subject>;
  readonly groups: ReadonlyMap<string, Group>;
  /** Names of items by index, in the order in which they came. */
  readonly items: readonly string[];
  /** Their indexes by name. */
  readonly sorted: () => Int32Array;
  /** Rows that were counted, and rows that were there already. */
  readonly counted: () => { readonly rows: number; readonly repeated: number };
  /** Versions and backends that made the rows. */
  readonly receipts: ReadonlySet<string>;
}

const blocksOf = ({ small }: Row) => (small === undefined ? BLOCKS.whole : BLOCKS.withSmall);

/** True positives and predictions, one after the other. */
const put = (page: Uint32Array, at: number, { truePositive, predicted }: ClassCounts): void => {
  page.set(truePositive, at);
  page.set(predicted, at + truePositive.length);
};

const regionFields = ["pixels", "reached", "elsewhere", "kept"] as const;

/** @throws RowError where a row that came before, of the same unit, has other counts. */
const requireSame = (group: Group, line: number, { unit, counts }: Row): void => {
  const C = group.subject.classes;
  const data = pageOf(group, line);
  const at = beginOf(group, line);
  const same = (block: number, { truePositive, predicted }: ClassCounts): boolean =>
    truePositive.every((n, c) => data[at + block * C + c] === n) &&
    predicted.every((n, c) => data[at + (block + 1) * C + c] === n);
  if (same(FLOAT, counts.float) && same(UINT8, counts.uint8)) return;
  throw new RowError(
    `another row of the same unit, of the picture ${unit.item}, has other counts: rows of two backends or versions are to be reported apart`,
  );
};

/** Makes what rows are added to. */
export const createStore = (): Store => {
  const subjects = new Map<string, Subject>();
  const groups = new Map<string, Group>();
  const quick = new Map<string, Group>();
  const itemIndex = new Map<string, number>();
  const items: string[] = [];
  const receipts = new Set<string>();
  let [rows, repeated] = [0, 0];
  let order = new Int32Array(0);

  const subjectOf = (row: Row): Subject => {
    const { unit, reference, receipt } = row;
    const outside = outsideOf(unit.attack);
    const key = canonicalJson([
      unit.networkSha256,
      { ...unit.around },
      reference,
      ...(outside ? [{ ...outside }] : []),
    ]);
    const known = subjects.get(key);
    if (known) return known;
    const classes = row.counts.clean.reference.length;
    const { networkSha256, around } = unit;
    const fresh = {
      key,
      networkSha256,
      around,
      reference,
      outside,
      model: receipt.model,
      classes,
      hasSmall: row.small !== undefined,
    };
    const subject = { ...fresh, ...empty(blocksOf(row).subject * classes) };
    subjects.set(key, subject);
    return subject;
  };

  const groupOf = (row: Row): Group => {
    const { unit, reference, receipt } = row;
    // The same text is the same group; the canonical text is made once for each.
    const { item: _, ...rest } = unit;
    const text = JSON.stringify([rest, reference]);
    const found = quick.get(text);
    if (found) return found;
    const subject = subjectOf(row);
    const key = canonicalJson([rest as unknown as Json, reference]);
    const known = groups.get(key);
    const group: Group = known ?? {
      key,
      subject,
      source:
        unit.source === undefined
          ? null
          : { sha256: unit.source, model: receipt.source ?? unit.source.slice(0, 8), around: unit.sourceAround },
      attack: unit.attack as Group["attack"],
      seed: unit.seed,
      repeat: unit.repeat,
      ...empty(blocksOf(row).group * subject.classes),
      distances: new Float64Array(0),
      success: new Uint8Array(0),
      hasSmall: row.small !== undefined,
      masking: { zeroGradientShare: 0, confidence: 0 },
      evaluations: { forward: 0, backward: 0 },
      region: row.region ? { pixels: 0, reached: 0, elsewhere: 0, kept: 0 } : null,
      signs: new Map(),
    };
    groups.set(key, group);
    quick.set(text, group);
    return group;
  };

  const indexOf = (item: string): number => {
    const known = itemIndex.get(item);
    if (known !== undefined) return known;
    itemIndex.set(item, items.length);
    return items.push(item) - 1;
  };

  const add = (row: Row): void => {
    // A picture that has not the region of an attack was not attacked: it says nothing of the network.
    if (row.region?.float.pixels === 0) return;
    const group = groupOf(row);
    const { subject } = group;
    const { counts, small } = row;
    const C = subject.classes;
    if (counts.clean.reference.length !== C)
      throw new RowError(
        `${subject.model} has ${C} classes in other rows and ${counts.clean.reference.length} in this one`,
      );
    if (small && small.clean.reference.length !== C)
      throw new RowError("`small` has another number of classes than `counts`");
    const item = indexOf(row.unit.item);
    const before = group.lineOf[item] ?? -1;
    if (before >= 0) {
      requireSame(group, before, row);
      repeated += 1;
      return;
    }
    rows += 1;
    if ((subject.lineOf[item] ?? -1) < 0) {
      const first = place(subject, item);
      const [page, at] = [pageOf(subject, first), beginOf(subject, first)];
      page.set(counts.clean.reference, at + CLEAN * C);
      put(page, at + (CLEAN + 1) * C, counts.clean);
      subject.hasSmall &&= small !== undefined;
      if (subject.hasSmall) {
        page.set(small!.clean.reference, at + SMALL_CLEAN * C);
        put(page, at + (SMALL_CLEAN + 1) * C, small!.clean);
      }
    }
    const line = place(group, item);
    const [page, at] = [pageOf(group, line), beginOf(group, line)];
    put(page, at + FLOAT * C, counts.float);
    put(page, at + UINT8 * C, counts.uint8);
    group.hasSmall &&= small !== undefined;
    if (group.hasSmall) put(page, at + SMALL * C, small!.float);
    group.distances = grown(group.distances, 2 * line + 2, (n) => new Float64Array(n));
    group.distances.set([row.distances.l2, row.distances.linf], 2 * line);
    group.success = grown(group.success, line + 1, (n) => new Uint8Array(n));
    group.success[line] = row.success === undefined ? 2 : Number(row.success);
    group.masking.zeroGradientShare += row.masking.zeroGradientShare;
    group.masking.confidence += row.masking.confidence;
    group.evaluations.forward += row.evaluations?.forward ?? 0;
    group.evaluations.backward += row.evaluations?.backward ?? 0;
    for (const name of regionFields) if (group.region && row.region) group.region[name] += row.region.float[name];
    for (const sign of row.signs ?? []) group.signs.set(sign, (group.signs.get(sign) ?? 0) + 1);
    if (receipts.size < 16)
      receipts.add(
        [row.receipt.onnxruntime, row.receipt.backend, `faultline ${row.receipt.faultline ?? "?"}`].join(", "),
      );
  };
  const sorted = (): Int32Array => {
    if (order.length !== items.length)
      order = Int32Array.from(items.keys()).toSorted((a, b) => (items[a]! < items[b]! ? -1 : 1));
    return order;
  };
  return { add, subjects, groups, items, sorted, counted: () => ({ rows, repeated }), receipts };
};

/** The items that all of the groups have, by name: the order does not depend on that of the rows. */
export const commonItems = (store: Store, groups: readonly Group[]): Int32Array =>
  store.sorted().filter((item) => groups.every(({ lineOf }) => (lineOf[item] ?? -1) >= 0));
