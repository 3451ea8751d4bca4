/**
 * A unit of work and what is kept of it. Rows are kept, never sums: sets are merged as the union by the units' ids, and pooling
 * is a fold over rows, so that a row that arrives twice counts once and the worst case per image can be taken later.
 */

import { sha256Of } from "../digest.ts";
import type { ClassCounts } from "../metrics/counts.ts";
import type { Evaluations } from "./craft.ts";

/** JSON as far as specifications use it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined };

/** One attack on one image with one network. */
export interface Unit {
  /** Of the file of the network that is scored. */
  readonly networkSha256: string;
  /** The attack with nothing left open; null where the clean image alone is scored. */
  readonly attack: Json;
  /** Which image: its name in a data set, or the digest of its file. */
  readonly item: string;
  readonly seed: number;
}

/** Of the clean image, the adversarial one as computed, and the same rounded to 8 bits. */
export interface RowCounts {
  readonly clean: ClassCounts;
  readonly float: ClassCounts;
  readonly uint8: ClassCounts;
}

/** Signs of a masked gradient. */
export interface Masking {
  /** Share of exactly zero components of the first gradient. */
  readonly zeroGradientShare: number;
  /** Mean over the pixels of the clean image of the largest class probability. */
  readonly confidence: number;
}

/** What is kept of a unit of work: counts, not scores. Plain numbers and text, so that it travels as JSON. */
export interface Row {
  readonly schema: 1;
  readonly unit: Unit;
  /** What the counts compare with: the ground truth, or else the clean prediction. */
  readonly reference: "ground-truth" | "prediction";
  readonly counts: RowCounts;
  readonly evaluations: Evaluations;
  readonly masking: Masking;
  /** What ran: enough, with the unit, to run it again. */
  readonly receipt: {
    readonly model: string;
    readonly backend: string;
    readonly onnxruntime: string;
  };
}

/** The same text for the same value, whatever the order of its properties; those that are undefined are left out. */
export const canonicalJson = (value: Json): string => {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonicalJson).join(",")}]`;
  const entries = Object.entries(value as Readonly<Record<string, Json | undefined>>)
    .filter((entry): entry is [string, Json] => entry[1] !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`).join(",")}}`;
};

/** SHA-256 of the unit's canonical JSON, in hexadecimal. */
export const unitId = ({ networkSha256, attack, item, seed }: Unit): Promise<string> =>
  sha256Of(canonicalJson({ networkSha256, attack, item, seed }));
