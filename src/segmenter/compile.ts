/**
 * The graphs of a segmenter for one image size: image → preprocessing → network → logits at the image's size → labels, or
 * → objective → gradient. Sizes are fixed here, so that memory is known before anything runs.
 */

import { gradient } from "../autodiff/gradient.ts";
import { UnsupportedOperatorError } from "../autodiff/rule.ts";
import { lowerForGradient, lowerForward, orderForMemory } from "../autodiff/lower.ts";
import { createBuilder, type Builder } from "../onnx/build.ts";
import { OnnxError, type Model } from "../onnx/graph.ts";
import { load, type Lower } from "../onnx/load.ts";
import { typesOf } from "../onnx/types.ts";
import type { Value } from "../onnx/value.ts";
import { crossEntropyWithGradient, exponentials } from "../objectives/cross-entropy.ts";
import { leastLikely } from "../objectives/least-likely.ts";
import { footprint, type Footprint } from "../runtime/memory.ts";
import { tensorOf } from "../tensor.ts";
import type { Manifest } from "./manifest.ts";
import type { Network } from "./network.ts";
import { pixelsOf, type Pixels } from "./pixels.ts";

export interface Size {
  readonly height: number;
  readonly width: number;
}

/** A graph ready for a session, and the memory it will take. */
export interface Compiled {
  readonly model: Model;
  readonly footprint: Footprint;
}

/** What the loss is taken against: labels given at each run, or each pixel's least-likely class of that run. */
export type LossLabels = "given" | "least-likely";

/** The size at which the network sees an image of `size`: fixed, or the image's own to the nearest multiple. */
export const networkSize = ({ input }: Manifest, size: Size): Size => {
  const multiple = input.multipleOf ?? 1;
  const nearest = (value: number) => Math.max(multiple, Math.round(value / multiple) * multiple);
  return {
    height: input.height === "dynamic" ? nearest(size.height) : input.height,
    width: input.width === "dynamic" ? nearest(size.width) : input.width,
  };
};

/** Bilinear, half-pixel centres (PyTorch's align_corners = false); nothing where the size is right already. */
const resized = (op: Builder, x: Value, { height, width }: Size): Value =>
  x.shape[2] === height && x.shape[3] === width
    ? x
    : op.Resize(x, null, null, op.ints([x.shape[0]!, x.shape[1]!, height, width]), {
        mode: "linear",
        coordinate_transformation_mode: "half_pixel",
      });

/** The user's image [1,3,H,W], RGB 0..255, to the network's input: size, channel order, (scale·x − mean)/std. */
const preprocess = (op: Builder, image: Value, { input }: Manifest, size: Size): Value => {
  const scaled = resized(op, image, size);
  const ordered = input.channels === "RGB" ? scaled : op.Gather(scaled, op.ints([2, 1, 0]), { axis: 1 });
  const perChannel = (values: readonly number[]) => op.tensor(tensorOf("float32", [1, 3, 1, 1], values), "per_channel");
  // (scale·x − mean)/std = (x − mean/scale)·(scale/std)
  const centred = op.Sub(ordered, perChannel(input.mean.map((m) => m / input.scale)));
  return op.Mul(centred, perChannel(input.std.map((s) => input.scale / s)));
};

/** The logits at the image's own size. */
const logitsOf = (op: Builder, { manifest, model }: Network, image: Value, size: Size, lower: Lower): Value => {
  const x = preprocess(op, image, manifest, networkSize(manifest, size));
  const output = load(op, model, { [manifest.input.name]: x }, lower)[manifest.output.name];
  if (!output) throw new RangeError(`the network has no output "${manifest.output.name}"`);
  const logits = manifest.output.kind === "probabilities" ? op.Log(op.Max(output, op.constant(1e-30))) : output;
  return resized(op, logits, size);
};

/** uint8 [1,H,W] */
const labelsOf = (op: Builder, { logits, unpack }: Pixels): Value =>
  unpack(op.cast(op.ArgMax(logits, { axis: 1, keepdims: 0 }), "uint8"));

const imageInput = (op: Builder, { height, width }: Size): Value => op.input("image", "float32", [1, 3, height, width]);

/** The outputs are computed in the order given. */
const compiled = (op: Builder, outputs: Readonly<Record<string, Value>>): Compiled => {
  const model = op.model(outputs);
  const graph = orderForMemory(model.graph, typesOf(model.graph));
  return { model: { ...model, graph }, footprint: footprint({ ...graph, types: typesOf(graph) }) };
};

/** `image` float32 [1,3,H,W] ↦ `labels` uint8 [1,H,W], `confidence` float32 [1,H,W]: the largest class probability. */
export const compileForward = (network: Network, size: Size): Compiled => {
  const op = createBuilder("forward");
  const logits = logitsOf(op, network, imageInput(op, size), size, lowerForward);
  const pixels = pixelsOf(op, logits, network.manifest.void);
  // max softmax = 1 ÷ Σ e^(z − max z)
  const confidence = op.Squeeze(op.Reciprocal(exponentials(op, pixels.logits).sum), op.ints([1]));
  return compiled(op, { labels: labelsOf(op, pixels), confidence: pixels.unpack(confidence) });
};

/**
 * `image` float32 [1,3,H,W] (and `target` int32 [1,H,W], 255 = void, where labels are given) ↦ `gradient` of the loss
 * [1,3,H,W], `loss`: cross-entropy summed over the pixels that are not void, `labels` uint8 [1,H,W]: the prediction.
 *
 * @throws UnsupportedOperatorError where the network has an operator without a gradient rule.
 */
export const compileGradient = (network: Network, size: Size, lossLabels: LossLabels): Compiled => {
  const op = createBuilder("gradient");
  const image = imageInput(op, size);
  const target = lossLabels === "given" ? op.input("target", "int32", [1, size.height, size.width]) : null;
  const { manifest } = network;
  const pixels = pixelsOf(op, logitsOf(op, network, image, size, lowerForGradient), manifest.void);
  const labels = labelsOf(op, pixels);
  // Through the image's own order, which voids what is cropped away.
  const against = pixels.pack(target ?? pixels.unpack(leastLikely(op, pixels.logits, manifest.classes.length)));
  const { loss, gradient: seed } = crossEntropyWithGradient(op, pixels.logits, against);
  const [dx] = gradient(op, pixels.logits, [image], seed);
  return compiled(op, { labels, loss, gradient: dx! });
};

/**
 * What keeps the network's gradient from being built, found by building it at a small size: operators by name, or none. A
 * network that refuses that very size is not judged by it.
 */
export const gradientFaults = (network: Network): string[] => {
  const side = 16 * (network.manifest.input.multipleOf ?? 8);
  try {
    compileGradient(network, networkSize(network.manifest, { height: side, width: side }), "least-likely");
    return [];
  } catch (cause) {
    if (cause instanceof UnsupportedOperatorError) return [cause.operator];
    if (cause instanceof OnnxError) return [];
    throw cause;
  }
};
