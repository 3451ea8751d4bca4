/** Parts of several answers that describe the run. */

import type { RanOn } from "./options.ts";

/** Milliseconds by stage, and in `total`. */
export type Timings = Readonly<Record<string, number>> & { readonly total: number };

/** A value for the float image, and one for the same image rounded to 8 bits. */
export interface FloatAndUint8<T> {
  readonly float: T;
  readonly uint8: T;
}

/** The reference of the scores: the ground truth if given, else the clean prediction (whose mIoU is then 1). */
export type Reference = "prediction" | "ground-truth";

/** A description of the run that suffices to repeat it. */
export interface Receipt<Spec> {
  readonly model: string;
  readonly modelSha256: string;
  readonly spec: Spec;
  readonly seed: number;
  readonly versions: { readonly faultline: string; readonly onnxruntime: string };
  readonly backend: RanOn;
  /** Why that backend was chosen; a clause. */
  readonly backendWhy: string;
  /** What was assumed of the network, and what was changed to run it, in whole sentences. */
  readonly notes: readonly string[];
}
