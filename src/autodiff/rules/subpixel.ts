/**
 * The adjoint of a strided convolution as a convolution and a DepthToSpace (Shi et al. 2016, arXiv 1609.07009): each of the
 * s×s phases of the output is a small convolution of its own. In WASM this is faster than ConvTranspose and needs no column buffer.
 */

import type { Builder } from "../../onnx/build.ts";
import type { Window } from "../../onnx/infer/window.ts";
import type { Value } from "../../onnx/value.ts";
import { dimensionsOf, tensor, type Tensor } from "../../tensor.ts";
import { memoized } from "./weights.ts";

/**
 * Per axis, with i + pad = s·q + r: x[i] = Σ_t w[r + s·t]·y[q − t], t = 0 … T − 1, T = ⌈k/s⌉.
 *
 * @param w [M, C, k, k] of the convolution; the result has C channels.
 * @returns [s·s·C, M, T, T], the phase (row, column) before the channel, as mode DCR of DepthToSpace requires.
 */
const phaseWeights = memoized((w: Tensor<"float32">, stride: number): Tensor<"float32"> => {
  const [m, c, kh, kw] = dimensionsOf(w, 4);
  const [th, tw] = [Math.ceil(kh / stride), Math.ceil(kw / stride)];
  const data = new Float32Array(stride * stride * c * m * th * tw);
  for (let out = 0; out < m; out++) {
    for (let channel = 0; channel < c; channel++) {
      for (let y = 0; y < kh; y++) {
        for (let x = 0; x < kw; x++) {
          const phase = (y % stride) * stride + (x % stride);
          const tap = (th - 1 - Math.floor(y / stride)) * tw + (tw - 1 - Math.floor(x / stride));
          data[((phase * c + channel) * m + out) * th * tw + tap] = w.data[((out * c + channel) * kh + y) * kw + x]!;
        }
      }
    }
  }
  return tensor("float32", [stride * stride * c, m, th, tw], data);
});

/** Up to this stride the form is used even if the stride is larger than the kernel. */
const MAX_EMPTY_STRIDE = 8;

/**
 * The adjoint of a convolution with `window` over an image of size `spatial`, as ConvTranspose computes it; null if this form does
 * not apply: it requires two spatial axes, equal strides, dilation 1 and one group.
 *
 * @param y [N, M, …]
 * @param bias is added to each of the C channels.
 */
export const subpixelBack = (
  op: Builder,
  y: Value,
  w: Tensor<"float32">,
  spatial: readonly number[],
  { strides, dilations, kernel, pads }: Window,
  bias?: Tensor,
): Value | null => {
  const stride = strides[0]!;
  // There are stride² phases; those without an element of the kernel would only waste memory.
  if (stride > Math.max(...kernel, MAX_EMPTY_STRIDE)) return null;
  if (spatial.length !== 2 || stride < 2 || strides[1] !== stride || dilations.some((d) => d !== 1)) return null;
  const positions = spatial.map((size, i) => Math.floor((size - 1 + pads[i]!) / stride) + 1);
  const taps = kernel.map((k) => Math.ceil(k / stride));
  const end = positions.map((q, i) => q - y.shape[i + 2]!);
  if (end.some((e) => e < 0)) return null;
  const weights = op.tensor(phaseWeights(w, stride), "phases");
  const repeated =
    bias &&
    tensor(
      "float32",
      [weights.shape[0]!],
      Float32Array.from({ length: weights.shape[0]! }, (_, i) => Number(bias.data[i % bias.data.length])),
    );
  const phases = op.Conv(y, weights, repeated ? op.tensor(repeated, "phases_bias") : null, {
    pads: [taps[0]! - 1, taps[1]! - 1, end[0]!, end[1]!],
  });
  const whole = op.DepthToSpace(phases, { blocksize: stride, mode: "DCR" });
  const exact = spatial.every((size, i) => pads[i] === 0 && whole.shape[i + 2] === size);
  if (exact) return whole;
  return op.Slice(
    whole,
    op.ints([pads[0]!, pads[1]!]),
    op.ints(spatial.map((size, i) => size + pads[i]!)),
    op.ints([2, 3]),
  );
};
