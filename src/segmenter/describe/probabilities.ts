/** Whether what a manifest calls probabilities are some. */

import { numbersOf, type Tensor } from "../../tensor.ts";
import { ManifestError } from "../manifest.ts";
import type { Network } from "../network.ts";
import type { SessionCache } from "../session-cache.ts";
import { outputsOn } from "./describe.ts";
import { sumsToOne } from "./output.ts";

/**
 * Runs the network on a picture where its probabilities exclude each other, unless they are known to be a Softmax.
 *
 * @throws ManifestError where they do not add up to 1 at each pixel.
 */
export const requireProbabilities = async (
  { manifest, model, source }: Network,
  picture: Tensor<"float32">,
  cache: SessionCache,
): Promise<void> => {
  if (source.kind !== "probabilities" || manifest.output.activation === "sigmoid") return;
  const outputs = await outputsOn(model, manifest, picture, cache);
  const { shape, ...values } = outputs[source.name]!;
  const axis = source.axis ?? 1;
  const isLast = axis === shape.length - 1;
  if (sumsToOne(numbersOf({ shape, ...values }), shape[axis]!, isLast)) return;
  const remedy =
    '"activation": "sigmoid" says that they are independent of each other, "kind": "logits" that they are none';
  throw new ManifestError(
    `are no probabilities: "${source.name}" does not add up to 1 over the classes; ${remedy}`,
    "output.kind",
  );
};
