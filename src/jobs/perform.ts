/** Carries out groups of units: the adversarial image is made once and scored on each target. Knows no thread, no queue and no file. */

import type { Crafted, Stops } from "../evaluation/craft.ts";
import type { ReadItem } from "../evaluation/items.ts";
import { measure, type Subject } from "../evaluation/measure.ts";
import { planOn, rowOf, type ReadDelta } from "../evaluation/plan-on.ts";
import type { Row } from "../evaluation/row.ts";
import type { Group, PlannedUnit } from "../evaluation/units.ts";
import { smallObjects } from "../metrics/components.ts";
import { reasonOf } from "../reason.ts";
import { RuntimeCrash } from "../runtime/session.ts";
import type { Gather } from "../segmenter/gather.ts";
import type { Labels, Prediction, Segmenter } from "../segmenter/segmenter.ts";
import { spatialSize } from "../tensor.ts";

/** Why a unit has no row. */
export interface Failure {
  readonly unit: PlannedUnit;
  readonly error: string;
  /** The backend has crashed: nothing else runs where this unit did. */
  readonly crashed?: true;
}

/** What a unit came to. */
export type Outcome = { readonly row: Row } | Failure;

export interface PerformerOptions {
  /** The network of a setting, by its place, with the seed of its draws. */
  readonly segmenterOf: (setting: number, seed: number) => Promise<Segmenter>;
  /** Of the evaluation, for clean images. */
  readonly seed: number;
  readonly read: (item: number) => Promise<ReadItem>;
  readonly nameOf: (item: number) => string;
  /** Absent where there are no files of perturbations. */
  readonly readDelta?: ReadDelta | undefined;
  /** Share of the picture below which an object is small. */
  readonly small: number;
  /** Of the package, for receipts. */
  readonly version: string;
  /** What runs the segmenters' sessions, for groups that are carried out at the same time; absent: one after another. */
  readonly gather?: Gather | undefined;
}

/** `from` and `onState` are of the image that the group's units share. */
export interface PerformHooks extends Stops {
  readonly signal?: AbortSignal | undefined;
  /** Awaited after each step of an attack. */
  readonly onStep?: (() => Promise<void>) | undefined;
}

/** What is remembered of the last picture: it, and the clean predictions of the networks that have seen it. */
interface Remembered extends ReadItem {
  readonly item: number;
  /** The ground truth of small objects alone, where there is one. */
  readonly small: Labels | undefined;
  readonly segmenters: Map<string, Segmenter>;
}

/** Predicts the clean image once. What a row counts is what the unit asks for, so it is the same whether it was known or not. */
const remembering = (segmenter: Segmenter, { image }: ReadItem): Segmenter => {
  let clean: Promise<Prediction> | undefined;
  return { ...segmenter, predict: (at) => (at === image ? (clean ??= segmenter.predict(at)) : segmenter.predict(at)) };
};

/**
 * @returns a function that carries out groups of one item, in lock step where batches are faster. A unit that fails is an outcome too;
 * only an abort rejects, with the signal's reason.
 */
export const createPerformer = ({
  segmenterOf,
  read,
  readDelta,
  nameOf,
  seed,
  small,
  version,
  gather,
}: PerformerOptions) => {
  let last: Remembered | undefined;
  const remembered = async (item: number): Promise<Remembered> => {
    if (last?.item === item) return last;
    const { image, truth } = await read(item);
    last = { item, image, truth, small: truth && smallObjects(truth, small), segmenters: new Map() };
    return last;
  };
  const settled = async (setting: number, seed: number, at: Remembered): Promise<Segmenter> => {
    const key = `${setting} ${seed}`;
    const known = at.segmenters.get(key) ?? remembering(await segmenterOf(setting, seed), at);
    at.segmenters.set(key, known);
    return known;
  };

  const seedOf = (group: Group): number => group.attack?.seed ?? seed;

  const perform = async (group: Group, { signal, onStep, ...stops }: PerformHooks): Promise<readonly Outcome[]> => {
    let crafted: Crafted | undefined;
    const performed = async ({ id, target }: PlannedUnit): Promise<Row> => {
      const at = await remembered(group.item);
      const own = seedOf(group);
      const [segmenter, source] = [await settled(target, own, at), await settled(group.source, own, at)];
      const { image, truth } = at;
      const planned = group.attack && (await planOn(group.attack, { image, truth, source }, readDelta));
      const subject: Subject = { segmenter, source, image, truth, small: at.small, item: nameOf(group.item) };
      const made = planned?.instead ?? crafted;
      const plan = planned && planned.plan;
      const measured = await measure({ ...subject, crafted: made, version }, plan, { signal, onStep, ...stops });
      ({ crafted } = measured);
      if (measured.row.id === id) return planned ? rowOf(measured, planned) : measured.row;
      throw new Error(`the unit was planned as ${id} and measured as ${measured.row.id}`);
    };
    const outcomes: Outcome[] = [];
    for (const unit of group.units) {
      try {
        outcomes.push({ row: await performed(unit) });
      } catch (cause) {
        signal?.throwIfAborted();
        outcomes.push({ unit, error: reasonOf(cause), ...(cause instanceof RuntimeCrash ? { crashed: true } : {}) });
      }
    }
    return outcomes;
  };

  /** How many groups are carried out at the same time. What cannot be read or predicted fails in its units. */
  const lanesOf = async (groups: readonly Group[]): Promise<number> => {
    if (!gather || groups.length === 1) return 1;
    try {
      const at = await remembered(groups[0]!.item);
      const most = gather.most(spatialSize(at.image));
      // Lanes share clean predictions and must not wait for each other's.
      for (const group of most === 1 ? [] : groups)
        for (const setting of [group.source, ...group.units.map(({ target }) => target)])
          await (await settled(setting, seedOf(group), at)).predict(at.image);
      return most;
    } catch {
      return 1;
    }
  };

  return async (groups: readonly Group[], hooks: PerformHooks = {}): Promise<readonly Outcome[]> => {
    const most = await lanesOf(groups);
    const outcomes: Outcome[] = [];
    for (let i = 0; i < groups.length; i += most) {
      const tasks = groups.slice(i, i + most).map((group) => () => perform(group, hooks));
      const each = tasks.length === 1 ? [await tasks[0]!()] : await gather!.lanes(tasks);
      outcomes.push(...each.flat());
    }
    return outcomes;
  };
};
