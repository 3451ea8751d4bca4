/** Certified labels of one image. */

import type { Rounding } from "../certify/bound-runs.ts";
import type { CertifiedScores } from "../certify/scores.ts";
import type { Smoothing } from "../certify/smoothing.ts";
import type { NamedGroup } from "../segmenter/hierarchy.ts";
import type { Size } from "../tensor.ts";
import type { EncodedImage } from "./files.ts";
import type { Backend } from "./options.ts";
import type { Receipt, Reference, Timings } from "./receipt.ts";
import type { Label255, Warning } from "./warnings.ts";

interface Asked {
  readonly model: string;
  readonly seed: number;
  readonly backend?: Backend | undefined;
  readonly label255?: Label255 | undefined;
}

/** Of the smoothed network, by its labels under noise. */
export interface SmoothingSpec extends Asked, Omit<Smoothing, "hierarchy"> {
  readonly method: "smoothing";
  /** Groups of classes to certify where no class can be: the manifest's, or these. */
  readonly hierarchy?: "manifest" | readonly NamedGroup[] | { readonly groups: readonly NamedGroup[] } | undefined;
}

interface Bounded extends Asked {
  /** L∞ radius in grey levels. */
  readonly epsilon: number;
  /** Whether the largest ε at which any pixel is certified is looked for too. */
  readonly largest: boolean;
  readonly rounding: Rounding;
}

/** Of the network itself, for all pixels. */
export interface IntervalSpec extends Bounded {
  readonly method: "interval";
}

/** Of the network itself, for a sample of the pixels. */
export interface LinearSpec extends Bounded {
  readonly method: "linear";
  readonly pixels: number;
}

export type CertifySpec = SmoothingSpec | IntervalSpec | LinearSpec;

export interface CertifyRequest {
  readonly spec: CertifySpec;
  readonly image: Uint8Array;
  readonly labels?: Uint8Array | undefined;
}

export interface CertifyResult extends Size {
  readonly reference: Reference;
  readonly warnings: readonly Warning[];
  /** Grey levels: no perturbation of smaller norm (smoothing), or of no larger norm (bounds), changes a certified label. */
  readonly radius: number;
  /** Of the radius: L2 of the smoothed network, L∞ of the network itself. */
  readonly norm: "l2" | "linf";
  readonly scores: Omit<CertifiedScores, "iou" | "pixels"> & {
    readonly perClass: readonly { readonly class: number; readonly name: string; readonly iou: number | null }[];
  };
  /** Of the network without noise. */
  readonly clean: { readonly miou: number | null; readonly pixelAccuracy: number | null };
  /** Of smoothing: draws of the test that were made; the rest could not have changed any decision. */
  readonly drawn?: number | undefined;
  /** Of bounds: the pixels that were bounded, of which the scores are. */
  readonly examined?: number | undefined;
  /** The largest ε at which any pixel is certified, where it was asked for; 0 where none is. */
  readonly largest?: number | undefined;
  readonly images: {
    /** Palette PNG of classes, and after them the groups of the hierarchy; 255 where nothing is certified. */
    readonly labels: EncodedImage;
    /**
     * Palette PNG: 0 certified, 1 certified to be of another class or group, 2 abstained, 3 certified to be in a group that has the reference's
     * class, 255 void in the reference, or not among the pixels that were bounded.
     */
    readonly outcome: EncodedImage;
  };
  readonly timings: Timings;
  readonly receipt: Receipt<CertifySpec>;
}
