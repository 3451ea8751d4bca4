/** From the user's image to the network's input, and from its logits back to the image's size. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { type Size, spatialSize, tensorOf } from "../tensor.ts";
import { channelCount, type Manifest } from "./manifest.ts";

const has = (x: Value, { height, width }: Size): boolean => x.shape[2] === height && x.shape[3] === width;

/** Bilinear, half-pixel centres (PyTorch's align_corners = false); nothing where the size is right already. */
export const resized = (op: Builder, x: Value, size: Size): Value =>
  has(x, size)
    ? x
    : op.Resize(x, null, null, op.ints([x.shape[0]!, x.shape[1]!, size.height, size.width]), {
        mode: "linear",
        coordinate_transformation_mode: "half_pixel",
      });

/** Luma of RGB (ITU-R BT.601), as most libraries make a colour picture grey. */
const LUMA = [0.299, 0.587, 0.114];

/** The planes of the picture as the network's channels. Behind transformations a grey picture has three planes. */
const ordered = (op: Builder, image: Value, channels: Manifest["input"]["channels"]): Value => {
  if (channels === "BGR") return op.Gather(image, op.ints([2, 1, 0]), { axis: 1 });
  if (channelCount(channels) !== 1 || image.shape[1] === 1) return image;
  const weights = op.tensor(tensorOf("float32", [1, 3, 1, 1], LUMA), "luma");
  return op.ReduceSum(op.Mul(image, weights), op.ints([1]), { keepdims: 1 });
};

/** The user's image [1,P,H,W], 0..255, to the network's channels [1,C,H,W]: size, channel order, (scale·x − mean)/std. */
export const preprocess = (op: Builder, image: Value, { input }: Pick<Manifest, "input">, size: Size): Value => {
  const x = ordered(op, resized(op, image, size), input.channels);
  const isRaw = input.scale === 1 && input.mean.every((m) => m === 0) && input.std.every((s) => s === 1);
  if (isRaw) return x;
  const perChannel = (values: readonly number[]) =>
    op.tensor(tensorOf("float32", [1, values.length, 1, 1], values), "per_channel");
  // (scale·x − mean)/std = (x − mean/scale)·(scale/std)
  const centred = op.Sub(x, perChannel(input.mean.map((m) => m / input.scale)));
  return op.Mul(centred, perChannel(input.std.map((s) => input.scale / s)));
};

/**
 * Zeros to the right and below: of a preprocessed image the mean colour, as in PSPNet's and DeepLab's evaluation, and in
 * mmsegmentation's and Detectron2's batches. A reflected border would count the pixels near it twice in the gradient.
 */
export const padded = (op: Builder, x: Value, size: Size): Value => {
  const { height, width } = spatialSize(x);
  const pads = [0, 0, 0, 0, 0, 0, size.height - height, size.width - width];
  return has(x, size) ? x : op.Pad(x, op.ints(pads), op.constant(0, x.dtype));
};

/** Without what was padded. */
export const cropped = (op: Builder, x: Value, size: Size): Value =>
  has(x, size) ? x : op.Slice(x, op.ints([0, 0]), op.ints([size.height, size.width]), op.ints([2, 3]));
