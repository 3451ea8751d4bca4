/** Where the pixels of a network's output are made: per-pixel work, such as the loss, need not wait until they are in order. */

import type { Builder } from "../onnx/build.ts";
import type { Step } from "../onnx/step.ts";
import { intOf, stringOf } from "../onnx/graph.ts";
import type { Value } from "../onnx/value.ts";
import { dimensionsOf, numbersOf, spatialSize } from "../tensor.ts";

/** The logits before the last rearrangement of pixels, and how maps of one value a pixel go there and back. */
export interface Pixels {
  /** float32 [N,C,h,w]: every pixel of the image once, and those that are cropped away. */
  readonly logits: Value;
  /** A map [images,H,W] to [N,h,w]; `padding`, by default void, where a pixel is cropped away. */
  readonly pack: (map: Value, padding?: number) => Value;
  /** [N,h,w], of any type, to [images,H,W]. */
  readonly unpack: (map: Value) => Value;
}

const inOrder = (logits: Value): Pixels => ({ logits, pack: (map) => map, unpack: (map) => map });

/** Before a DepthToSpace the b×b phases are images of a batch: [n,b·b·C,h,w] is [n·b·b,C,h,w]. */
const beforeShuffle = (op: Builder, { node, inputs }: Step): Pixels | null => {
  const [x] = inputs;
  const b = intOf(node, "blocksize", 0);
  if (!x || stringOf(node, "mode", "DCR") !== "DCR") return null;
  const [n, depth, h, w] = dimensionsOf(x, 4);
  /** Of each image. */
  const moved = (map: Value, shape: readonly number[], perm: readonly number[]): Value =>
    n === 1
      ? op.Transpose(op.Reshape(map, op.ints(shape)), { perm })
      : op.Transpose(op.Reshape(map, op.ints([n, ...shape])), { perm: [0, ...perm.map((axis) => axis + 1)] });
  return {
    logits: op.Reshape(x, op.ints([n * b * b, depth / (b * b), h, w])),
    pack: (map) => op.Reshape(moved(map, [h, b, w, b], [1, 3, 0, 2]), op.ints([n * b * b, h, w])),
    unpack: (map) => op.Reshape(moved(map, [b, b, h, w], [2, 0, 3, 1]), op.ints([n, h * b, w * b])),
  };
};

/** Before a crop, the pixels around it are void. */
const beforeCrop = (op: Builder, { inputs, outputs }: Step, voidLabel: number): Pixels | null => {
  const [x, starts, ends, axes, steps] = inputs;
  const constants = [starts, ends, axes].map((v) => (v?.constant ? numbersOf(v.constant) : null));
  const [from, , along] = constants;
  if (!x || !from || !along || steps || along.join() !== "2,3" || from.some((v) => v < 0)) return null;
  const { height, width } = spatialSize(outputs[0]!);
  const [top = 0, left = 0] = from;
  const [bottom, right] = [x.shape[2]! - top - height, x.shape[3]! - left - width];
  const whole = pixelsOf(op, x, voidLabel);
  return {
    logits: whole.logits,
    pack: (map, padding = voidLabel) =>
      whole.pack(op.Pad(map, op.ints([0, top, left, 0, bottom, right]), op.constant(padding, map.dtype)), padding),
    unpack: (map) =>
      op.Slice(whole.unpack(map), op.ints([top, left]), op.ints([top + height, left + width]), op.ints([1, 2])),
  };
};

/**
 * The pixels of these logits [images,C,H,W], as far back as they are only rearranged: a softmax or an argmax over the classes of
 * each pixel commutes with that, and in the backward pass saves moving tensors of the logits' size.
 */
export const pixelsOf = (op: Builder, logits: Value, voidLabel: number): Pixels => {
  const step = op.producer(logits);
  const before =
    step?.node.op === "DepthToSpace"
      ? beforeShuffle(op, step)
      : step?.node.op === "Slice"
        ? beforeCrop(op, step, voidLabel)
        : null;
  return before ?? inOrder(logits);
};
