/** Quantisation with types or parameters that ONNX's own operators do not have, and products that end in floats. */

import { scalar, tensorOf } from "../../../src/tensor.ts";
import { float, noise } from "../support.ts";
import { activation, int8, list, dequantized, microsoft, type DecomposeCase } from "./case.ts";

export const affine: readonly DecomposeCase[] = [
  microsoft({
    operator: "QuantizeLinear",
    name: "uint16",
    inputs: [{ fed: noise([3, 4]) }, scalar("float32", 0.002), scalar("uint16", 1000)],
  }),
  microsoft({
    operator: "QuantizeLinear",
    name: "per channel",
    inputs: [{ fed: noise([3, 4]) }, float([3], [0.02, 0.01, 0.03]), list("uint8", 100, 128, 3)],
    attributes: { axis: 0 },
  }),
  microsoft({
    operator: "DequantizeLinear",
    name: "int16",
    inputs: [{ fed: tensorOf("int16", [3], [-3000, 5, 700]) }, scalar("float32", 0.02), scalar("int16", 10)],
  }),
  microsoft({
    operator: "DequantizeLinear",
    name: "int32",
    inputs: [{ fed: tensorOf("int32", [3], [-300_000, 5, 700]) }, scalar("float32", 0.02), null],
  }),
  microsoft({
    operator: "MatMulIntegerToFloat",
    name: "bias",
    inputs: [
      activation([3, 4], 0.02, 100)[0],
      int8([4, 5]),
      scalar("float32", 0.02),
      scalar("float32", 0.01),
      scalar("uint8", 100),
      scalar("int8", 3),
      noise([5]),
    ],
    real: (op, a) => op.Add(op.MatMul(a, dequantized(op, int8([4, 5]), [0.01], [3])), op.tensor(noise([5]))),
  }),
  microsoft({
    operator: "DynamicQuantizeMatMul",
    name: "bias",
    inputs: [{ fed: noise([3, 4]) }, int8([4, 5]), scalar("float32", 0.01), scalar("int8", 3), noise([5])],
  }),
];
