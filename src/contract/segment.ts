/** Labels of an image. */

import type { Backend, CrfChoice } from "./options.ts";
import type { EncodedImage, Size } from "./files.ts";
import type { Warning } from "./warnings.ts";
import type { Timings } from "./receipt.ts";

export interface SegmentRequest {
  readonly model: string;
  /** In place of the model's own. */
  readonly crf?: CrfChoice | undefined;
  /** The service's own where it is absent. */
  readonly backend?: Backend | undefined;
  readonly image: Uint8Array;
}

export interface SegmentResult extends Size {
  readonly model: string;
  /** Every class of the model; `share` of the pixels, 0..1. */
  readonly classes: readonly {
    readonly index: number;
    readonly name: string;
    readonly color: readonly [number, number, number];
    readonly share: number;
  }[];
  /** Largest class probability per pixel: its mean and its minimum over the image. */
  readonly confidence: { readonly mean: number; readonly min: number };
  /** Palette PNG: the index is the class. */
  readonly labels: EncodedImage;
  readonly backend: "webgpu" | "wasm";
  /** Why that backend: a clause. */
  readonly backendWhy: string;
  readonly warnings: readonly Warning[];
  readonly timings: Timings;
}
