/**
 * The graphs of a segmenter for one image size: image → transformations → views of it by the network → logits at the image's size
 * → labels, or → objective → gradient. Sizes are fixed here, so that memory is known before anything runs.
 */

import { UnsupportedOperatorError } from "../autodiff/rule.ts";
import { lowerForNative } from "../lowering/native.ts";
import { offGpu } from "../lowering/webgpu/kernels.ts";
import { lowerForWebGpu } from "../lowering/webgpu/webgpu.ts";
import { createBuilder, type Builder } from "../onnx/build.ts";
import { OnnxError, type Model } from "../onnx/graph.ts";
import type { Value } from "../onnx/value.ts";
import { exponentials } from "../objectives/cross-entropy.ts";
import { leastLikelyObjective } from "../objectives/least-likely.ts";
import type { Objective } from "../objectives/objective.ts";
import { typesOf } from "../onnx/types.ts";
import { footprint, type Footprint } from "../runtime/memory/memory.ts";
import { fitToBudget } from "../lowering/wasm/fit-to-budget.ts";
import type { Backend } from "../runtime/session.ts";
import { apart, inOrder } from "./apart.ts";
import { inputsOf, lossesOf, packed } from "./batched.ts";
import { transformed, type Front } from "./front.ts";
import { channelCount } from "./manifest.ts";
import type { Network } from "./network.ts";
import { pixelsOf, type Pixels } from "./pixels.ts";
import { refined, expectedRefinement, type Crf } from "./refinement.ts";
import { logitsOf } from "./scales.ts";
import { networkSize } from "./size.ts";
import type { Size } from "../tensor.ts";

/** A graph ready for a session, and the memory it will take. */
export interface Compiled {
  readonly model: Model;
  readonly footprint: Footprint;
}

/** uint8 [1,H,W] */
const labelsOf = (op: Builder, { logits, unpack }: Pixels): Value =>
  unpack(op.cast(op.ArgMax(logits, { axis: 1, keepdims: 0 }), "uint8"));

/** The images [N,P,H,W], a plane for each channel of the network. */
export const imageInput = (
  op: Builder,
  { manifest: { input } }: Network,
  { height, width }: Size,
  batch: number,
): Value => op.input("image", "float32", [batch, channelCount(input.channels), height, width]);

/** The outputs are computed in the order given, `gradients` last. */
export const compiled = (
  op: Builder,
  outputs: Readonly<Record<string, Value>>,
  gradients: Readonly<Record<string, Value>> = {},
  { target = "wasm", room = Infinity }: GradientOptions = {},
): Compiled => {
  const model = op.model({ ...outputs, ...gradients });
  if (target === "webgpu") {
    const lowered = lowerForWebGpu(model);
    return { model: lowered, footprint: footprint({ ...lowered.graph, types: typesOf(lowered.graph) }) };
  }
  const built = target === "native" ? lowerForNative(model.graph) : model.graph;
  const { graph, footprint: needed } = fitToBudget(built, Object.keys(gradients), room);
  return { model: { ...model, graph }, footprint: needed };
};

/**
 * `image` float32 [N,3,H,W] ↦ `labels` uint8 [N,H,W], `confidence` float32 [N,H,W]: the largest class probability.
 *
 * @param batch N: the number of images. @throws OnnxError where there are several and the network may mix them.
 */
export const compileForward = (network: Network, size: Size, target: Backend = "wasm", batch = 1): Compiled => {
  const op = createBuilder("forward");
  const seen = transformed(op, network.front, imageInput(op, network, size, batch));
  const logits = refined(op, seen.undo(logitsOf(op, network, seen.image, "forward")), network.refinement, target);
  const pixels = pixelsOf(op, logits, network.manifest.void);
  // max softmax = 1 ÷ Σ e^(z − max z)
  const confidence = op.Squeeze(op.Reciprocal(exponentials(op, pixels.logits).sum), op.ints([1]));
  return compiled(op, { labels: labelsOf(op, pixels), confidence: pixels.unpack(confidence) }, {}, { target });
};

/** The network's logits with the prediction and the objective on them. */
const climbed = (
  op: Builder,
  network: Network,
  size: Size,
  objective: Objective,
  purpose: "forward" | "gradient",
  { target = "wasm", batch = 1 }: GradientOptions,
) => {
  // On a GPU an objective of each image would multiply the dispatches.
  const inOne = target === "webgpu";
  if (inOne && batch > 1 && objective.mixesPixels)
    throw new OnnxError("mixes the pixels of several images", `the objective "${objective.key}"`);
  const image = imageInput(op, network, size, batch);
  const inputs = inputsOf(op, objective, size, batch, inOne);
  const { manifest } = network;
  const seen = transformed(op, network.front, image);
  const logits = refined(op, seen.undo(logitsOf(op, network, seen.image, purpose)), network.refinement, target);
  const { images, whole, joined } = apart(op, logits, inOne);
  const pixels = images.map((own) => pixelsOf(op, own, manifest.void));
  const labels = inOrder(
    op,
    pixels.map((own) => labelsOf(op, own)),
  );
  const built = pixels.map((own, i) =>
    objective.build(op, own.logits, {
      inputs: packed(op, inputs[i]!, objective, own),
      classes: manifest.classes.length,
      // Through the image's own order, which voids what is cropped away.
      visible: (map) => own.pack(own.unpack(map)),
    }),
  );
  const maps = built.flatMap(({ perPixel }, i) => (perPixel ? [pixels[i]!.unpack(perPixel)] : []));
  const outputs = {
    labels,
    loss: lossesOf(op, built, batch, inOne),
    ...(maps.length > 0 ? { perPixel: inOrder(op, maps) } : {}),
  };
  const cotangent = () =>
    joined(
      pixels.map((own) => own.logits),
      built.map((own) => own.cotangent),
    );
  return { outputs, back: () => seen.back(whole, cotangent()) };
};

export interface GradientOptions {
  /**
   * Bytes that the session may need: activations are recomputed in the backward pass as far as that takes it there, and not
   * at all where nothing does. On WebGPU nothing is recomputed.
   */
  readonly room?: number | undefined;
  /** What the graph is written for; default WASM. */
  readonly target?: Backend | undefined;
  /** N, the number of images; default 1. */
  readonly batch?: number | undefined;
}

/**
 * `image` float32 [N,3,H,W] and the objective's inputs of each image ↦ `gradient` of the objective's value of each image with respect
 * to it [N,3,H,W], `loss` [N]: the value, a sum over the image's pixels that count (a scalar where N is 1), `labels` uint8 [N,H,W]: the
 * prediction, and `perPixel` float32 [N,H,W] where the objective gives it.
 *
 * @throws UnsupportedOperatorError where the network has an operator without a gradient rule, or gives labels alone; OnnxError where
 * there are several images and the network may mix them.
 */
export const compileGradient = (
  network: Network,
  size: Size,
  objective: Objective,
  options: GradientOptions = {},
): Compiled => {
  const op = createBuilder("gradient");
  const { outputs, back } = climbed(op, network, size, objective, "gradient", options);
  const { end } = network.source;
  if (end !== undefined) throw new UnsupportedOperatorError(end, network.source.name, network.model.opset);
  return compiled(op, outputs, { gradient: back() }, options);
};

/**
 * As `compileGradient`, without the gradient: `loss`, `labels`, and `perPixel` where the objective gives it. It needs no rule of
 * differentiation.
 */
export const compileValue = (
  network: Network,
  size: Size,
  objective: Objective,
  options: Omit<GradientOptions, "room"> = {},
): Compiled => {
  const op = createBuilder("value");
  const { outputs } = climbed(op, network, size, objective, "forward", options);
  return compiled(op, outputs, {}, options);
};

/** At which a network is looked at without an image. */
const trialSize = ({ manifest }: Network): Size => {
  const side = 16 * (manifest.input.multipleOf ?? 8);
  return networkSize(manifest, { height: side, width: side });
};

/**
 * Operators of the network, of its gradient where it has one, or of a CRF behind it and of transformations before it, that WebGPU
 * would leave to the CPU.
 */
export const gpuFaults = (network: Network, crf: Crf | null = null, front?: Front): readonly string[] => {
  const size = trialSize(network);
  const whole = { ...network, front, ...(crf && { refinement: expectedRefinement(crf, size) }) };
  const { graph } =
    gradientFaults(network).length > 0
      ? compileForward(whole, size, "webgpu").model
      : compileGradient(whole, size, leastLikelyObjective(), { target: "webgpu" }).model;
  return offGpu(graph);
};

/**
 * What keeps the network's gradient from being built, found by building it at a small size: operators by name, or none. A
 * network that refuses that very size is not judged by it.
 */
export const gradientFaults = (network: Network): string[] => {
  try {
    compileGradient(network, trialSize(network), leastLikelyObjective());
    return [];
  } catch (cause) {
    if (cause instanceof UnsupportedOperatorError) return [cause.operator];
    if (cause instanceof OnnxError) return [];
    throw cause;
  }
};
