/**
 * A unit of work and what is kept of it. Rows are kept, never sums: sets are merged as the union by the units' ids, and pooling
 * is a fold over rows, so that a row that arrives twice counts once and the worst case per image can be taken later.
 */

import { sha256Of } from "../digest.ts";
import type { ClassCounts } from "../metrics/counts.ts";
import type { Evaluations } from "./craft.ts";
import type { Forms, RegionCounts } from "./region-goal.ts";

/** JSON as far as specifications use it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined };

/** What stands around a network, as far as its file does not say it. */
export interface Around {
  /** The manifest's name where several manifests share the file: other scales, another preprocessing, a CRF of its own. */
  readonly variant?: string | undefined;
  /** The CRF in place of the manifest's own, and whether attacks climb through it; null where that one is taken away. */
  readonly crf?: Json | undefined;
  /** The transformations in place of the manifest's own; empty where those are taken away. */
  readonly transform?: readonly Json[] | undefined;
  /** How the attack takes the transformations; absent is through their gradients. */
  readonly through?: string | undefined;
  /** Draws over which each gradient is averaged; absent is 1. */
  readonly draws?: number | undefined;
  /** Of the draws, where it is not the unit's seed. */
  readonly seed?: number | undefined;
}

/** One attack on one image with one network. */
export interface Unit {
  /** Of the file of the network that is scored. */
  readonly networkSha256: string;
  /** Of the file of the network whose objective is climbed, where it is not the one that is scored as it is scored. */
  readonly source?: string | undefined;
  /** The attack with nothing left open; null where the clean image alone is scored. */
  readonly attack: Json;
  /** Around the network that is scored; absent for the network alone. */
  readonly around?: Around | undefined;
  /** Around the source; absent for the network alone. */
  readonly sourceAround?: Around | undefined;
  /** Which image: its name in a data set, or the digest of its file. */
  readonly item: string;
  readonly seed: number;
  /** From 1: the start was moved by up to 1e-3 grey levels; absent for the attack itself. */
  readonly repeat?: number | undefined;
}

/** Of the clean image, the adversarial one as computed, and the same rounded to 8 bits. */
export interface RowCounts {
  readonly clean: ClassCounts;
  readonly float: ClassCounts;
  readonly uint8: ClassCounts;
}

/** Signs of a masked gradient. */
export interface Masking {
  /** Share of exactly zero components of the first gradient, of those at pixels that the network reads (`readShare`). */
  readonly zeroGradientShare: number;
  /** Mean over the pixels of the clean image of the largest class probability. */
  readonly confidence: number;
}

/** What is kept of a unit of work: counts, not scores. Plain numbers and text, so that it travels as JSON. */
export interface Row {
  readonly schema: 2;
  /** `unitId` of the unit. */
  readonly id: string;
  readonly unit: Unit;
  /** What the counts compare with: the ground truth, or else the clean prediction. */
  readonly reference: "ground-truth" | "prediction";
  readonly counts: RowCounts;
  /** The same over the pixels of small objects alone, where they were counted. */
  readonly small?: RowCounts | undefined;
  /** Of attacks on a region. */
  readonly region?: Forms<RegionCounts> | undefined;
  /** Of the adversarial image as computed from the clean one, in grey levels: √Σ d² and max |d| over all values. */
  readonly distances: { readonly l2: number; readonly linf: number };
  /** Of attacks of minimum norm: whether enough pixels of the scored prediction were moved. */
  readonly success?: boolean | undefined;
  /** What the unit takes on its own, with what was known already from other units. */
  readonly evaluations: Evaluations;
  readonly masking: Masking;
  /** The kinds of the signs that the attack is weaker than it seems; absent where there are none. */
  readonly signs?: readonly string[] | undefined;
  /** What ran: enough, with the unit, to run it again. */
  readonly receipt: {
    readonly model: string;
    readonly source?: string | undefined;
    readonly backend: string;
    readonly onnxruntime: string;
    /** Version of the package, where the caller knows it. */
    readonly faultline?: string | undefined;
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
export const unitId = (unit: Unit): Promise<string> => {
  const { networkSha256, source, attack, item, seed, repeat } = unit;
  const [around, sourceAround] = [unit.around, unit.sourceAround].map((at) => at && { ...at });
  return sha256Of(canonicalJson({ networkSha256, source, attack, around, sourceAround, item, seed, repeat }));
};
