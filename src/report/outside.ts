/** Rows that are scored on a part of their pictures. */

import type { Json } from "../evaluation/row.ts";

/** Side and place of a patch, as its attack's options say them. */
export interface Outside {
  readonly side: number;
  readonly top: number;
  readonly left: number;
}

/** Pixels under a patch are in no count: such rows share no clean counts with those of whole pictures. */
export const outsideOf = (attack: Json): Outside | null => {
  if (typeof attack !== "object" || attack === null || Array.isArray(attack)) return null;
  const { scored, side, top, left } = attack as Readonly<Record<string, Json | undefined>>;
  return scored === "outside" ? { side: Number(side), top: Number(top), left: Number(left) } : null;
};
