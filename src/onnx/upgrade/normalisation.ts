/** Normalisations, softmax and dropout as they were before opset 21, and their training mode, which is refused. */

import { OnnxError, describe, intOf, type Attributes } from "../graph.ts";
import { normaliseAxis, required, type Value } from "../value.ts";
import { without, type Upgrade } from "./rule.ts";

/** Before opset 13 the input was flattened to two dimensions at `axis` (default 1), and the softmax was over the second. */
export const softmax: Upgrade = ({ node, inputs, op, opset }) => {
  const x = required(node, inputs, 0);
  const raw = intOf(node, "axis", opset < 13 ? 1 : -1);
  const axis = normaliseAxis(node, raw, x.shape.length);
  const attributes: Attributes = { axis: { type: "int", value: axis } };
  if (opset >= 13 || axis === x.shape.length - 1) return { op: node.op, inputs, attributes };
  const flat = op.Flatten(x, { axis });
  const y = node.op === "Softmax" ? op.Softmax(flat, { axis: 1 }) : op.LogSoftmax(flat, { axis: 1 });
  return op.Reshape(y, op.ints(x.shape));
};

/** The identity in evaluation mode; if the mask is used, the node stays, and its mask keeps everything. */
export const Dropout: Upgrade = ({ node, inputs }) => {
  const training = inputs[2];
  if (training && !training.constant)
    throw new OnnxError(
      `its training_mode "${training.name}" is not constant; export in evaluation mode`,
      describe(node),
    );
  if (training?.constant?.data[0])
    throw new OnnxError("is in training mode; export the network in evaluation mode", describe(node));
  const x = required(node, inputs, 0);
  return node.outputs[1] ? { op: "Dropout", inputs: [x], attributes: {} } : x;
};

export const BatchNormalization: Upgrade = ({ node, inputs }) => {
  if (intOf(node, "training_mode", 0) !== 0)
    throw new OnnxError("is in training mode; export in evaluation mode", describe(node));
  if (intOf(node, "spatial", 1) !== 1) throw new OnnxError("spatial = 0 is not supported", describe(node));
  return { op: node.op, inputs, attributes: without(node.attributes, "spatial", "momentum", "training_mode") };
};

/** Before opset 21 scale and bias were given per group; since then per channel. */
export const GroupNormalization: Upgrade = ({ node, inputs, op, opset }) => {
  if (opset >= 21) return { op: node.op, inputs, attributes: node.attributes };
  const channels = required(node, inputs, 0).shape[1] ?? 0;
  const perChannel = (v: Value): Value => {
    const groups = v.shape[0] ?? 1;
    if (channels % groups !== 0)
      throw new OnnxError(`${channels} channels do not divide into ${groups} groups`, describe(node));
    const column = op.Reshape(v, op.ints([groups, 1]));
    return op.Reshape(op.Expand(column, op.ints([groups, channels / groups])), op.ints([channels]));
  };
  const [x, scale, bias] = [0, 1, 2].map((i) => required(node, inputs, i));
  return { op: node.op, inputs: [x!, perChannel(scale!), perChannel(bias!)], attributes: node.attributes };
};
