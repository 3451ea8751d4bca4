/**
 * The choice of arithmetic: which convolutions are faster on integers in onnxruntime-web's WASM, and which get int8
 * weights.
 */

import type { Arithmetic } from "./insert.ts";
import type { Convolution } from "./convolution.ts";
import { sizeOf } from "../tensor.ts";

/**
 * Arithmetic intensity of a Conv: multiply-adds per activation that must be quantised or dequantised, that is, what integers save
 * divided by what they cost. Per output position there are K·M multiply-adds (K = taps × input channels ÷ group, M output
 * channels); M activations are written, and strideʰ·strideʷ times the number of input channels are read.
 */
export const intensity = ({ weights, group, strides }: Convolution): number => {
  const [outputs, inputsPerGroup] = weights.shape as [number, number];
  return sizeOf(weights.shape) / (inputsPerGroup * group * sizeOf(strides) + outputs);
};

/** Integers break even at an intensity of about 50; see the table below. */
const MIN_INTENSITY = 64;

/** With fewer weights, the scales and names of a DequantizeLinear take more of the file than int8 saves. */
const MIN_WEIGHTS = 1024;

/**
 * Integers for convolutions of intensity 64 or more, int8 weights for the others that have at least 1024 weights, and otherwise
 * float32.
 *
 * The table shows the time in float divided by the time on integers, with QuantizeLinear before and DequantizeLinear after the
 * convolution, for E-Net's layers at 360×480 and 240×320 (onnxruntime-web 1.30, one thread, minimum of interleaved runs).
 * Int8 weights alone do not change the time.
 *
 * | layer | intensity | 360×480 | 240×320 |
 * |---|---|---|---|
 * | 3×3, 32 channels, dilation 1, 4, 16 | 144 | 1.4–1.6 | 1.5–1.7 |
 * | 5×1, 1×5, 32 channels | 80 | 1.1–1.3 | 1.1–1.3 |
 * | 3×3, 16 channels | 72 | 1.1 | 1.1 |
 * | 1×1, 128 → 64 | 43 | 1.1 | 1.0 |
 * | 1×1, 128 → 32 and 32 → 128 | 26 | 0.9, 0.7 | 0.9, 0.7 |
 * | 3×3, 4 channels | 18 | 0.4 | 0.4 |
 * | 2×2 stride 2, 64 → 16 | 15 | 0.9 | 0.9 |
 * | 3×3 stride 2, 3 → 13 | 14 | 0.5 | 0.5 |
 * | 1×1, 64 → 16 and 16 → 64 | 13 | 0.6 | 0.6, 0.5 |
 * | transposed 2×2, 32 → 32 and 16 → 11 | | 0.8, 0.7 | 0.8, 0.7 |
 */
export const fastestArithmetic = (convolution: Convolution): Arithmetic => {
  const { node, weights, group } = convolution;
  // onnxruntime has no integer kernel for ConvTranspose, and a depthwise convolution is five times slower on integers
  // than in float.
  if (node.op === "Conv" && group === 1 && intensity(convolution) >= MIN_INTENSITY) return "integer";
  return weights.data.length >= MIN_WEIGHTS ? "weights" : "float";
};
