/** A network in, the same network with the gradient of a loss out: one standard ONNX file. */

import type { Graph, Model, ValueInfo } from "../../onnx/graph.ts";
import { readModel } from "../../onnx/read.ts";
import { writeModel } from "../../onnx/write.ts";
import { predictMemory, roomWithin } from "../../runtime/memory/memory.ts";
import type { Size } from "../../tensor.ts";
import { chooseInputs, chooseOutput } from "./choice.ts";
import { GradientError } from "./gradient-error.ts";
import { gradientModel, losses, type Loss, type Wish } from "./gradient-model.ts";
import { inputShapes, type GivenSizes } from "./input-shapes.ts";
import { loadAt, type Loaded } from "./loaded.ts";
import { requireGradient } from "./require-gradient.ts";

/** What `lossGradient` differentiates, at which sizes, and how much memory a run of the result may take. */
export interface LossGradientOptions {
  /** Height and width of the images in pixels, where the network leaves them open. */
  readonly size?: Size | undefined;
  /** Symbolic dimensions of the inputs, by their names in the file. A batch that is left open is 1. */
  readonly dimensions?: Readonly<Record<string, number>> | undefined;
  /** Whole shapes of inputs, by the inputs' names. */
  readonly shapes?: Readonly<Record<string, readonly number[]>> | undefined;
  /**
   * What is differentiated. "cross-entropy", the default: the mean cross-entropy of the output as logits [N, classes, H, W] over
   * the pixels that are not void; "sum": the sum of the output's elements; "seed": ⟨output, seed⟩, where the seed is an input.
   */
  readonly loss?: Loss | undefined;
  /** The name of the output that is differentiated; by default the only one of floating-point type. */
  readonly output?: string | undefined;
  /** The names of the inputs by which; by default all of floating-point type. */
  readonly inputs?: readonly string[] | undefined;
  /** A class that cross-entropy ignores, beside all labels that are no class (such as 255). */
  readonly ignoredLabel?: number | undefined;
  /** Put before the names that are added to the network's own. */
  readonly prefix?: string | undefined;
  /** WASM memory in bytes that a run may take: what does not fit is recomputed in the backward pass. Default: no limit. */
  readonly budgetBytes?: number | undefined;
}

/** A network with its gradient: the file, and what is to be known to run it. */
export interface LossGradient {
  /** The ONNX file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The version of the standard operator set that it uses: 21, or 20 with int8 activations. */
  readonly opset: number;
  /** How many nodes its graph has. */
  readonly nodes: number;
  /** The network's own inputs, then `labels` or `OUTPUT_seed`, with their fixed shapes. */
  readonly inputs: readonly ValueInfo[];
  /** The network's own outputs, then `loss` (cross-entropy) and `INPUT_grad` for each of the inputs differentiated by. */
  readonly outputs: readonly ValueInfo[];
  /** WASM memory that a run is predicted to take at its peak, the session included. */
  readonly predictedBytes: number;
  /** What may not be what the caller expects: a gradient that is zero, probabilities taken for logits. */
  readonly warnings: readonly string[];
}

const LARGEST_SIDE = 2 ** 24;

/** @throws GradientError for a number that cannot be a size. */
const requireSizes = (option: string, sizes: Iterable<number>): void => {
  for (const size of sizes)
    if (!Number.isInteger(size) || size < 1 || size > LARGEST_SIDE)
      throw new GradientError(`\`${option}\`: ${size} is not a whole number from 1 to ${LARGEST_SIDE}`);
};

const givenSizes = ({ size, dimensions = {}, shapes = {} }: LossGradientOptions): GivenSizes => {
  requireSizes("size", size ? [size.height, size.width] : []);
  requireSizes("dimensions", Object.values(dimensions));
  requireSizes("shapes", Object.values(shapes).flat());
  return { size: size ?? null, dims: new Map(Object.entries(dimensions)), shapes: new Map(Object.entries(shapes)) };
};

/** Cross-entropy applies the softmax itself. */
const warningsOf = ({ op, outputs }: Loaded, { loss, output }: Wish): string[] =>
  loss === "cross-entropy" && op.producer(outputs[output.name]!)?.node.op === "Softmax"
    ? [`"${output.name}" is made by Softmax; cross-entropy is of logits, not of probabilities`]
    : [];

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

const requireWithin = (predictedBytes: number, budgetBytes: number): void => {
  if (predictedBytes <= budgetBytes) return;
  throw new GradientError(
    `no way is found to run the gradient in ${mebibytes(budgetBytes)} MiB; keeping all it needs it is predicted to take ` +
      `${mebibytes(predictedBytes)} MiB: give a larger \`budgetBytes\` or a smaller \`size\``,
  );
};

/** The output and the inputs that the options name, in a network that is loaded at its sizes. */
const wishOf = ({ graph }: Model, loaded: Loaded, options: LossGradientOptions): Wish => {
  const inputs = chooseInputs(graph, options.inputs);
  const name = chooseOutput(loaded, options.output);
  const { dtype, shape } = loaded.outputs[name]!;
  const { loss = "cross-entropy", prefix = "", ignoredLabel } = options;
  return { loss, output: { name, dtype, shape }, inputs, prefix, ignoredLabel };
};

/** For callers without types. @throws GradientError for a loss that is none. */
const requireLoss = ({ loss }: LossGradientOptions): void => {
  if (loss !== undefined && !losses.includes(loss))
    throw new GradientError(`\`loss\`: must be one of ${losses.join(", ")}, not "${loss}"`);
};

const interfaceOf = ({ inputs, outputs, nodes }: Graph) => ({ nodes: nodes.length, inputs, outputs });

/**
 * The gradient of a loss of any ONNX network, as an ONNX network: standard operators of opset 21 in topological order, which
 * any onnxruntime executes. Beside the network's own inputs and outputs it has
 *
 * - with "cross-entropy" an input `labels`, int32 [N, H, W], and an output `loss`, a scalar: the mean over the pixels whose
 *   label is a class; both `loss` and the gradient are 0 where none is;
 * - with "seed" an input `OUTPUT_seed`, of the output's type and shape: its cotangent;
 * - for each input differentiated by an output `INPUT_grad`, ∂ loss/∂ input, of the input's type and shape.
 *
 * @param network the bytes of an ONNX file of opset 7 to 26, or what `readModel` made of them.
 * @example const { bytes } = lossGradient(await readFile("net.onnx"), { size: { height: 240, width: 320 } });
 * @throws GradientError where the network leaves a size open, a name is none of its, an operator has no gradient rule, or
 * nothing fits the budget; OnnxError, naming the place, for a file that is damaged or not supported.
 */
export const lossGradient = (network: Uint8Array | Model, options: LossGradientOptions = {}): LossGradient => {
  requireLoss(options);
  const model = network instanceof Uint8Array ? readModel(network) : network;
  const { budgetBytes = Infinity } = options;
  const shapes = inputShapes(model.graph, givenSizes(options));
  const loaded = loadAt(model, shapes);
  const wish = wishOf(model, loaded, options);
  const cut = requireGradient(loaded, wish.output.name, wish.inputs);
  const room = budgetBytes === Infinity ? budgetBytes : roomWithin(budgetBytes);
  const { model: written, footprint } = gradientModel(model, shapes, wish, room);
  const predictedBytes = predictMemory([footprint]);
  requireWithin(predictedBytes, budgetBytes);
  return {
    bytes: writeModel(written),
    opset: written.opset,
    ...interfaceOf(written.graph),
    predictedBytes,
    warnings: [...cut, ...warningsOf(loaded, wish)],
  };
};
