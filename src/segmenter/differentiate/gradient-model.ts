/** A network with its gradient as one standard ONNX model. */

import { gradient } from "../../autodiff/gradient.ts";
import { lowerForGradient } from "../../lowering/wasm/rewrites.ts";
import { crossEntropyWithGradient } from "../../objectives/cross-entropy.ts";
import { createBuilder, type Builder } from "../../onnx/build.ts";
import type { Model } from "../../onnx/graph.ts";
import { load } from "../../onnx/load.ts";
import type { Value } from "../../onnx/value.ts";
import { fitToBudget } from "../../lowering/wasm/fit-to-budget.ts";
import type { Footprint } from "../../runtime/memory/memory.ts";
import { GradientError } from "./gradient-error.ts";
import { declareInputs } from "./loaded.ts";

/** The function that is differentiated. */
export const losses = ["cross-entropy", "sum", "seed"] as const;
export type Loss = (typeof losses)[number];

export interface Wish {
  readonly loss: Loss;
  /** The output that is differentiated, and its type at these sizes. */
  readonly output: Pick<Value, "name" | "dtype" | "shape">;
  /** The inputs by which it is differentiated. */
  readonly inputs: readonly string[];
  /** Put before the names that are added. */
  readonly prefix: string;
  /** A class that cross-entropy ignores, beside all labels that are no class. */
  readonly ignoredLabel?: number | undefined;
}

/** The names of the added inputs and outputs. */
export const addedNames = ({ loss, output, inputs, prefix }: Wish) => ({
  inputs: loss === "cross-entropy" ? [`${prefix}labels`] : loss === "seed" ? [`${prefix}${output.name}_seed`] : [],
  outputs: [...(loss === "cross-entropy" ? [`${prefix}loss`] : []), ...inputs.map((name) => `${prefix}${name}_grad`)],
});

/** @throws GradientError where a name that is added is one of the network's. */
const checkNames = ({ graph }: Model, wish: Wish): void => {
  const taken = new Set([...graph.inputs, ...graph.outputs].map((v) => v.name));
  const added = addedNames(wish);
  const clash = [...added.inputs, ...added.outputs].find((name) => taken.has(name));
  if (clash !== undefined)
    throw new GradientError(
      `the network has a value "${clash}" already: give \`prefix\` P, which is put before the added names`,
    );
};

/** Defined only for logits [N,C,H,W]. */
const extraInput = (op: Builder, wish: Wish): Value | null => {
  const [name] = addedNames(wish).inputs;
  const { dtype, shape } = wish.output;
  if (name === undefined) return null;
  if (wish.loss === "seed") return op.input(name, dtype, shape);
  if (shape.length !== 4 || shape[1]! < 2) {
    const form = `"${wish.output.name}" is [${shape.join(", ")}]`;
    throw new GradientError(
      `cross-entropy is of logits [N, classes, H, W], ${form}: choose \`loss\` sum or \`loss\` seed`,
    );
  }
  return op.input(name, "int32", [shape[0]!, shape[2]!, shape[3]!]);
};

/** The labels with -1, which is no class, in place of the ignored one. */
const withoutLabel = (op: Builder, labels: Value, ignored: number): Value => {
  if (!Number.isInteger(ignored) || Math.abs(ignored) >= 2 ** 31)
    throw new GradientError(`\`ignoredLabel\` ${ignored}: is not a whole number of 32 bits`);
  return op.Where(op.Equal(labels, op.constant(ignored, "int32")), op.constant(-1, "int32"), labels);
};

/** The mean over the pixels that are not void, and its derivative by the logits; both 0 where all are void. */
const meanCrossEntropy = (op: Builder, logits: Value, given: Value, ignored?: number): { loss: Value; seed: Value } => {
  const labels = ignored === undefined ? given : withoutLabel(op, given, ignored);
  const { loss, gradient } = crossEntropyWithGradient(op, logits, labels);
  const classes = op.constant(logits.shape[1]!, "int32");
  const known = op.And(op.Less(labels, classes), op.GreaterOrEqual(labels, op.constant(0, "int32")));
  const pixels = op.ReduceSum(op.cast(known, logits.dtype), op.ints([0, 1, 2]), { keepdims: 0 });
  const divisor = op.Max(pixels, op.constant(1, logits.dtype));
  return { loss: op.Div(loss, divisor), seed: op.Div(gradient, divisor) };
};

/**
 * Nodes in topological order, standard operators only, of opset 21 (20 with int8 activations).
 *
 * Beside the network's own inputs and outputs: `<input>_grad`, shaped as the input, for each of `wish.inputs`; with
 * `cross-entropy` an input `labels` int32 [N,H,W] (what is no class is void) and an output `loss`, the mean over the other pixels; with
 * `seed` an input `<output>_seed`, the cotangent of the output; with `sum` the cotangent is one.
 *
 * @param room bytes that a session of it may need: activations are recomputed in the backward pass as far as that takes it there, and
 *   not at all where nothing does.
 * @throws GradientError where the output does not fit the loss or a name is taken; UnsupportedOperatorError, OnnxError.
 */
export const gradientModel = (
  model: Model,
  shapes: Readonly<Record<string, readonly number[]>>,
  wish: Wish,
  room = Infinity,
): { readonly model: Model; readonly footprint: Footprint } => {
  checkNames(model, wish);
  const op = createBuilder(model.graph.name || "network");
  const inputs = declareInputs(op, model.graph, shapes);
  const extra = extraInput(op, wish);
  const outputs = load(op, model, inputs, lowerForGradient);
  const target = outputs[wish.output.name]!;
  const [lossName] = addedNames(wish).outputs;
  const { loss, seed } =
    wish.loss === "cross-entropy" && extra
      ? meanCrossEntropy(op, target, extra, wish.ignoredLabel)
      : { loss: null, seed: extra ?? undefined };
  const sources = wish.inputs.map((name) => inputs[name]!);
  const gradients = gradient(op, target, sources, seed);
  const named = wish.inputs.map((name, i) => [`${wish.prefix}${name}_grad`, gradients[i]!] as const);
  const written = op.model({ ...outputs, ...(loss ? { [lossName!]: loss } : {}), ...Object.fromEntries(named) });
  const names = named.map(([name]) => name);
  const { graph, footprint } = fitToBudget(written.graph, names, room);
  const metadata = new Map([...model.metadata, ["faultline", describe(wish)] as const]);
  return { model: { ...written, graph, metadata }, footprint };
};

/** Metadata of the file. */
const describe = ({ loss, output, inputs }: Wish): string =>
  `gradient of ${loss} of ${output.name} by ${inputs.join(", ")}`;
