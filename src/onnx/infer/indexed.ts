/** Shape inference of operators that gather or scatter elements by indices. */

import { OnnxError, describe, intOf } from "../graph.ts";
import { constantInts, normaliseAxis, required, type Infer } from "../value.ts";

/** The type of the first input. */
export const likeFirst: Infer = (node, inputs) => {
  const { dtype, shape } = required(node, inputs, 0);
  return [{ dtype, shape }];
};

const Gather: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  const axis = normaliseAxis(node, intOf(node, "axis", 0), x.shape.length);
  return [
    {
      dtype: x.dtype,
      shape: [...x.shape.slice(0, axis), ...required(node, inputs, 1).shape, ...x.shape.slice(axis + 1)],
    },
  ];
};

const GatherElements: Infer = (node, inputs) => [
  { dtype: required(node, inputs, 0).dtype, shape: required(node, inputs, 1).shape },
];

const GatherND: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  const indices = required(node, inputs, 1).shape;
  const batch = intOf(node, "batch_dims", 0);
  const depth = batch + (indices.at(-1) ?? Infinity);
  if (depth > x.shape.length)
    throw new OnnxError(`indices [${indices.join(", ")}] do not fit [${x.shape.join(", ")}]`, describe(node));
  return [{ dtype: x.dtype, shape: [...indices.slice(0, -1), ...x.shape.slice(depth)] }];
};

const OneHot: Infer = (node, inputs) => {
  const shape = [...required(node, inputs, 0).shape];
  const depth = constantInts(node, required(node, inputs, 1))[0]!;
  shape.splice(normaliseAxis(node, intOf(node, "axis", -1), shape.length + 1), 0, depth);
  return [{ dtype: required(node, inputs, 2).dtype, shape }];
};

export const indexed: Readonly<Record<string, Infer>> = {
  Gather,
  GatherElements,
  GatherND,
  ScatterElements: likeFirst,
  ScatterND: likeFirst,
  OneHot,
};
