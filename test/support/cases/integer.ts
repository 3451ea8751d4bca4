/** Products of integers, as dynamically quantised networks have them. Their gradient is straight-through. */

import type { Builder } from "../../../src/onnx/build.ts";
import type { PlainAttributes } from "../../../src/onnx/graph.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { normal, random } from "../../../src/random.ts";
import { numbersOf, sizeOf, tensorOf, type Tensor } from "../../../src/tensor.ts";
import { about, x, type Case } from "./case.ts";
import { saturated, withoutRounding } from "./straight-through.ts";

const SCALE = 0.02;
const ZERO = 120;
/** By it the int32 results are scaled to the size of the inputs. */
const UNIT = 0.0004;

type Integers = Tensor<"uint8" | "int8">;

const integersLike = (dtype: "uint8" | "int8", shape: readonly number[]): Integers => {
  const next = random(17);
  const middle = dtype === "uint8" ? 128 : 0;
  return tensorOf(
    dtype,
    shape,
    Array.from({ length: sizeOf(shape) }, () => middle + Math.max(-100, Math.min(100, Math.round(40 * normal(next))))),
  );
};

/** The float tensor of w less its zero point: one, or one per column. */
const centred = (op: Builder, w: Integers, zero: Integers | null): Value => {
  const zeros = zero ? numbersOf(zero) : [0];
  return op.tensor(
    tensorOf(
      "float32",
      w.shape,
      numbersOf(w).map((v, i) => v - zeros[i % zeros.length]!),
    ),
  );
};

interface Form {
  readonly name: string;
  readonly x: readonly number[];
  readonly w: Integers;
  /** Zero point of w; null: neither has one. */
  readonly zero: Integers | null;
  readonly attributes?: PlainAttributes;
}

const product =
  (integer: "ConvInteger" | "MatMulInteger", float: "Conv" | "MatMul") =>
  ({ name, x: shape, w, zero, attributes = {} }: Form): Case => {
    const xZero = zero ? ZERO : 0;
    return about(
      integer,
      name,
      [x(shape)],
      (op, v) => {
        const z = op.constant(xZero, "uint8");
        const q = op.QuantizeLinear(v, op.constant(SCALE), z);
        const y = op[integer](q, op.tensor(w), ...(zero ? [z, op.tensor(zero)] : []), attributes);
        return op.Mul(op.cast(y, "float32"), op.constant(UNIT));
      },
      {
        surrogate: withoutRounding((op, v) => {
          const levels = op.Div(saturated(op, v, SCALE, xZero), op.constant(SCALE));
          return op.Mul(op[float](levels, centred(op, w, zero), attributes), op.constant(UNIT));
        }),
      },
    );
  };

const signed = (value: number): Integers => tensorOf("int8", [], [value]);
const unsigned = (value: number): Integers => tensorOf("uint8", [], [value]);

const convolutions: readonly Form[] = [
  { name: "u8 weights", x: [1, 2, 5, 5], w: integersLike("uint8", [3, 2, 3, 3]), zero: unsigned(130) },
  { name: "no zero points", x: [1, 2, 5, 5], w: integersLike("int8", [3, 2, 3, 3]), zero: null },
  {
    name: "s8 weights, stride 2, padded",
    x: [1, 2, 6, 7],
    w: integersLike("int8", [3, 2, 3, 3]),
    zero: signed(-5),
    attributes: { strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    name: "two groups, dilation",
    x: [1, 4, 6, 6],
    w: integersLike("int8", [4, 2, 2, 2]),
    zero: signed(0),
    attributes: { group: 2, dilations: [2, 2] },
  },
];

const products: readonly Form[] = [
  { name: "matrices", x: [3, 4], w: integersLike("uint8", [4, 5]), zero: unsigned(127) },
  { name: "no zero points", x: [3, 4], w: integersLike("int8", [4, 5]), zero: null },
  { name: "a stack and a matrix", x: [2, 3, 4], w: integersLike("int8", [4, 5]), zero: signed(3) },
  {
    name: "a zero point per column",
    x: [3, 4],
    w: integersLike("int8", [4, 3]),
    zero: tensorOf("int8", [3], [1, -2, 9]),
  },
];

/** Both factors depend on inputs. */
const bothSides = about(
  "MatMulInteger",
  "both factors are inputs",
  [x([3, 4], "positive"), x([4, 2], "positive", "b")],
  (op, a, b) => {
    const [scale, za, zb] = [op.constant(SCALE), op.constant(ZERO, "uint8"), op.constant(4, "int8")];
    const y = op.MatMulInteger(op.QuantizeLinear(a, scale, za), op.QuantizeLinear(b, scale, zb), za, zb);
    return op.Mul(op.cast(y, "float32"), op.constant(UNIT));
  },
  {
    // A product's derivative by one factor is the other one: here the rounded one, as the forward pass has it.
    surrogate: (feeds, _, cotangent) => {
      const level = (v: number, zero: number, low: number) =>
        Math.min(low + 255, Math.max(low, Math.round(v / SCALE) + zero)) - zero;
      const a = numbersOf(feeds["x"]!).map((v) => level(v, ZERO, 0));
      const b = numbersOf(feeds["b"]!).map((v) => level(v, 4, -128));
      const unit = UNIT / SCALE;
      const row = (i: number) => [0, 1].map((j) => cotangent[i * 2 + j]!);
      return {
        x: a.map((__, at) => {
          const [i, k] = [Math.floor(at / 4), at % 4];
          return row(i).reduce((sum, v, j) => sum + v * b[k * 2 + j]! * unit, 0);
        }),
        b: b.map((__, at) => {
          const [k, j] = [Math.floor(at / 2), at % 2];
          return [0, 1, 2].reduce((sum, i) => sum + row(i)[j]! * a[i * 4 + k]! * unit, 0);
        }),
      };
    },
  },
);

/** Quantised by its own range and back: the identity, rounding aside. */
const dynamic: readonly Case[] = [
  about(
    "DynamicQuantizeLinear",
    "there and back",
    [x([2, 3, 4])],
    (op, v) => {
      const [q, scale, zero] = op.append("DynamicQuantizeLinear", [v], {}, 3);
      return op.DequantizeLinear(q, scale, zero);
    },
    { surrogate: withoutRounding((_, v) => v) },
  ),
  about(
    "DynamicQuantizeLinear",
    "positive values, then a product of integers",
    [x([3, 4], "positive")],
    (op, v) => {
      const [q, scale, zero] = op.append("DynamicQuantizeLinear", [v], {}, 3);
      const y = op.MatMulInteger(q, op.tensor(integersLike("int8", [4, 5])), zero);
      return op.Mul(op.cast(y, "float32"), op.Mul(scale, op.constant(0.01)));
    },
    {
      surrogate: withoutRounding((op, v) =>
        op.Mul(op.MatMul(v, centred(op, integersLike("int8", [4, 5]), null)), op.constant(0.01)),
      ),
    },
  ),
];

export const integerCases: readonly Case[] = [
  ...convolutions.map(product("ConvInteger", "Conv")),
  ...products.map(product("MatMulInteger", "MatMul")),
  bothSides,
  ...dynamic,
];
