/** Scores of predictions against a reference, before and after an attack. */

import { iouRatio, type Scores } from "../metrics/counts.ts";
import { distancesFrom } from "../metrics/distances.ts";
import type { Image } from "../segmenter/segmenter.ts";

/** Before and after. `null` where the quantity is undefined (an IoU of a class in neither map). */
export interface CleanAndAdversarial {
  readonly clean: number | null;
  readonly adversarial: number | null;
}

/** Scores before and after an attack; shares from 0 to 1. */
export interface AttackScores {
  /** Adversarial mIoU ÷ clean mIoU; `null` where the clean mIoU is 0 or undefined. */
  readonly iouRatio: number | null;
  readonly miou: CleanAndAdversarial;
  readonly pixelAccuracy: CleanAndAdversarial;
  readonly perClass: readonly (CleanAndAdversarial & { readonly class: number; readonly name: string })[];
}

/**
 * Of adversarial − clean: L∞ and L2 in grey levels, L0 in pixels changed in any channel; `psnr` in dB, `null` = infinite;
 * `ssim` is `null` below 11 pixels a side.
 */
export interface Perturbation {
  readonly linf: number;
  readonly l2: number;
  readonly l0: number;
  readonly psnr: number | null;
  readonly ssim: number | null;
}

/** The scores before and after an attack side by side; `names` are those of the classes, in their order. */
export const attackScores = (clean: Scores, adversarial: Scores, names: readonly string[]): AttackScores => ({
  iouRatio: iouRatio(adversarial, clean),
  miou: { clean: clean.miou, adversarial: adversarial.miou },
  pixelAccuracy: { clean: clean.pixelAccuracy, adversarial: adversarial.pixelAccuracy },
  perClass: names.map((name, i) => ({
    class: i,
    name,
    clean: clean.iou[i] ?? null,
    adversarial: adversarial.iou[i] ?? null,
  })),
});

/** Distances of two images as the API tells them; an infinite PSNR (equal images) is null. */
export const perturbationFrom = (clean: Image): ((adversarial: Image) => Perturbation) => {
  const distancesTo = distancesFrom(clean);
  return (adversarial) => {
    const { linf, l2, l0Pixels, psnr, ssim } = distancesTo(adversarial);
    return { linf, l2, l0: l0Pixels, psnr: Number.isFinite(psnr) ? psnr : null, ssim };
  };
};
