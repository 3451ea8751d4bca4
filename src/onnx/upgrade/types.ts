/** Attributes of element types that were introduced after opset 21. */

import { OnnxError, describe, intOf } from "../graph.ts";
import { dtypeOf } from "../tensor-proto.ts";
import { required } from "../value.ts";
import { without, type Upgrade } from "./rule.ts";

/** Opset 24 specifies how Cast rounds to 8-bit floats, which are not supported. */
export const Cast: Upgrade = ({ node, inputs }) => ({
  op: "Cast",
  inputs,
  attributes: without(node.attributes, "round_mode"),
});

/** Since opset 23 the result may have another type than the scale. */
export const DequantizeLinear: Upgrade = ({ node, inputs, op }) => {
  const code = intOf(node, "output_dtype", 0);
  const attributes = without(node.attributes, "output_dtype");
  const dtype = code === 0 ? undefined : dtypeOf(code, describe(node));
  if (dtype === undefined || dtype === required(node, inputs, 1).dtype) return { op: node.op, inputs, attributes };
  return op.cast(op.appendNode(node.op, inputs, attributes, node.outputs)[0]!, dtype);
};

/** Since opset 23 there is an attribute for the precision of the division; only the precision of the scale is supported. */
export const QuantizeLinear: Upgrade = ({ node, inputs }) => {
  const code = intOf(node, "precision", 0);
  if (code !== 0 && dtypeOf(code, describe(node)) !== required(node, inputs, 1).dtype)
    throw new OnnxError(`precision ${code} is not that of its scale`, describe(node));
  return { op: node.op, inputs, attributes: without(node.attributes, "precision") };
};
