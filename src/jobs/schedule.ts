/** Which worker carries out which group next. */

import type { Group } from "../evaluation/units.ts";

/** What is left of a batch: the groups of one source and one item, in their order. */
interface Batch {
  readonly groups: Group[];
}

const batchesOf = (groups: readonly Group[]): Batch[] => {
  const batches = new Map<number, Group[]>();
  for (const group of groups) {
    const own = batches.get(group.batch) ?? [];
    own.push(group);
    batches.set(group.batch, own);
  }
  return [...batches.values()].map((own) => ({ groups: own }));
};

/**
 * Gives out groups. A worker keeps to a batch, whose picture and clean predictions it has; without batches left it takes the last group
 * of the longest one that another has begun, so that all end at about the same time.
 */
export const createSchedule = (groups: readonly Group[]) => {
  const waiting = batchesOf(groups);
  const begun: Batch[] = [];
  const own = new Map<number, Batch>();
  return {
    /** The next group of a worker; undefined where there is none left. */
    next: (worker: number): Group | undefined => {
      const current = own.get(worker);
      if (current && current.groups.length > 0) return current.groups.shift();
      const fresh = waiting.shift();
      if (fresh) {
        begun.push(fresh);
        own.set(worker, fresh);
        return fresh.groups.shift();
      }
      const longest = begun.reduce<Batch | undefined>(
        (most, batch) => (batch.groups.length > (most?.groups.length ?? 0) ? batch : most),
        undefined,
      );
      return longest?.groups.pop();
    },
  };
};
