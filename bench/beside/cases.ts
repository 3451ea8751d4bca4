/** The cases of the comparison: networks, and parts of them that more frameworks can run. */

import { gradient } from "../../src/autodiff/gradient.ts";
import { lowerForGradient, lowerForward, orderForMemory } from "../../src/lowering/wasm/rewrites.ts";
import { crossEntropyWithGradient } from "../../src/objectives/cross-entropy.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { attributesOf } from "../../src/onnx/attributes.ts";
import type { Model } from "../../src/onnx/graph.ts";
import { load, type Lower } from "../../src/onnx/load.ts";
import { prune } from "../../src/onnx/passes/prune.ts";
import { typesOf } from "../../src/onnx/types.ts";
import type { Network } from "../../src/segmenter/network.ts";
import { type Size, spatialSize, tensorOf } from "../../src/tensor.ts";

/** float32 `image` ↦ `logits` in standard ONNX, the model for every framework. */
export interface Case {
  readonly name: string;
  readonly model: Model;
  readonly image: readonly number[];
  readonly logits: readonly number[];
}

/** The graph of `network` from `from` (the normalised image, where not given) to `to`, by `lower` where that has a way. */
const part = (network: Network, { height, width }: Size, to: string, lower: Lower, from?: Block): Case => {
  const op = createBuilder("case");
  const { name, input } = network.manifest;
  const perChannel = (values: readonly number[]) => op.tensor(tensorOf("float32", [1, 3, 1, 1], values), "per_channel");
  const image = op.input("image", "float32", from?.shape ?? [1, 3, height, width]);
  const normalised = op.Mul(
    op.Sub(
      from ? op.zeros({ dtype: "float32", shape: [1, 3, height, width] }) : image,
      perChannel(input.mean.map((m) => m / input.scale)),
    ),
    perChannel(input.std.map((s) => input.scale / s)),
  );
  const { outputs } = network.model.graph;
  const wanted = prune({ ...network.model.graph, outputs: outputs.map((v) => ({ ...v, name: to })) });
  const enter: Lower = (b, node, outputs) => (from && outputs[0] === from.name ? [image] : lower(b, node, outputs));
  const values = load(op, { ...network.model, graph: wanted }, { [input.name]: normalised }, enter);
  const logits = values[to];
  if (!logits) throw new RangeError(`${name} has no value "${to}"`);
  return { name, model: op.model({ logits }), image: image.shape, logits: logits.shape };
};

interface Block {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The whole network. */
export const wholeNetwork = (network: Network, size: Size): Case =>
  part(network, size, network.manifest.output.name, () => null);

/** The encoder of E-Net, from the image to the end of stage 3; without the decoder nothing reads the pooling's indices. */
export const encoder = (network: Network, size: Size): Case => ({
  ...part(network, size, "/stage3/stage3.7/act/PRelu_output_0", (op, node, outputs) =>
    node.op === "MaxPool" ? op.appendNode(node.op, node.inputs, node.attributes, [outputs[0]!]) : null,
  ),
  name: `encoder of ${network.manifest.name}`,
});

/** Stage 2 of E-Net: eight bottlenecks at an eighth of the image's size, without dilation. */
export const stage2 = (network: Network, size: Size): Case => {
  const undilated: Lower = (op, { op: operator, inputs, attributes }, outputs) => {
    const kernel = inputs[1]?.shape.slice(2) ?? [];
    const dilated = operator === "Conv" && attributes["dilations"]?.type === "ints";
    if (!dilated || kernel.join() !== "3,3") return null;
    return op.appendNode(
      operator,
      inputs,
      { ...attributes, ...attributesOf(operator, { dilations: [1, 1], pads: [1, 1, 1, 1] }) },
      outputs,
    );
  };
  const shape = [1, 128, size.height / 8, size.width / 8];
  const from = { name: "/down2/act/PRelu_output_0", shape };
  return {
    ...part(network, size, "/stage2/stage2.7/act/PRelu_output_0", undilated, from),
    name: `stage 2 of ${network.manifest.name}, undilated`,
  };
};

/** `image` ↦ `logits` of a case, as Faultline runs it forward. */
export const forwardOf = ({ model, image }: Case): Model => {
  const op = createBuilder("forward");
  const x = op.input("image", "float32", image);
  return op.model({ logits: load(op, model, { image: x }, lowerForward)["logits"]! });
};

/** `image`, `target` int32 [1,H,W] ↦ `gradient` of the summed cross-entropy, `loss`, as Faultline runs it. */
export const gradientOf = ({ model, image, logits: shape }: Case): Model => {
  const { height, width } = spatialSize({ shape });
  const op = createBuilder("gradient");
  const x = op.input("image", "float32", image);
  const target = op.input("target", "int32", [1, height, width]);
  const logits = load(op, model, { image: x }, lowerForGradient)["logits"]!;
  const { loss, gradient: seed } = crossEntropyWithGradient(op, logits, target);
  const [dx] = gradient(op, logits, [x], seed);
  const whole = op.model({ loss, gradient: dx! });
  return { ...whole, graph: orderForMemory(whole.graph, typesOf(whole.graph)) };
};
