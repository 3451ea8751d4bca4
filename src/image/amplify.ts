/** Small differences made visible. */

import { tensor, type Tensor } from "../tensor.ts";

/**
 * 128 + 127·(adversarial − clean)/ε: grey where nothing changed, so that a small perturbation can be seen. Without an L∞ ball, ε is
 * the largest change of a value.
 */
export const amplified = (
  clean: Tensor<"float32">,
  adversarial: Tensor<"float32">,
  epsilon: number,
): Tensor<"float32"> =>
  tensor(
    "float32",
    clean.shape,
    clean.data.map((v, i) => 128 + (127 * (adversarial.data[i]! - v)) / epsilon),
  );
