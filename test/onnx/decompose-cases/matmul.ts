/** Matrix products on integers. */

import { scalar, tensorOf } from "../../../src/tensor.ts";
import { float } from "../support.ts";
import { activation, int8, list, dequantized, standard, microsoft, wide, type DecomposeCase } from "./case.ts";

export const products: readonly DecomposeCase[] = [
  standard({
    operator: "QLinearMatMul",
    name: "matrices, the right one constant",
    inputs: [
      ...activation([3, 4], 0.02, 100),
      int8([4, 5]),
      scalar("float32", 0.01),
      scalar("int8", 3),
      ...wide.parameters,
    ],
    y: wide.y,
    real: (op, a) => op.MatMul(a, dequantized(op, int8([4, 5]), [0.01], [3])),
  }),
  standard({
    operator: "QLinearMatMul",
    name: "a scale per column",
    inputs: [
      ...activation([3, 4], 0.02, 100),
      int8([4, 3]),
      float([3], [0.01, 0.02, 0.005]),
      list("int8", 0, 0, 0),
      ...wide.parameters,
    ],
    y: wide.y,
    real: (op, a) => op.MatMul(a, dequantized(op, int8([4, 3]), [0.01, 0.02, 0.005], [0], 1)),
  }),
  standard({
    operator: "QLinearMatMul",
    name: "two stacks that are fed",
    inputs: [...activation([2, 3, 4], 0.02, 100), ...activation([2, 4, 2], 0.01, 7, "uint8", 5), ...wide.parameters],
    y: wide.y,
    real: (op, a, b) => op.MatMul(a, b),
  }),
  microsoft({
    operator: "QGemm",
    name: "bias, alpha, the right factor transposed, a scale per column",
    inputs: [
      ...activation([3, 4], 0.02, 100),
      int8([2, 4]),
      float([2], [0.01, 0.02]),
      list("int8", 0, 0),
      tensorOf("int32", [3, 2], [9000, -3000, 100, 4000, -20_000, 6000]),
      ...wide.parameters,
    ],
    attributes: { alpha: 0.5, transB: 1 },
    y: wide.y,
    real: (op, a) => {
      const b = dequantized(op, int8([2, 4]), [0.01, 0.02], [0]);
      const c = float(
        [3, 2],
        [9000, -3000, 100, 4000, -20_000, 6000].map((v, i) => v * 0.5 * 0.02 * [0.01, 0.02][i % 2]!),
      );
      return op.Gemm(a, b, op.tensor(c), { alpha: 0.5, transB: 1 });
    },
  }),
  microsoft({
    operator: "QGemm",
    name: "no bias, float results, a scale per column",
    inputs: [
      ...activation([4, 3], 0.02, 100),
      int8([4, 2]),
      float([2], [0.01, 0.02]),
      list("int8", 0, 0),
      null,
      null,
      null,
    ],
    attributes: { transA: 1 },
    real: (op, a) => op.Gemm(a, dequantized(op, int8([4, 2]), [0.01, 0.02], [0], 1), { transA: 1 }),
  }),
];
