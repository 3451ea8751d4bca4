/** Which worker carries out which parcel next. */

import type { Parcel } from "./worker.ts";

/** What is left of a batch: the parcels of one source and one item, in their order. */
interface Batch {
  readonly parcels: Parcel[];
}

const batchesOf = (parcels: readonly Parcel[]): Batch[] => {
  const batches = new Map<number, Parcel[]>();
  for (const parcel of parcels) {
    const { batch } = parcel[0]!;
    const own = batches.get(batch) ?? [];
    own.push(parcel);
    batches.set(batch, own);
  }
  return [...batches.values()].map((own) => ({ parcels: own }));
};

/**
 * Gives out parcels. A worker keeps to a batch, whose picture and clean predictions it has; without batches left it takes the last parcel
 * of the longest one that another has begun, so that all end at about the same time.
 */
export const createSchedule = (parcels: readonly Parcel[]) => {
  const waiting = batchesOf(parcels);
  const begun: Batch[] = [];
  const own = new Map<number, Batch>();
  return {
    /** The next parcel of a worker; undefined where there is none left. */
    next: (worker: number): Parcel | undefined => {
      const current = own.get(worker);
      if (current && current.parcels.length > 0) return current.parcels.shift();
      const fresh = waiting.shift();
      if (fresh) {
        begun.push(fresh);
        own.set(worker, fresh);
        return fresh.parcels.shift();
      }
      const longest = begun.reduce<Batch | undefined>(
        (most, batch) => (batch.parcels.length > (most?.parcels.length ?? 0) ? batch : most),
        undefined,
      );
      return longest?.parcels.pop();
    },
  };
};
