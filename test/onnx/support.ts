/** What the tests of src/onnx share: models in a few lines, and onnxruntime as the judge. */

import * as ort from "onnxruntime-web/wasm";
import { attributesOf } from "../../src/onnx/attributes.ts";
import { type Graph, type Model, type Node, type PlainAttributes, type ValueInfo } from "../../src/onnx/graph.ts";
import type { Value } from "../../src/onnx/value.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { normal, random } from "../../src/random.ts";
import { numbersOf, sizeOf, tensor, tensorOf, type DType, type Tensor } from "../../src/tensor.ts";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "fatal";

export const float = (shape: readonly number[], values: ArrayLike<number>): Tensor<"float32"> =>
  tensorOf("float32", shape, values);

export const ints = (...values: readonly number[]): Tensor<"int64"> => tensorOf("int64", [values.length], values);

/** Standard normal, from a seed. */
export const noise = (shape: readonly number[], seed = 1): Tensor<"float32"> => {
  const next = random(seed);
  return float(
    shape,
    Array.from({ length: sizeOf(shape) }, () => normal(next)),
  );
};

/** A node: `node("Conv", ["x", "w"], ["y"], { strides: [2, 2] })`. */
export const node = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: PlainAttributes = {},
): Node => ({ name: `${op}_${outputs[0]}`, op, domain: "", inputs, outputs, attributes: attributesOf(op, attributes) });

export interface Sketch {
  readonly opset?: number;
  readonly inputs?: Readonly<Record<string, Tensor>>;
  readonly initializers?: Readonly<Record<string, Tensor>>;
  readonly nodes: readonly Node[];
  /** Names, or name and type; the type is only needed where the runtime does not infer it. */
  readonly outputs: readonly string[];
  readonly outputTypes?: Readonly<Record<string, DType>>;
}

/** The model of a sketch; its inputs have the types and shapes of the tensors that are given for them. */
export const modelOf = (sketch: Sketch): Model => {
  const { opset = 21, inputs = {}, initializers = {}, nodes, outputs, outputTypes = {} } = sketch;
  const graph: Graph = {
    name: "sketch",
    inputs: Object.entries(inputs).map(([name, { dtype, shape }]): ValueInfo => ({ name, dtype, shape })),
    outputs: outputs.map((name) => ({ name, dtype: outputTypes[name] ?? "float32", shape: null })),
    initializers: new Map(Object.entries(initializers)),
    nodes,
  };
  return { irVersion: 8, opset, domains: new Map(), producer: "test", metadata: new Map(), graph };
};

/** What onnxruntime makes of a model, its optimisations off: all outputs by name. */
export const runModel = async (
  model: Model | Uint8Array,
  feeds: Readonly<Record<string, Tensor>> = {},
): Promise<Record<string, Tensor>> => {
  const bytes = model instanceof Uint8Array ? model : writeModel(model);
  const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: "disabled", logSeverityLevel: 4 });
  try {
    const given = Object.entries(feeds).map(([name, t]) => [name, new ort.Tensor(t.dtype, t.data, t.shape)] as const);
    const results = await session.run(Object.fromEntries(given));
    return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, copied(t)]));
  } finally {
    await session.release();
  }
};

const copied = (t: ort.Tensor): Tensor => tensor(t.type as DType, [...t.dims], t.data.slice() as Tensor["data"]);

/** Largest |a − b| ÷ (1 + |b|); infinite where types or shapes differ. NaN equals NaN. */
export const distance = (a: Tensor, b: Tensor): number => {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return Infinity;
  const left = numbersOf(a);
  return numbersOf(b).reduce((worst, v, i) => {
    const u = left[i]!;
    return Object.is(u, v) || u === v ? worst : Math.max(worst, Math.abs(u - v) / (1 + Math.abs(v)) || Infinity);
  }, 0);
};

/** An input whose elements are known when the graph is built. */
export interface Fixed {
  readonly constant: Tensor;
}
export const fixed = (constant: Tensor): Fixed => ({ constant });
export const fixedInts = (...values: readonly number[]): Fixed => fixed(ints(...values));

/** One node on given inputs: operator, inputs (null: absent), attributes, number of outputs. */
export type Case = readonly [
  op: string,
  inputs: readonly (Tensor | Fixed | null)[],
  attributes?: PlainAttributes,
  outputs?: number,
];

/** A case taken apart: the node, its inputs as values, and what they hold. */
export const partsOf = ([op, inputs, attributes = {}, outputs = 1]: Case) => {
  const values = inputs.map((input, i): Value | null => {
    if (!input) return null;
    return "constant" in input
      ? { name: `x${i}`, dtype: input.constant.dtype, shape: input.constant.shape, constant: input.constant }
      : { name: `x${i}`, dtype: input.dtype, shape: input.shape };
  });
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const of = <T>(pick: (input: Tensor | Fixed) => T | null): Record<string, T> =>
    Object.fromEntries(
      inputs.flatMap((input, i) => {
        const picked = input && pick(input);
        return picked ? [[`x${i}`, picked]] : [];
      }),
    );
  return {
    node: node(
      op,
      values.map((v) => v?.name ?? ""),
      names,
      attributes,
    ),
    values,
    names,
    feeds: of((input) => ("constant" in input ? null : input)),
    initializers: of((input) => ("constant" in input ? input.constant : null)),
  };
};

/** The title of a case. */
export const titleOf = ([op, inputs, attributes = {}]: Case): string => {
  const shapes = inputs.map((input) => {
    if (!input) return "_";
    const t = "constant" in input ? input.constant : input;
    return "constant" in input && t.data.length < 9 ? `{${t.data.join(" ")}}` : `[${t.shape.join(" ")}]`;
  });
  const list = Object.entries(attributes).map(
    ([key, v]) => `${key} ${typeof v === "object" && "dtype" in v ? "tensor" : JSON.stringify(v)}`,
  );
  return `${op} ${shapes.join(" ")} ${list.join(", ")}`.trim();
};
