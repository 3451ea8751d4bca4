/** The units of an evaluation: plain data, known before a network's weights or a picture are read. */

import type { AttackOf } from "./attacks-of.ts";
import type { Evaluations } from "./craft.ts";
import type { Unit } from "./row.ts";

/** A unit with the setting that is scored. */
export interface PlannedUnit {
  readonly id: string;
  readonly unit: Unit;
  /** The setting that is scored, by its place. */
  readonly target: number;
}

/** Units that share an adversarial image, which is made once. Plain data. */
export interface Group {
  /** Groups of one number share the source and the item. */
  readonly batch: number;
  /** Which picture. */
  readonly item: number;
  /** The setting whose objective is climbed, by its place. */
  readonly source: number;
  /** Null: the clean image is scored. */
  readonly attack: AttackOf | null;
  readonly units: readonly PlannedUnit[];
  /** Evaluations of the network that the group takes at most. */
  readonly evaluations: Evaluations;
}

/** The batches of one of `count` shards: whole ones in turn, so that what a machine computes of an image is used there. */
export const inShard =
  (index: number, count: number) =>
  (batch: number): boolean =>
    batch % count === index;

/** What is left of the groups where these units are done. */
export const remaining = (groups: readonly Group[], done: ReadonlySet<string>): readonly Group[] =>
  groups.flatMap((group) => {
    const units = group.units.filter(({ id }) => !done.has(id));
    return units.length === 0 ? [] : [{ ...group, units }];
  });

/** Evaluations of all groups together. */
export const totalOf = (groups: readonly Group[]): Evaluations =>
  groups.reduce(
    ({ forward, backward }, { evaluations }) => ({
      forward: forward + evaluations.forward,
      backward: backward + evaluations.backward,
    }),
    { forward: 0, backward: 0 },
  );
