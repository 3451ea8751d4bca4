/** Multiply-adds of a network at fixed sizes: those of its convolutions and matrix products. */

import { intOf, stringOf, type Node } from "../onnx/graph.ts";
import type { TensorType } from "../onnx/value.ts";
import { sizeOf } from "../tensor.ts";

/** A node with the types of what it reads and gives. */
export interface TypedNode {
  readonly node: Node;
  readonly inputs: readonly (TensorType | null)[];
  readonly outputs: readonly TensorType[];
}

const shapesOf = ({ inputs, outputs }: TypedNode) => ({
  x: inputs[0]?.shape ?? [],
  w: inputs[1]?.shape ?? [],
  y: outputs[0]?.shape ?? [],
});

/** Einsum: each element of the result is a sum over the letters that the result lacks; without "->" it has the letters that occur once. */
const einsum = (step: TypedNode): number => {
  const [terms = "", given] = stringOf(step.node, "equation", "").replaceAll(" ", "").split("->");
  const result =
    given ??
    Array.from(terms)
      .filter((c) => terms.split(c).length === 2)
      .join("");
  const sizes = new Map<string, number>();
  for (const [i, term] of terms.split(",").entries()) {
    const shape = step.inputs[i]?.shape ?? [];
    const [head = "", tail = ""] = term.split("...");
    for (const [k, letter] of Array.from(head).entries()) sizes.set(letter, shape[k] ?? 1);
    for (const [k, letter] of Array.from(tail).toReversed().entries())
      sizes.set(letter, shape[shape.length - 1 - k] ?? 1);
  }
  const summed = [...sizes].filter(([letter]) => !result.includes(letter)).map(([, size]) => size);
  return sizeOf(shapesOf(step).y) * sizeOf(summed);
};

const counters: Readonly<Record<string, (step: TypedNode) => number>> = {
  Conv: (step) => sizeOf(shapesOf(step).y) * sizeOf(shapesOf(step).w.slice(1)),
  ConvTranspose: (step) => sizeOf(shapesOf(step).x) * sizeOf(shapesOf(step).w.slice(1)),
  MatMul: (step) => sizeOf(shapesOf(step).y) * (shapesOf(step).x.at(-1) ?? 1),
  Gemm: (step) => sizeOf(shapesOf(step).y) * (shapesOf(step).x[intOf(step.node, "transA", 0) === 0 ? 1 : 0] ?? 1),
  Einsum: einsum,
};

export const macsOf = (steps: readonly TypedNode[]): number =>
  steps.reduce((sum, step) => sum + (step.node.domain === "" ? (counters[step.node.op]?.(step) ?? 0) : 0), 0);
