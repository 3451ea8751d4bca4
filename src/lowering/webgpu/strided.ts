/**
 * A convolution of a SpaceToDepth, the adjoint of a transposed convolution that was computed by its phases, as one convolution with a stride. The
 * sums have the same terms; SpaceToDepth itself has no kernel and takes three transpositions.
 */

import { intOf, intsOf, stringOf } from "../../onnx/graph.ts";
import { sizeOf, stridesOf, tensor, type Tensor } from "../../tensor.ts";
import type { GpuRule } from "./rule.ts";

/** W'[o,c,b·u+i,b·v+j] = W[o,(b·i+j)·C+c,u,v], for W [O,b²·C,U,V]. */
const unfolded = (w: Tensor<"float32">, b: number): Tensor<"float32"> => {
  const [outputs, inputs, rows, columns] = w.shape as [number, number, number, number];
  const channels = inputs / (b * b);
  const shape = [outputs, channels, b * rows, b * columns];
  const [perOutput, perChannel, perRow] = stridesOf(shape) as [number, number, number];
  const data = new Float32Array(sizeOf(shape));
  let at = 0;
  for (let o = 0; o < outputs; o++)
    for (let k = 0; k < inputs; k++) {
      const [place, c] = [Math.floor(k / channels), k % channels];
      const [i, j] = [Math.floor(place / b), place % b];
      for (let u = 0; u < rows; u++)
        for (let v = 0; v < columns; v++)
          data[o * perOutput + c * perChannel + (b * u + i) * perRow + b * v + j] = w.data[at++]!;
    }
  return tensor("float32", shape, data);
};

export const Conv: GpuRule = ({ op, node }, x, w, ...bias) => {
  const made = x && op.producer(x);
  if (made?.node.op !== "SpaceToDepth" || w?.constant?.dtype !== "float32" || w.shape.length !== 4) return null;
  const isDense = intsOf(node, "dilations", [1, 1]).every((d) => d === 1) && intOf(node, "group", 1) === 1;
  if (!isDense || stringOf(node, "auto_pad", "NOTSET") !== "NOTSET") return null;
  const b = intOf(made.node, "blocksize", 1);
  const times = (values: readonly number[]): number[] => values.map((v) => b * v);
  const weights = op.tensor(unfolded(w.constant as Tensor<"float32">, b), "unfolded");
  const window = {
    kernel_shape: times(w.shape.slice(2)),
    strides: times(intsOf(node, "strides", [1, 1])),
    pads: times(intsOf(node, "pads", [0, 0, 0, 0])),
  };
  return op.append("Conv", [made.inputs[0]!, weights, ...bias], window);
};
