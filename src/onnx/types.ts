/** The types of all values of a graph with fixed sizes. */

import type { Tensor } from "../tensor.ts";
import { OnnxError, type Graph } from "./graph.ts";
import { inferTypes } from "./infer.ts";
import type { TensorType, Value } from "./value.ts";

/**
 * The types by name. The graph must be in opset-21 form.
 *
 * @param known types of some values, which are not inferred again.
 * @throws OnnxError if a size is not fixed.
 */
export const typesOf = (
  graph: Graph,
  known: ReadonlyMap<string, TensorType> = new Map<string, TensorType>(),
): Map<string, TensorType> => {
  const values = new Map<string, Value>();
  const constant = (name: string, t: Tensor): Value => ({ name, dtype: t.dtype, shape: t.shape, constant: t });
  for (const { name, dtype, shape } of graph.inputs) {
    const fixed = shape?.map((d) => {
      if (typeof d === "number") return d;
      throw new OnnxError("its size is not fixed", `input "${name}"`);
    });
    if (!fixed) throw new OnnxError("its rank is not known", `input "${name}"`);
    values.set(name, { name, dtype, shape: fixed });
  }
  for (const [name, t] of graph.initializers) values.set(name, constant(name, t));
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => values.get(name) ?? null);
    const types = node.outputs.every((name) => known.has(name))
      ? node.outputs.map((name) => known.get(name)!)
      : inferTypes(node, inputs);
    for (const [i, name] of node.outputs.entries())
      if (name !== "" && types[i]) values.set(name, { name, dtype: types[i].dtype, shape: types[i].shape });
  }
  return values;
};
