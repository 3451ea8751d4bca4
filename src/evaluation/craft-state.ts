/** The state of an attack that has stopped at a step, as bytes: the same state gives the same bytes. */

import type { State } from "../attacks/attack.ts";
import { readCheckpoint, writeCheckpoint } from "../attacks/checkpoint.ts";
import type { CraftState } from "./craft.ts";

/** What stands in the state of a checkpoint, around that of the trajectory. */
interface Held extends Omit<CraftState, "at"> {
  /** Null where the next trajectory has not begun. */
  readonly own: { readonly state: State } | null;
}

export const writeCraftState = ({ at, ...around }: CraftState): Uint8Array<ArrayBuffer> => {
  const held: Held = { ...around, own: at && { state: at.state } };
  const { step, x, feeds, clock } = at ?? { step: 0, x: new Float32Array(0), feeds: undefined, clock: undefined };
  return writeCheckpoint({ step, x, feeds, clock, state: held as unknown as State });
};

/** @throws RangeError where the bytes are not those of a state. */
export const readCraftState = (bytes: Uint8Array): CraftState => {
  const { state, ...checkpoint } = readCheckpoint(bytes);
  const { own, ...around } = state as unknown as Held;
  return { ...around, at: own && { ...checkpoint, state: own.state } };
};
