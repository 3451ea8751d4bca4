/**
 * Pooling whose windows tile the image, with the mask of the elements that are their windows' maxima: own = [x is the first maximum of its
 * window]. Of it both the unpooling, own ? y : 0, and its adjoint, the sum of own ? dy : 0 over each window, are two dispatches. All are operators that
 * have a kernel for channels last too, so that no change of layout stands between them and convolutions.
 */

import type { Builder } from "../../onnx/build.ts";
import type { Window } from "../../onnx/infer/window.ts";
import type { Value } from "../../onnx/value.ts";
import { sizeOf, tensorOf } from "../../tensor.ts";

/** Whether windows tile the input: they neither overlap nor leave gaps. */
export const tiles = ({ kernel, strides, dilations }: Window): boolean =>
  kernel.every((k, i) => k === strides[i] && dilations[i] === 1);

/** Whether windows of float32 tile, are all within the image [N,C,H,W] and cover it. */
export const coversAsTiles = (x: Value, window: Window, size: readonly number[]): boolean =>
  x.dtype === "float32" &&
  window.kernel.length === 2 &&
  tiles(window) &&
  window.pads.every((p) => p === 0) &&
  window.kernel.every((k, i) => x.shape[i + 2] === k * size[i]!);

/** Ones for each channel by itself, [C,1,…kernel]. */
const ones = (op: Builder, channels: number, { kernel }: Window): Value => {
  const values = Array.from({ length: channels * sizeOf(kernel) }, () => 1);
  return op.tensor(tensorOf("float32", [channels, 1, ...kernel], values), "ones");
};

/** [N,C,h,w], each element repeated over its window: [N,C,H,W]. A Resize would have no kernel for channels last. */
const repeated = (op: Builder, y: Value, window: Window): Value => {
  const channels = y.shape[1]!;
  const { kernel, strides } = window;
  return op.ConvTranspose(y, ones(op, channels, window), null, { kernel_shape: kernel, strides, group: channels });
};

/** The taps of each window, numbered from their count down to 1, so that the first has the largest number: [1,1,H,W]. */
const numbersOfTaps = (op: Builder, { kernel }: Window, spatial: readonly number[]): Value => {
  const [rows, columns] = kernel as [number, number];
  const along = (axis: number, at: (i: number) => number): Value => {
    const length = spatial[axis]!;
    const shape = [1, 1, 1, 1].with(axis + 2, length);
    return op.tensor(
      tensorOf(
        "float32",
        shape,
        Array.from({ length }, (_, i) => at(i)),
      ),
      "taps",
    );
  };
  return op.Add(
    along(0, (i) => (rows - (i % rows) - 1) * columns),
    along(1, (j) => columns - (j % columns)),
  );
};

/** The mask of the first maximum of each window of `x` [N,C,H,W], of which `y` [N,C,h,w] are the maxima: Boolean [N,C,H,W]. */
export const firstMaxima = (op: Builder, x: Value, y: Value, window: Window): Value => {
  const numbers = numbersOfTaps(op, window, x.shape.slice(2));
  const candidates = op.Where(op.Equal(x, repeated(op, y, window)), numbers, op.constant(0));
  const first = op.MaxPool(candidates, { kernel_shape: window.kernel, strides: window.strides });
  return op.Equal(numbers, repeated(op, first, window));
};

/** `y` [N,C,h,w] at the elements of the mask, zero elsewhere. */
export const atMaxima = (op: Builder, y: Value, own: Value, window: Window): Value =>
  op.Where(own, repeated(op, y, window), op.constant(0));

/** Of `dy` [N,C,H,W] the elements of the mask, [N,C,h,w]: the sum of each window, in which one is not zero, as a convolution with ones. */
export const sumOfMaxima = (op: Builder, dy: Value, own: Value, window: Window): Value => {
  const channels = dy.shape[1]!;
  const { kernel, strides } = window;
  const masked = op.Where(own, dy, op.constant(0));
  return op.Conv(masked, ones(op, channels, window), null, { kernel_shape: kernel, strides, group: channels });
};
