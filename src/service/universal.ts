/** The part `delta` of a request: a perturbation that was made beforehand. */

import type { UniversalSpec } from "../contract/attack.ts";
import { invalidSpec } from "../contract/failure.ts";
import { deltaFault, radiusOf, type UniversalPlan } from "../evaluation/universal.ts";
import { ImageError } from "../image/error.ts";
import { readDelta } from "../image/npy.ts";
import type { Image } from "../segmenter/segmenter.ts";

const refused = (detail: string, cause?: unknown) => invalidSpec({ pointer: "/delta", detail }, cause);

/** @throws FaultlineError invalid-spec where it is no array of numbers, of another size than the image, or beyond ε. */
export const universalPlan = (
  { attack, epsilon, pixelRange, seed }: UniversalSpec,
  bytes: Uint8Array | undefined,
  image: Image,
): UniversalPlan => {
  if (!bytes) throw refused("is required, because spec.attack is universal");
  let delta: Image;
  try {
    delta = readDelta(bytes);
  } catch (cause) {
    if (cause instanceof ImageError) throw refused(cause.message, cause);
    throw cause;
  }
  const fault = deltaFault(delta, image.shape, epsilon ?? Infinity);
  if (fault !== null) throw refused(fault);
  return { attack, delta, epsilon: epsilon ?? radiusOf(delta), pixelRange, seed };
};
