/** Nodes that lowering puts into a graph. */

import type { Node } from "../onnx/graph.ts";

/** A node of the standard domain with one output and no attributes, named as its output. */
export const nodeOf = (op: string, output: string, ...inputs: readonly string[]): Node => ({
  name: output,
  op,
  domain: "",
  inputs,
  outputs: [output],
  attributes: {},
});
