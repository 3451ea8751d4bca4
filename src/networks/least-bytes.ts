/** A lower bound on the memory of a run, by a formula: nothing is compiled for it. */

import { channelCount } from "../segmenter/manifest.ts";
import type { Evaluated, Segmenter } from "../segmenter/segmenter.ts";
import type { Size } from "../tensor.ts";

/** Whether the objective is evaluated with its gradient. */
export const isGradient = (evaluated: Evaluated): boolean => !("scored" in evaluated);

/**
 * A lower bound on the bytes of a run, from the manifest and the image's size alone. A prediction holds in float32 the image and
 * the logits at its size; an attack by gradients also the image's gradient and the gradient of the logits.
 */
export const leastBytes = (
  { manifest }: Pick<Segmenter, "manifest">,
  { height, width }: Size,
  objectives: readonly Evaluated[],
): number =>
  4 *
  height *
  width *
  (objectives.some(isGradient) ? 2 : 1) *
  (channelCount(manifest.input.channels) + manifest.classes.length);
