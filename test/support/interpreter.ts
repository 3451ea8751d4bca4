/**
 * The definition of the ONNX operators (opset 21), in float64: the oracle of shape inference, of the gradient rules and
 * of the runtimes. Written from the operator specification by loops over the output, without the code that it checks.
 */

import { describe, tensorAttributeOf, type Graph, type Node } from "../../src/onnx/graph.ts";
import type { Tensor } from "../../src/tensor.ts";
import { convolution } from "./interpreter/conv.ts";
import { summation } from "./interpreter/einsum.ts";
import { elementwise } from "./interpreter/elementwise.ts";
import { gathering } from "./interpreter/gather.ts";
import { sampling } from "./interpreter/grid-sample.ts";
import { moving } from "./interpreter/moving.ts";
import { define, fromTensor, toTensor, type Kernel, type Nd } from "./interpreter/nd.ts";
import { normalization } from "./interpreter/normalization.ts";
import { pooling } from "./interpreter/pool.ts";
import { quantization } from "./interpreter/quantize.ts";
import { reducing } from "./interpreter/reduce.ts";
import { resizing } from "./interpreter/resize.ts";

const Constant: Kernel = (node) => [fromTensor(tensorAttributeOf(node, "value", undefined)!)];

const ConstantOfShape: Kernel = (node, shape) => {
  const value = tensorAttributeOf(node, "value", undefined);
  const filled = value ? fromTensor(value) : undefined;
  return [define(filled?.dtype ?? "float32", Array.from(shape.data), () => filled?.data[0] ?? 0)];
};

const kernels: Readonly<Record<string, Kernel>> = {
  ...elementwise,
  ...normalization,
  ...convolution,
  ...pooling,
  ...resizing,
  ...moving,
  ...gathering,
  ...reducing,
  ...quantization,
  ...summation,
  ...sampling,
  Constant,
  ConstantOfShape,
};

const kernelOf = (node: Node): Kernel => {
  const kernel = node.domain === "" ? kernels[node.op] : undefined;
  if (!kernel) throw new RangeError(`interpreter: ${describe(node)} is not defined`);
  return kernel;
};

/**
 * Runs a graph. Float32 inputs are taken at the precision they are given in (float64 data keeps all of it).
 *
 * @returns the graph's outputs by name; floats as float64, integers in their type.
 * @throws RangeError for an operator that is not defined here, and for an input that is not fed.
 */
export const interpret = (graph: Graph, feeds: Readonly<Record<string, Tensor>>): Record<string, Tensor> => {
  const values = new Map<string, Nd>();
  for (const [name, t] of graph.initializers) values.set(name, fromTensor(t));
  for (const { name, dtype } of graph.inputs) {
    const fed = feeds[name];
    if (!fed) throw new RangeError(`interpreter: input "${name}" is not fed`);
    values.set(name, { ...fromTensor(fed), dtype });
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => (name === "" ? undefined : values.get(name)));
    const outputs = kernelOf(node)(node, ...(inputs as Nd[]));
    for (const [i, name] of node.outputs.entries()) if (name !== "") values.set(name, outputs[i]!);
  }
  return Object.fromEntries(graph.outputs.map(({ name }) => [name, toTensor(values.get(name)!)]));
};
