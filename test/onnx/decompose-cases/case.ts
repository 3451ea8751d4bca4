/** A case of an operator that is decomposed when a model is loaded, and what the cases are made of. */

import type { Builder } from "../../../src/onnx/build.ts";
import type { PlainAttributes } from "../../../src/onnx/graph.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { integer, random } from "../../../src/random.ts";
import { numbersOf, scalar, sizeOf, tensorOf, type Tensor } from "../../../src/tensor.ts";
import { float } from "../support.ts";

type IntegerType = "uint8" | "int8";

/** An input that is fed: integers with their scale and zero point, or floats. */
export interface Fed {
  readonly fed: Tensor;
  readonly affine?: { readonly scale: number; readonly zero: number; readonly dtype: IntegerType };
}

export interface DecomposeCase {
  readonly operator: string;
  /** "" for a standard operator. */
  readonly domain: string;
  readonly name: string;
  /** Inputs of the node: fed, constant, or absent. */
  readonly inputs: readonly (Fed | Tensor | null)[];
  readonly attributes: PlainAttributes;
  readonly outputs: number;
  /** Of the quantised output; absent where it is float. */
  readonly y?: NonNullable<Fed["affine"]>;
  /** The same on reals, from the fed inputs; for operators of integers, whose gradient is straight-through. */
  readonly real?: (op: Builder, ...x: Value[]) => Value;
}

const spans = { uint8: [0, 255], int8: [-128, 127] } as const;

/** Integers over their whole range, except `zero`, at which some functions have a kink. */
const levels = (dtype: IntegerType, shape: readonly number[], zero: number, seed: number): Tensor => {
  const [low, high] = spans[dtype];
  const next = random(seed);
  const drawn = Array.from({ length: sizeOf(shape) }, () => integer(next, low, high));
  return tensorOf(
    dtype,
    shape,
    drawn.map((q) => (q === zero ? zero + 1 : q)),
  );
};

type Triple = readonly [Fed, Tensor, Tensor];

export const activation = (
  shape: readonly number[],
  scale: number,
  zero: number,
  dtype: IntegerType = "uint8",
  seed = 3,
): Triple => [
  { fed: levels(dtype, shape, zero, seed), affine: { scale, zero, dtype } },
  scalar("float32", scale),
  scalar(dtype, zero),
];

export const int8 = (shape: readonly number[], zero = 0): Tensor => levels("int8", shape, zero, 7);
export const list = (dtype: IntegerType, ...values: readonly number[]): Tensor =>
  tensorOf(dtype, [values.length], values);

/** Constant integers as reals, with one scale or one per index of `axis`. */
export const dequantized = (
  op: Builder,
  q: Tensor,
  scales: readonly number[],
  zeros: readonly number[],
  axis = 0,
): Value => {
  const inner = sizeOf(q.shape.slice(axis + 1));
  const at = (values: readonly number[], i: number) => values[Math.floor(i / inner) % values.length]!;
  return op.tensor(
    float(
      q.shape,
      numbersOf(q).map((v, i) => (v - at(zeros, i)) * Math.fround(at(scales, i))),
    ),
  );
};

export const levelled = (scale: number, zero: number, dtype: IntegerType = "uint8") => ({
  y: { scale, zero, dtype },
  parameters: [scalar("float32", scale), scalar(dtype, zero)] as const,
});

interface Draft {
  readonly operator: string;
  readonly name: string;
  readonly inputs: DecomposeCase["inputs"];
  readonly real?: NonNullable<DecomposeCase["real"]>;
  readonly y?: NonNullable<DecomposeCase["y"]>;
  readonly attributes?: PlainAttributes;
  readonly outputs?: number;
}

export const standard = ({ attributes = {}, outputs = 1, ...draft }: Draft): DecomposeCase => ({
  ...draft,
  domain: "",
  attributes,
  outputs,
});
export const microsoft = (draft: Draft): DecomposeCase => ({ ...standard(draft), domain: "com.microsoft" });

export const image = activation([1, 2, 5, 6], 0.02, 100);
export const wide = levelled(0.1, 120);
export const narrow = levelled(0.01, 128);
