/** Labels of an image. */

import type { Backend, CrfChoice, RanOn } from "./options.ts";
import type { EncodedImage } from "./files.ts";
import type { Warning } from "./warnings.ts";
import type { Timings } from "./receipt.ts";
import type { Size } from "../tensor.ts";

export interface SegmentRequest {
  readonly model: string;
  /** Replaces the model's own CRF. */
  readonly crf?: CrfChoice | undefined;
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
  readonly backend: RanOn;
  /** Why that backend was chosen; a clause. */
  readonly backendWhy: string;
  /** What was assumed of the network, and what was changed to run it, in whole sentences. */
  readonly notes: readonly string[];
  readonly warnings: readonly Warning[];
  readonly timings: Timings;
}
