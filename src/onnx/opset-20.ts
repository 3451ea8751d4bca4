/**
 * Graphs that are declared as opset 20. onnxruntime (1.30) turns int8 activations into uint8; in opset 21 it leaves the old
 * output_dtype on pairs of QuantizeLinear and DequantizeLinear that it has moved past a reshape or a transpose, and then
 * refuses the graph.
 */

import type { Step } from "./step.ts";

/** Whether a node has the form of opset 20, which differs in GroupNormalization and in what quantisation can do. */
const hasOldForm = ({ node: { op, attributes }, inputs, outputs }: Step): boolean => {
  if (op === "GroupNormalization") return false;
  if (op !== "QuantizeLinear" && op !== "DequantizeLinear") return true;
  const types: readonly string[] = [inputs[0]!, outputs[0]!].map((v) => v.dtype);
  return !attributes["block_size"] && !attributes["output_dtype"] && !types.some((t) => t.endsWith("int16"));
};

/** Whether a graph has int8 activations, and nothing that came with opset 21. */
export const belongsTo20 = (steps: readonly Step[]): boolean =>
  steps.some(({ node, outputs }) => node.op === "QuantizeLinear" && outputs[0]!.dtype === "int8") &&
  steps.every(hasOldForm);
