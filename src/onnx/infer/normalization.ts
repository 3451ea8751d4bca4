/** Shape inference of normalisations: the shape of the input; the shapes of the parameters are checked against it. */

import { OnnxError, describe, intOf, type Node } from "../graph.ts";
import { broadcastShapes, normaliseAxis, required, type Infer, type Value } from "../value.ts";

const same: Infer = (node, inputs) => {
  const { dtype, shape } = required(node, inputs, 0);
  return [{ dtype, shape }];
};

/** Checks that each parameter, from input 1 on, has one element per channel. */
const perChannel =
  (parameters: number): Infer =>
  (node, inputs) => {
    const x = required(node, inputs, 0);
    for (let i = 1; i <= parameters; i++) {
      const { shape } = required(node, inputs, i);
      if (shape.length !== 1 || shape[0] !== x.shape[1])
        throw new OnnxError(`parameters [${shape.join(", ")}] do not fit [${x.shape.join(", ")}]`, describe(node));
    }
    return same(node, inputs);
  };

const GroupNormalization: Infer = (node, inputs) => {
  const channels = required(node, inputs, 0).shape[1] ?? 0;
  const groups = intOf(node, "num_groups", 1);
  if (groups < 1 || channels % groups !== 0)
    throw new OnnxError(`${channels} channels do not divide into ${groups} groups`, describe(node));
  return perChannel(2)(node, inputs);
};

/** The axes from `axis` on, over which LayerNormalization computes its statistics. */
export const layerAxes = (node: Node, x: Value): number[] => {
  const first = normaliseAxis(node, intOf(node, "axis", -1), x.shape.length);
  return x.shape.flatMap((_, i) => (i < first ? [] : [i]));
};

/** Outputs: the normalised input, and Mean and InvStdDev in float32. Scale and bias broadcast to the input. */
const LayerNormalization: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  for (const v of [required(node, inputs, 1), inputs[2] ?? null]) {
    if (v && broadcastShapes(node, [x.shape, v.shape]).some((d, i) => d !== x.shape[i]))
      throw new OnnxError(`parameters [${v.shape.join(", ")}] do not fit [${x.shape.join(", ")}]`, describe(node));
  }
  const axes = layerAxes(node, x);
  const shape = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
  return [...same(node, inputs), { dtype: "float32", shape }, { dtype: "float32", shape }];
};

const LpNormalization: Infer = (node, inputs) => {
  normaliseAxis(node, intOf(node, "axis", -1), required(node, inputs, 0).shape.length);
  return same(node, inputs);
};

const LRN: Infer = (node, inputs) => {
  const size = intOf(node, "size", 0);
  const channels = required(node, inputs, 0).shape[1] ?? 0;
  if (size < 1) throw new OnnxError(`size ${size} is not positive`, describe(node));
  if (size > 2 * channels + 64)
    throw new OnnxError(`size ${size} is far larger than the ${channels} channels`, describe(node));
  return same(node, inputs);
};

export const normalizing: Readonly<Record<string, Infer>> = {
  BatchNormalization: perChannel(4),
  InstanceNormalization: perChannel(2),
  GroupNormalization,
  LayerNormalization,
  LpNormalization,
  LRN,
  MeanVarianceNormalization: same,
};
