/** Small graphs, each about one operator: the table that the interpreter, the gradient rules and the runtimes share. */

import type { Builder } from "../../../src/onnx/build.ts";
import type { PlainAttributes } from "../../../src/onnx/graph.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { normal, random, type Random } from "../../../src/random.ts";
import { sizeOf, tensorOf, type DType, type Tensor } from "../../../src/tensor.ts";

/** How the elements of an input are drawn. */
export type Values =
  | "normal"
  /** Uniform in [0.5, 2]. */
  | "positive"
  /** Normal, at least 0.1 away from each of these (kinks). */
  | { readonly away: readonly number[] }
  /** Pairwise at least 0.08 apart, in random order; inputs with offsets 0, 1, 2 are at least 0.02 apart from each other. */
  | { readonly distinct: 0 | 1 | 2 }
  | { readonly of: readonly number[] };

export interface CaseInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly values: Values;
}

/** The closed form of a gradient that is not a derivative (straight-through): per source, from inputs and cotangent. */
export type Surrogate = (
  feeds: Readonly<Record<string, Tensor>>,
  forward: Readonly<Record<string, Tensor>>,
  cotangent: readonly number[],
) => Readonly<Record<string, readonly number[]>>;

export interface Case {
  readonly operator: string;
  readonly name: string;
  readonly inputs: readonly CaseInput[];
  /** The graph's outputs by name, from its inputs in order. */
  readonly build: (op: Builder, ...x: Value[]) => Readonly<Record<string, Value>>;
  /** Inputs whose gradient is checked. */
  readonly differentiable: readonly string[];
  readonly surrogate?: Surrogate;
  /** Why the shapes of the outputs must not be declared to onnxruntime. */
  readonly undeclared?: string;
}

type InputSpec = Partial<Omit<CaseInput, "shape">> & { readonly shape: readonly number[]; readonly fixed?: boolean };

export interface CaseOptions {
  readonly surrogate?: Surrogate;
  readonly undeclared?: string;
}

/** A float32 input that is differentiated. */
export const x = (shape: readonly number[], values: Values = "normal", name = "x"): InputSpec => ({
  shape,
  values,
  name,
});

/** An input that is not differentiated although it could be. */
export const fixed = (shape: readonly number[], values: Values = "normal", name = "k"): InputSpec => ({
  shape,
  values,
  name,
  fixed: true,
});

/** An int64 input with the given elements. */
export const integers = (shape: readonly number[], of: readonly number[], name = "i"): InputSpec => ({
  shape,
  dtype: "int64",
  values: { of },
  name,
});

export const booleans = (shape: readonly number[], of: readonly number[], name = "b"): InputSpec => ({
  shape,
  dtype: "bool",
  values: { of },
  name,
});

/** A case; inputs of float32 are differentiated unless they are `fixed`. */
export const about = (
  operator: string,
  name: string,
  inputs: readonly InputSpec[],
  build: (op: Builder, ...x: Value[]) => Value | Readonly<Record<string, Value>>,
  options: CaseOptions = {},
): Case => {
  const named = inputs.map((input, i): CaseInput => ({
    name: input.name === undefined || inputs.some((o, j) => j < i && o.name === input.name) ? `x${i}` : input.name,
    shape: input.shape,
    dtype: input.dtype ?? "float32",
    values: input.values ?? "normal",
  }));
  return {
    operator,
    name,
    inputs: named,
    build: (op, ...values) => {
      const built = build(op, ...values);
      return isValue(built) ? { y: built } : built;
    },
    differentiable: named.flatMap((v, i) => (v.dtype === "float32" && !inputs[i]!.fixed ? [v.name] : [])),
    ...options,
  };
};

const isValue = (v: Value | Readonly<Record<string, Value>>): v is Value => typeof v["dtype"] === "string";

/** A case whose graph is one node on all the inputs, in order. */
export const node = (
  operator: string,
  name: string,
  inputs: readonly InputSpec[],
  attributes: PlainAttributes = {},
  options: CaseOptions = {},
): Case => about(operator, name, inputs, (op, ...v) => op.append(operator, v, attributes)[0]!, options);

/** A constant of normal elements, the same for the same shape and seed. */
export const weights = (op: Builder, shape: readonly number[], seed = 5): Value => {
  const next = random(seed);
  const values = Array.from({ length: sizeOf(shape) }, () => normal(next));
  return op.tensor(tensorOf("float32", shape, values), "weights");
};

/** A float32 constant with the given elements. */
export const floats = (op: Builder, shape: readonly number[], values: readonly number[]): Value =>
  op.tensor(tensorOf("float32", shape, values));

const shuffled = (length: number, next: Random): number[] => {
  const order = Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
};

const awayFrom = (kinks: readonly number[], next: Random): number => {
  for (;;) {
    const v = 1.5 * normal(next);
    if (kinks.every((k) => Math.abs(v - k) >= 0.1)) return v;
  }
};

const draw = (values: Values, length: number, next: Random): number[] => {
  if (values === "normal") return Array.from({ length }, () => normal(next));
  if (values === "positive") return Array.from({ length }, () => 0.5 + 1.5 * next());
  if ("of" in values) return [...values.of];
  if ("away" in values) return Array.from({ length }, () => awayFrom(values.away, next));
  return shuffled(length, next).map((i) => 0.1 * (i - length / 2) + 0.0333 * values.distinct + 0.01 * next());
};

/** The elements of a case's inputs, float32 numbers all of them. */
export const feedsOf = (c: Case, seed: number): Record<string, Tensor> => {
  const next = random(seed);
  return Object.fromEntries(
    c.inputs.map(({ name, shape, dtype, values }) => [name, tensorOf(dtype, shape, draw(values, sizeOf(shape), next))]),
  );
};

/** The inputs of a case in a builder, in order. */
export const inputsOf = (op: Builder, c: Case): Value[] =>
  c.inputs.map(({ name, dtype, shape }) => op.input(name, dtype, shape));
