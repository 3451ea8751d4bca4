/**
 * Selects the graphs that are declared as opset 20. onnxruntime (1.30) converts int8 activations to uint8; in opset 21 it keeps the
 * old output_dtype on pairs of QuantizeLinear and DequantizeLinear that it moved past a Reshape or Transpose, and then refuses the
 * graph.
 */

import type { Step } from "./step.ts";

/** Whether a node is valid in opset 20, which differs in GroupNormalization and in the features of quantisation. */
const hasOldForm = ({ node: { op, attributes }, inputs, outputs }: Step): boolean => {
  if (op === "GroupNormalization") return false;
  if (op !== "QuantizeLinear" && op !== "DequantizeLinear") return true;
  const types: readonly string[] = [inputs[0]!, outputs[0]!].map((v) => v.dtype);
  return !attributes["block_size"] && !attributes["output_dtype"] && !types.some((t) => t.endsWith("int16"));
};

/** Whether a graph has int8 activations and uses no feature of opset 21. */
export const isOpset20 = (steps: readonly Step[]): boolean =>
  steps.some(({ node, outputs }) => node.op === "QuantizeLinear" && outputs[0]!.dtype === "int8") &&
  steps.every(hasOldForm);
