/** What carries out work, wherever it is: a thread, or a process on another machine behind a queue. */

import type { Group } from "../evaluation/units.ts";
import type { Outcome } from "./perform.ts";

/** Groups of one batch, which one worker carries out one after another, so that it reads the picture and predicts it once. */
export type Parcel = readonly Group[];

export interface WorkHooks {
  readonly signal: AbortSignal;
  /** Called with numbers of steps that are done. */
  readonly onSteps: (steps: number) => void;
}

/** One parcel at a time. The same parcel gives the same rows anywhere, so it may be carried out twice. */
export interface Worker {
  /**
   * Rejects where the worker itself fails, as when its thread or process dies, or after `signal`; what fails in a unit is an
   * outcome.
   */
  readonly perform: (parcel: Parcel, hooks: WorkHooks) => Promise<readonly Outcome[]>;
  /** Called when the ledger has the rows of a parcel: until then whoever transports it must not forget it. */
  readonly kept?: ((parcel: Parcel) => Promise<void>) | undefined;
}

const evaluationsOf = ({ evaluations: { forward, backward } }: Group): number => forward + backward;

/**
 * Groups in parcels, in their order. A parcel has groups of one batch of at most `most` together, or one group that takes more.
 *
 * @param weigh what a group takes: evaluations of the network, unless it is time.
 */
export const parcelsOf = (
  groups: readonly Group[],
  most: number,
  weigh: (group: Group) => number = evaluationsOf,
): readonly Parcel[] => {
  const parcels: Group[][] = [];
  let size = 0;
  for (const group of groups) {
    const own = weigh(group);
    const last = parcels.at(-1);
    if (last && last[0]!.batch === group.batch && size + own <= most) {
      last.push(group);
      size += own;
    } else {
      parcels.push([group]);
      size = own;
    }
  }
  return parcels;
};
