/** Certified labels of one image. */

import type { CertifiedScores } from "../certify/scores.ts";
import type { Smoothing } from "../certify/smoothing.ts";
import type { NamedGroup } from "../segmenter/hierarchy.ts";
import type { Size } from "../tensor.ts";
import type { EncodedImage } from "./files.ts";
import type { Backend } from "./options.ts";
import type { Receipt, Reference, Timings } from "./receipt.ts";
import type { Label255, Warning } from "./warnings.ts";

export interface CertifySpec extends Omit<Smoothing, "hierarchy"> {
  readonly model: string;
  /** Groups of classes to certify where no class can be: the manifest's, or these. */
  readonly hierarchy?: "manifest" | readonly NamedGroup[] | undefined;
  readonly backend?: Backend | undefined;
  readonly label255?: Label255 | undefined;
}

export interface CertifyRequest {
  readonly spec: CertifySpec;
  readonly image: Uint8Array;
  readonly labels?: Uint8Array | undefined;
}

export interface CertifyResult extends Size {
  readonly reference: Reference;
  readonly warnings: readonly Warning[];
  /** L2, grey levels: no perturbation of smaller norm changes a certified label of the smoothed network. */
  readonly radius: number;
  readonly scores: Omit<CertifiedScores, "iou" | "pixels"> & {
    readonly perClass: readonly { readonly class: number; readonly name: string; readonly iou: number | null }[];
  };
  /** Of the network without noise. */
  readonly clean: { readonly miou: number | null; readonly pixelAccuracy: number | null };
  /** Draws of the test that were made; the rest could not have changed any decision. */
  readonly drawn: number;
  readonly images: {
    /** Palette PNG of classes, and after them the groups of the hierarchy; 255 where nothing is certified. */
    readonly labels: EncodedImage;
    /**
     * Palette PNG: 0 certified, 1 certified to be of another class or group, 2 abstained, 3 certified to be in a group that has the reference's
     * class, 255 void in the reference.
     */
    readonly outcome: EncodedImage;
  };
  readonly timings: Timings;
  readonly receipt: Receipt<CertifySpec>;
}
