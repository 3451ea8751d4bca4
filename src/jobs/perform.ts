/** Carries out groups of units: the adversarial image is made once and scored on each target. Knows no thread, no queue and no file. */

import { planFor } from "../evaluation/attacks-of.ts";
import type { Crafted, Stops } from "../evaluation/craft.ts";
import type { ReadItem } from "../evaluation/items.ts";
import { measure, type Subject } from "../evaluation/measure.ts";
import type { Row } from "../evaluation/row.ts";
import type { Group, PlannedUnit } from "../evaluation/units.ts";
import { smallObjects } from "../metrics/components.ts";
import { reasonOf } from "../reason.ts";
import { RuntimeCrash } from "../runtime/session.ts";
import type { Labels, Prediction, Segmenter } from "../segmenter/segmenter.ts";

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
  /** Share of the picture below which an object is small. */
  readonly small: number;
  /** Of the package, for receipts. */
  readonly version: string;
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
  /** The ground truth of small objects alone. */
  readonly small: Labels;
  readonly segmenters: Map<string, Segmenter>;
}

/** Predicts the clean image once. What a row counts is what the unit asks for, so it is the same whether it was known or not. */
const remembering = (segmenter: Segmenter, { image }: ReadItem): Segmenter => {
  let clean: Promise<Prediction> | undefined;
  return { ...segmenter, predict: (at) => (at === image ? (clean ??= segmenter.predict(at)) : segmenter.predict(at)) };
};

/**
 * @returns a function that carries out one group after another. A unit that fails is an outcome too; only an abort rejects, with the
 * signal's reason.
 */
export const createPerformer = ({ segmenterOf, read, nameOf, seed, small, version }: PerformerOptions) => {
  let last: Remembered | undefined;
  const remembered = async (item: number): Promise<Remembered> => {
    if (last?.item === item) return last;
    const { image, truth } = await read(item);
    last = { item, image, truth, small: smallObjects(truth, small), segmenters: new Map() };
    return last;
  };
  const settled = async (setting: number, seed: number, at: Remembered): Promise<Segmenter> => {
    const key = `${setting} ${seed}`;
    const known = at.segmenters.get(key) ?? remembering(await segmenterOf(setting, seed), at);
    at.segmenters.set(key, known);
    return known;
  };

  return async (group: Group, { signal, onStep, ...stops }: PerformHooks = {}): Promise<readonly Outcome[]> => {
    let crafted: Crafted | undefined;
    const performed = async ({ id, target }: PlannedUnit): Promise<Row> => {
      const at = await remembered(group.item);
      const own = group.attack?.seed ?? seed;
      const [segmenter, source] = [await settled(target, own, at), await settled(group.source, own, at)];
      const plan = group.attack && planFor(group.attack, at.truth);
      const { image, truth } = at;
      const subject: Subject = { segmenter, source, image, truth, small: at.small, item: nameOf(group.item) };
      const measured = await measure({ ...subject, crafted, version }, plan, { signal, onStep, ...stops });
      ({ crafted } = measured);
      if (measured.row.id === id) return measured.row;
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
};
