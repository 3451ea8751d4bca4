/**
 * The graphs of a segmenter for one image size: image → views of it by the network → logits at the image's size → labels, or
 * → objective → gradient. Sizes are fixed here, so that memory is known before anything runs.
 */

import { gradient } from "../autodiff/gradient.ts";
import { UnsupportedOperatorError } from "../autodiff/rule.ts";
import { offGpu } from "../lowering/webgpu/kernels.ts";
import { lowerForWebGpu } from "../lowering/webgpu/webgpu.ts";
import { createBuilder, type Builder } from "../onnx/build.ts";
import { OnnxError, type Model } from "../onnx/graph.ts";
import type { Value } from "../onnx/value.ts";
import { crossEntropyWithGradient, exponentials } from "../objectives/cross-entropy.ts";
import { leastLikely } from "../objectives/least-likely.ts";
import { typesOf } from "../onnx/types.ts";
import { footprint, type Footprint } from "../runtime/memory/memory.ts";
import { within } from "../lowering/wasm/within.ts";
import type { Backend } from "../runtime/session.ts";
import type { Network } from "./network.ts";
import { pixelsOf, type Pixels } from "./pixels.ts";
import { refined, usualRefinement, type Crf } from "./refinement.ts";
import { logitsOf } from "./scales.ts";
import { networkSize } from "./size.ts";
import type { Size } from "../tensor.ts";

/** A graph ready for a session, and the memory it will take. */
export interface Compiled {
  readonly model: Model;
  readonly footprint: Footprint;
}

/** What the loss is taken against: labels given at each run, or each pixel's least-likely class of that run. */
export type LossLabels = "given" | "least-likely";

/** uint8 [1,H,W] */
const labelsOf = (op: Builder, { logits, unpack }: Pixels): Value =>
  unpack(op.cast(op.ArgMax(logits, { axis: 1, keepdims: 0 }), "uint8"));

const imageInput = (op: Builder, { height, width }: Size): Value => op.input("image", "float32", [1, 3, height, width]);

/** The outputs are computed in the order given, `gradients` last. */
const compiled = (
  op: Builder,
  outputs: Readonly<Record<string, Value>>,
  gradients: Readonly<Record<string, Value>> = {},
  { target = "wasm", room = Infinity }: { readonly target?: Backend; readonly room?: number } = {},
): Compiled => {
  const model = op.model({ ...outputs, ...gradients });
  if (target === "webgpu") {
    const lowered = lowerForWebGpu(model);
    return { model: lowered, footprint: footprint({ ...lowered.graph, types: typesOf(lowered.graph) }) };
  }
  const { graph, footprint: needed } = within(model.graph, Object.keys(gradients), room);
  return { model: { ...model, graph }, footprint: needed };
};

/** `image` float32 [1,3,H,W] ↦ `labels` uint8 [1,H,W], `confidence` float32 [1,H,W]: the largest class probability. */
export const compileForward = (network: Network, size: Size, target: Backend = "wasm"): Compiled => {
  const op = createBuilder("forward");
  const logits = refined(op, logitsOf(op, network, imageInput(op, size), "forward"), network.refinement, target);
  const pixels = pixelsOf(op, logits, network.manifest.void);
  // max softmax = 1 ÷ Σ e^(z − max z)
  const confidence = op.Squeeze(op.Reciprocal(exponentials(op, pixels.logits).sum), op.ints([1]));
  return compiled(op, { labels: labelsOf(op, pixels), confidence: pixels.unpack(confidence) }, {}, { target });
};

/**
 * `image` float32 [1,3,H,W] (and `target` int32 [1,H,W], 255 = void, where labels are given) ↦ `gradient` of the loss
 * [1,3,H,W], `loss`: cross-entropy summed over the pixels that are not void, `labels` uint8 [1,H,W]: the prediction.
 *
 * @param room bytes that the session may need: activations are recomputed in the backward pass as far as that takes it there,
 *   and not at all where nothing does. On WebGPU nothing is recomputed.
 * @throws UnsupportedOperatorError where the network has an operator without a gradient rule.
 */
export const compileGradient = (
  network: Network,
  size: Size,
  lossLabels: LossLabels,
  room = Infinity,
  target: Backend = "wasm",
): Compiled => {
  const op = createBuilder("gradient");
  const image = imageInput(op, size);
  const given = lossLabels === "given" ? op.input("target", "int32", [1, size.height, size.width]) : null;
  const { manifest } = network;
  const logits = refined(op, logitsOf(op, network, image, "gradient"), network.refinement, target);
  const pixels = pixelsOf(op, logits, manifest.void);
  const labels = labelsOf(op, pixels);
  // Through the image's own order, which voids what is cropped away.
  const against = pixels.pack(given ?? pixels.unpack(leastLikely(op, pixels.logits, manifest.classes.length)));
  const { loss, gradient: seed } = crossEntropyWithGradient(op, pixels.logits, against);
  const [dx] = gradient(op, pixels.logits, [image], seed);
  return compiled(op, { labels, loss }, { gradient: dx! }, { target, room });
};

/** At which a network is looked at without an image. */
const trialSize = ({ manifest }: Network): Size => {
  const side = 16 * (manifest.input.multipleOf ?? 8);
  return networkSize(manifest, { height: side, width: side });
};

/** Operators of the network, of its gradient where it has one, or of a CRF behind it, that WebGPU would leave to the CPU. */
export const gpuFaults = (network: Network, crf: Crf | null = null): readonly string[] => {
  const size = trialSize(network);
  const whole = crf ? { ...network, refinement: usualRefinement(crf, size) } : network;
  const { graph } =
    gradientFaults(network).length > 0
      ? compileForward(whole, size, "webgpu").model
      : compileGradient(whole, size, "least-likely", Infinity, "webgpu").model;
  return offGpu(graph);
};

/**
 * What keeps the network's gradient from being built, found by building it at a small size: operators by name, or none. A
 * network that refuses that very size is not judged by it.
 */
export const gradientFaults = (network: Network): string[] => {
  try {
    compileGradient(network, trialSize(network), "least-likely");
    return [];
  } catch (cause) {
    if (cause instanceof UnsupportedOperatorError) return [cause.operator];
    if (cause instanceof OnnxError) return [];
    throw cause;
  }
};
