/** Convolutions on integers. */

import { scalar, tensorOf } from "../../../src/tensor.ts";
import { float } from "../support.ts";
import {
  activation,
  int8,
  list,
  dequantized,
  levelled,
  standard,
  microsoft,
  image,
  wide,
  type DecomposeCase,
} from "./case.ts";

const standardConvolutions: readonly DecomposeCase[] = [
  {
    name: "a scale per channel, bias, padded",
    w: int8([3, 2, 3, 3]),
    scales: [0.01, 0.004, 0.02],
    zeros: [0, 0, 0],
    bias: [300, -2000, 40],
    attributes: { pads: [1, 1, 1, 1] },
  },
  {
    name: "one scale, a zero point of the weights, some saturate",
    w: int8([3, 2, 3, 3]),
    scales: [0.05],
    zeros: [5],
    attributes: { strides: [2, 1] },
  },
  {
    name: "two groups, dilation",
    w: int8([4, 1, 2, 2]),
    scales: [0.01, 0.004, 0.02, 0.01],
    zeros: [0, 0, 0, 0],
    bias: [1, 2, 3, -400],
    attributes: { group: 2, dilations: [2, 1], pads: [0, 1, 1, 0] },
  },
].map(({ name, w, scales, zeros, bias, attributes }) => {
  const units = scales.map((s) => Math.fround(Math.fround(s) * Math.fround(0.02)));
  const scale = scales.length === 1 ? scalar("float32", scales[0]!) : float([scales.length], scales);
  const zero = zeros.length === 1 ? scalar("int8", zeros[0]!) : list("int8", ...zeros);
  const b = bias ? [tensorOf("int32", [bias.length], bias)] : [];
  return standard({
    operator: "QLinearConv",
    name,
    inputs: [...image, w, scale, zero, ...wide.parameters, ...b],
    attributes,
    y: wide.y,
    real: (op, x) => {
      const reals =
        bias &&
        op.tensor(
          float(
            [bias.length],
            bias.map((v, i) => v * units[i % units.length]!),
          ),
        );
      return op.Conv(x, dequantized(op, w, scales, zeros), reals ?? null, attributes);
    },
  });
});

const signedConvolution: DecomposeCase = (() => {
  const [x, y] = [activation([1, 2, 4, 4], 0.02, -3, "int8"), levelled(0.1, 8, "int8")];
  const w = int8([2, 2, 2, 2]);
  return standard({
    operator: "QLinearConv",
    name: "int8 throughout",
    inputs: [...x, w, scalar("float32", 0.01), scalar("int8", 0), ...y.parameters],
    y: y.y,
    real: (op, v) => op.Conv(v, dequantized(op, w, [0.01], [0])),
  });
})();

const channelsLast: DecomposeCase = (() => {
  const w = int8([3, 2, 3, 2]);
  return microsoft({
    operator: "QLinearConv",
    name: "channels last",
    inputs: [...activation([1, 5, 6, 2], 0.02, 100), w, scalar("float32", 0.01), scalar("int8", 0), ...wide.parameters],
    attributes: { channels_last: 1, pads: [1, 0, 0, 1] },
    y: wide.y,
    real: (op, x) => {
      const y = op.Conv(op.Transpose(x, { perm: [0, 3, 1, 2] }), dequantized(op, w, [0.01], [0]), {
        pads: [1, 0, 0, 1],
      });
      return op.Transpose(y, { perm: [0, 2, 3, 1] });
    },
  });
})();

export const convolutions: readonly DecomposeCase[] = [...standardConvolutions, signedConvolution, channelsLast];
