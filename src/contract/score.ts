/** Scores of label maps. */

import type { Size } from "../tensor.ts";
import type { Label255, Warning } from "./warnings.ts";

export interface ScoreRequest {
  readonly classes:
    | { readonly kind: "model"; readonly model: string }
    | { readonly kind: "count"; readonly count: number };
  readonly prediction: Uint8Array;
  readonly reference: Uint8Array;
  readonly adversarial?: Uint8Array | undefined;
  readonly label255?: Label255 | undefined;
  /** The classes that mIoU is the mean over; default `reference`. */
  readonly meanOver?: MeanOver | undefined;
}

/**
 * The classes that mIoU is the mean over. `reference`: those present in the reference. `union`: those present in the reference or in
 * the scored map, so that a class that is only predicted counts with an IoU of 0.
 */
export type MeanOver = "reference" | "union";

export interface MapScores {
  /** Numbers of pixels. Row: class of the reference; column: class of the scored map. */
  readonly confusion: readonly (readonly number[])[];
  readonly perClass: readonly { readonly class: number; readonly name: string | null; readonly iou: number | null }[];
  readonly miou: number | null;
  readonly pixelAccuracy: number | null;
}

export interface ScoreResult extends Size {
  readonly classes: number;
  readonly meanOver: MeanOver;
  readonly warnings: readonly Warning[];
  /** Void pixels of the reference, which no score counts. */
  readonly voidPixels: number;
  readonly prediction: MapScores;
  readonly adversarial?: MapScores | undefined;
  readonly iouRatio?: number | null | undefined;
}
