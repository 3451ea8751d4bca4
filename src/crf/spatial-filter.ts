/**
 * The smoothness kernel: a Gaussian of the pixels' positions, computed by separable convolution and exact except for
 * its tails.
 */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { tensor, type Tensor } from "../tensor.ts";
import type { Message } from "./message.ts";
import type { CrfParameters } from "./parameters.ts";

/** The radius of the kernel in standard deviations; 6·10⁻⁵ of its mass lies outside. */
const REACH = 4;

interface Kernel {
  readonly radius: number;
  /** exp(−t²/2θ²), t = −radius … radius. */
  readonly taps: Float32Array<ArrayBuffer>;
  /** At each position, 1 ÷ the sum of the taps that lie inside the image. */
  readonly normaliser: Float32Array<ArrayBuffer>;
}

const kernelOf = (theta: number, size: number): Kernel => {
  const radius = Math.min(Math.ceil(REACH * theta), size - 1);
  const taps = Float32Array.from({ length: 2 * radius + 1 }, (_, t) =>
    Math.exp(-((t - radius) ** 2) / (2 * theta ** 2)),
  );
  const normaliser = Float32Array.from({ length: size }, (_, at) => {
    let sum = 0;
    for (let t = Math.max(0, at - radius); t <= Math.min(size - 1, at + radius); t++) sum += taps[t - at + radius]!;
    return 1 / sum;
  });
  return { radius, taps, normaliser };
};

/** Each value repeated `times` times and multiplied by a factor. */
const repeated = (values: Float32Array, times: number, factor: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: values.length * times }, (_, i) => factor * values[Math.floor(i / times)]!);

/**
 * w⁽²⁾ times the Gaussian mean around each pixel. Both convolutions work on the layout [H, W·C] without a transposition,
 * the horizontal one with dilation C. The kernel is separable, and so is its normalisation.
 */
export const spatialFilter =
  (
    { height, width }: { readonly height: number; readonly width: number },
    { weight, theta }: CrfParameters["gaussian"],
  ): Message =>
  (op: Builder, q: Value): Value => {
    const classes = q.shape[1]!;
    const [vertical, horizontal] = [kernelOf(theta, height), kernelOf(theta, width)];
    const constant = (shape: readonly number[], data: Tensor<"float32">["data"]): Value =>
      op.cast(op.tensor(tensor("float32", shape, data), "gaussian"), q.dtype);
    const across = op.Conv(
      op.Reshape(q, op.ints([1, 1, height, width * classes])),
      constant([1, 1, 1, horizontal.taps.length], horizontal.taps),
      { dilations: [1, classes], pads: [0, horizontal.radius * classes, 0, horizontal.radius * classes] },
    );
    const normalised = op.Mul(
      across,
      constant([1, 1, 1, width * classes], repeated(horizontal.normaliser, classes, weight)),
    );
    const down = op.Conv(normalised, constant([1, 1, vertical.taps.length, 1], vertical.taps), {
      pads: [vertical.radius, 0, vertical.radius, 0],
    });
    const both = op.Mul(down, constant([1, 1, height, 1], vertical.normaliser));
    return op.Reshape(both, op.ints(q.shape));
  };
