/** Small graphs for predictions of memory, written by hand. */

import type { DType } from "../../src/tensor.ts";
import type { SizedGraph, SizedNode, SizedType } from "../../src/runtime/memory/sized-graph.ts";

/** `"Conv a w > b"`: operator, inputs, outputs. */
export const nodeOf = (text: string): SizedNode => {
  const [left, right] = text.split(" > ") as [string, string];
  const [op, ...inputs] = left.split(" ") as [string, ...string[]];
  return { op, inputs, outputs: right.split(" ") };
};

export const textOf = ({ op, inputs, outputs }: SizedNode): string => [op, ...inputs, ">", ...outputs].join(" ");

/** A vector of that many bytes, or a type. */
type Size = number | readonly [dtype: DType, ...shape: number[]];

const typeOf = (size: Size): SizedType => {
  if (typeof size === "number") return { dtype: "uint8", shape: [size] };
  const [dtype, ...shape] = size;
  return { dtype, shape };
};

/** Inputs, outputs and weights by name. */
export const graphOf = (
  nodes: readonly string[],
  sizes: Readonly<Record<string, Size>>,
  { inputs = ["x"], outputs, weights = [] }: { inputs?: string[]; outputs: string[]; weights?: string[] },
): SizedGraph => ({
  inputs: inputs.map((name) => ({ name })),
  outputs: outputs.map((name) => ({ name })),
  initializers: new Map(weights.map((name) => [name, typeOf(sizes[name]!)])),
  nodes: nodes.map(nodeOf),
  types: new Map(Object.entries(sizes).map(([name, size]) => [name, typeOf(size)])),
});
