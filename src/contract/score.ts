/** Scores of label maps. */

import type { Size } from "../tensor.ts";

export interface ScoreRequest {
  readonly classes:
    | { readonly kind: "model"; readonly model: string }
    | { readonly kind: "count"; readonly count: number };
  readonly prediction: Uint8Array;
  readonly reference: Uint8Array;
  readonly adversarial?: Uint8Array | undefined;
}

export interface MapScores {
  /** Row: class of the reference; column: class of the scored map; in pixels. */
  readonly confusion: readonly (readonly number[])[];
  readonly perClass: readonly { readonly class: number; readonly name: string | null; readonly iou: number | null }[];
  readonly miou: number | null;
  readonly pixelAccuracy: number | null;
}

export interface ScoreResult extends Size {
  readonly classes: number;
  /** Pixels that are void in the reference, and so count nowhere. */
  readonly voidPixels: number;
  readonly prediction: MapScores;
  readonly adversarial?: MapScores | undefined;
  readonly iouRatio?: number | null | undefined;
}
