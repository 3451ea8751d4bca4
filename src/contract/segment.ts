/** Labels of an image. */

import type { CrfChoice, RanOn, TransformChoice, Backend } from "./options.ts";
import type { EncodedImage } from "./files.ts";
import type { Warning } from "./warnings.ts";
import type { Timings } from "./receipt.ts";
import type { Size } from "../tensor.ts";
import type { TransformSpec } from "../transforms/pipeline.ts";

export interface SegmentRequest {
  readonly model: string;
  /** Replaces the model's own CRF. */
  readonly crf?: CrfChoice | undefined;
  /** Replaces the model's own transformations. */
  readonly transform?: TransformChoice["transform"];
  /** Of the draws of random transformations; default 0. */
  readonly seed?: number | undefined;
  /** Default: the service's own. */
  readonly backend?: Backend | undefined;
  readonly image: Uint8Array;
}

export interface SegmentResult extends Size {
  readonly model: string;
  /** Every class of the model; `share` is its share of the pixels, 0..1. */
  readonly classes: readonly {
    readonly index: number;
    readonly name: string;
    readonly color: readonly [number, number, number];
    readonly share: number;
  }[];
  /** Largest class probability per pixel: its mean and its minimum over the image. */
  readonly confidence: { readonly mean: number; readonly min: number };
  /** Palette PNG whose indices are classes. */
  readonly labels: EncodedImage;
  /** The transformations that the image passed, every option stated; absent where there are none. */
  readonly transform?: readonly TransformSpec[] | undefined;
  readonly backend: RanOn;
  /** Why that backend was chosen; a clause. */
  readonly backendWhy: string;
  /** What was assumed of the network, and what was changed to run it, in whole sentences. */
  readonly notes: readonly string[];
  readonly warnings: readonly Warning[];
  readonly timings: Timings;
}
