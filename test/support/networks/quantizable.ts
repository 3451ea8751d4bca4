/** A float network for tests of quantisation. */

import { createBuilder } from "../../../src/onnx/build.ts";
import type { Model } from "../../../src/onnx/graph.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { noise } from "../../onnx/support.ts";
import type { Size } from "../../../src/tensor.ts";

/**
 * One convolution that is faster on integers, one that gets int8 weights, and one that stays in float: `input` to
 * `output`.
 */
export const convNetwork = ({ height, width }: Size): Model => {
  const op = createBuilder("float");
  const x = op.input("input", "float32", [1, 3, height, width]);
  const weights = (shape: readonly number[], seed: number): Value => {
    const t = noise(shape, seed);
    return op.tensor({ ...t, data: t.data.map((v) => v / Math.sqrt(shape[1]! * shape[2]! * shape[3]!)) }, "weights");
  };
  const wide = op.Relu(op.Conv(x, weights([16, 3, 3, 3], 1), { pads: [1, 1, 1, 1] }));
  const body = op.Relu(op.Conv(wide, weights([16, 16, 3, 3], 2), { pads: [1, 1, 1, 1] }));
  return op.model({ output: op.Conv(body, weights([64, 16, 1, 1], 3)) });
};
