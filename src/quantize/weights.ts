/** Weights as signed bytes with one scale per channel: w = scale[c]·q with q in −127..127, and no zero point. */

import { newData, stridesOf, tensor, type Tensor } from "../tensor.ts";

export interface QuantizedWeights {
  readonly values: Tensor<"int8">;
  /** float32 [channels]. */
  readonly scales: Tensor<"float32">;
}

const LARGEST = 127;

/**
 * The largest weight of each channel becomes ±127. A channel whose weights are all zero gets the smallest scale of the others.
 *
 * @param axis of the output channels: 0 for Conv, 1 for ConvTranspose.
 * @param smallestScales a lower bound on the scale of each channel, so that a bias in its units fits into 32 bits.
 */
export const quantizeWeights = (
  weights: Tensor<"float32">,
  axis: number,
  smallestScales: ArrayLike<number> = [],
): QuantizedWeights => {
  const channels = weights.shape[axis];
  if (channels === undefined)
    throw new RangeError(`quantizeWeights: [${weights.shape.join(", ")}] has no axis ${axis}`);
  const stride = stridesOf(weights.shape)[axis]!;
  const channelOf = (i: number) => Math.floor(i / stride) % channels;
  const largest = new Float64Array(channels);
  for (const [i, w] of weights.data.entries()) largest[channelOf(i)] = Math.max(largest[channelOf(i)]!, Math.abs(w));
  const smallest = largest.reduce((least, v) => (v > 0 && v < least ? v : least), Infinity);
  const scales = Float32Array.from(largest, (v, c) => {
    const full = v > 0 ? v : Number.isFinite(smallest) ? smallest : LARGEST;
    return Math.max(full / LARGEST, smallestScales[c] ?? 0, SMALLEST_SCALE);
  });
  const values = newData("int8", weights.data.length);
  for (const [i, w] of weights.data.entries()) {
    const q = Math.round(w / scales[channelOf(i)]!);
    values[i] = Math.max(-LARGEST, Math.min(LARGEST, q));
  }
  return { values: tensor("int8", weights.shape, values), scales: tensor("float32", [channels], scales) };
};

/** The smallest normal float32, so that no scale is zero. */
const SMALLEST_SCALE = 2 ** -126;

/** The weights that the quantised network computes with. */
export const dequantizeWeights = ({ values, scales }: QuantizedWeights, axis: number): Tensor<"float32"> => {
  const stride = stridesOf(values.shape)[axis]!;
  const data = Float32Array.from(values.data, (q, i) => q * scales.data[Math.floor(i / stride) % scales.data.length]!);
  return tensor("float32", values.shape, data);
};
