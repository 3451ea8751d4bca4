/** Builds graphs: each call appends a node and infers its type; a node with a constant result is folded. */

import { tensorOf, type DType, type Tensor } from "../tensor.ts";
import { attributesOf } from "./attributes.ts";
import { evaluate } from "./evaluate.ts";
import {
  OnnxError,
  type Attributes,
  type Graph,
  type Model,
  type Node,
  type PlainAttributes,
  type ValueInfo,
} from "./graph.ts";
import { inferTypes } from "./infer.ts";
import { isOpset20 } from "./opset-20.ts";
import { operatorsOver, type Operators } from "./operators.ts";
import { keyOf, sameBytes } from "./same.ts";
import type { Step } from "./step.ts";
import { codeOf } from "./tensor-proto.ts";
import type { TensorType, Value } from "./value.ts";

/** The operator set of every graph that Faultline builds. */
export const OPSET = 21;

/**
 * A graph under construction: `input`, `tensor`, `constant` and `ints` create values; `op.Conv(x, w, b, { strides: [2, 2] })`
 * appends a node, as does the method of every other standard operator; `graph` and `model` return the result. Every value has a
 * fixed shape; constants are folded at once.
 */
export type Builder = GraphBuilder & Operators;

/** Creates an empty graph of opset 21. A method of the builder throws OnnxError if the inputs do not fit the operator. */
export const createBuilder = (name = "graph"): Builder => {
  const builder = new GraphBuilder(name);
  return Object.assign(
    builder,
    operatorsOver((...node) => builder.append(...node)[0]!),
  );
};

export class GraphBuilder {
  readonly name: string;
  readonly steps: Step[] = [];
  readonly #inputs: Value[] = [];
  readonly #constants = new Map<string, Value>();
  readonly #tensors = new Map<string, Value[]>();
  readonly #scalars = new Map<string, Value>();
  readonly #known = new Map<string, readonly Value[]>();
  readonly #counts = new Map<string, number>();
  readonly #names = new Set<string>();
  readonly #producers = new Map<string, Step>();

  constructor(name: string) {
    this.name = name;
  }

  /** An input of the graph. */
  input(name: string, dtype: DType, shape: readonly number[]): Value {
    const value: Value = { name: this.#unique(name), dtype, shape };
    this.#inputs.push(value);
    return value;
  }

  /** A constant tensor. Equal tensors with the same name are one value: copies of a network in one graph share their weights. */
  tensor(constant: Tensor, name = "constant"): Value {
    const { dtype, shape } = constant;
    const key = `${name} ${dtype} ${shape.join(" ")}`;
    const alike = this.#tensors.get(key) ?? [];
    const known = alike.find((v) => sameBytes(v.constant!.data, constant.data));
    if (known) return known;
    const value: Value = { name: this.#unique(name), dtype, shape, constant };
    this.#constants.set(value.name, value);
    this.#tensors.set(key, [...alike, value]);
    return value;
  }

  /** A constant scalar; equal scalars are one value. */
  constant(value: number, dtype: DType = "float32"): Value {
    if (dtype === "float16") return this.cast(this.constant(value), dtype);
    return this.#scalar(`${dtype} ${Object.is(value, -0) ? "-0" : value}`, () => tensorOf(dtype, [], [value]));
  }

  /** A constant 1-D int64 tensor, such as a shape, axes or pads; equal tensors are one value. */
  ints(values: readonly number[]): Value {
    return this.#scalar(`ints ${values.join(" ")}`, () => tensorOf("int64", [values.length], values));
  }

  /** Zeros of the given type and shape, as a scalar constant that is expanded when the graph runs. */
  zeros({ dtype, shape }: TensorType): Value {
    return this.append("Expand", [this.constant(0, dtype), this.ints(shape)], {})[0]!;
  }

  /** `x` cast to another element type. */
  cast(x: Value, dtype: DType): Value {
    return x.dtype === dtype ? x : this.append("Cast", [x], { to: codeOf(dtype) })[0]!;
  }

  /** The step that computes a value; undefined for inputs and constants. */
  producer(value: Value): Step | undefined {
    return this.#producers.get(value.name);
  }

  /** Appends a node and returns its outputs. An equal node on the same inputs is appended once only. */
  append(
    op: string,
    inputs: readonly (Value | null)[],
    attributes: PlainAttributes,
    outputs: readonly string[] | number = 1,
  ): readonly Value[] {
    return this.appendNode(op, inputs, attributesOf(op, attributes), outputs);
  }

  /** As `append`, with tagged attributes. @param outputs the number of outputs, or their names. */
  appendNode(
    op: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes,
    outputs: readonly string[] | number = 1,
    domain = "",
  ): readonly Value[] {
    const count = typeof outputs === "number" ? outputs : outputs.length;
    const cheap = !Object.values(attributes).some((a) => a.type === "tensor" || a.type === "graph");
    const key = cheap ? keyOf(domain, op, inputs, attributes, count) : "";
    const known = cheap ? this.#known.get(key) : undefined;
    if (known) return known;
    const wanted = typeof outputs === "number" ? Array.from({ length: outputs }, () => op) : outputs;
    const draft: Node = {
      name: wanted[0] ?? op,
      op,
      domain,
      inputs: inputs.map((v) => v?.name ?? ""),
      outputs: wanted,
      attributes,
    };
    const types = inferTypes(draft, inputs);
    const folded = evaluate(draft, inputs, types);
    const values = folded ? folded.map((t, i) => this.tensor(t, wanted[i])) : this.#step(draft, inputs, types);
    if (cheap) this.#known.set(key, values);
    return values;
  }

  /**
   * The graph of the nodes that `outputs` need. Keys are the names of the outputs. An Identity produces an output unless its value
   * has that name already; other values with such a name are renamed.
   *
   * @throws OnnxError if an output has the name of an input and is another value.
   */
  graph(outputs: Readonly<Record<string, Value>>): Graph {
    const wanted = Object.entries(outputs);
    const copied = wanted.filter(([name, value]) => value.name !== name || this.#constants.has(name));
    const final = this.#renameAround(copied.map(([name]) => name));
    const needed = new Set(wanted.map(([, value]) => value.name));
    const nodes: Node[] = [];
    for (const { node } of this.steps.toReversed()) {
      if (!node.outputs.some((name) => needed.has(name))) continue;
      nodes.push({
        ...node,
        name: final(node.name),
        inputs: node.inputs.map(final),
        outputs: node.outputs.map(final),
      });
      for (const name of node.inputs) needed.add(name);
    }
    const initializers = [...this.#constants.values()].filter((v) => needed.has(v.name));
    return {
      name: this.name,
      inputs: this.#inputs.map(info),
      outputs: wanted.map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
      initializers: new Map(initializers.map((v) => [final(v.name), v.constant!])),
      nodes: [...nodes.toReversed(), ...copied.map(([name, value]) => identity(name, final(value.name)))],
    };
  }

  /** As `graph`, as a model that can be written to a file. */
  model(outputs: Readonly<Record<string, Value>>): Model {
    return {
      irVersion: 10,
      opset: isOpset20(this.steps) ? 20 : OPSET,
      domains: new Map(),
      producer: "faultline",
      metadata: new Map(),
      graph: this.graph(outputs),
    };
  }

  #step(draft: Node, inputs: readonly (Value | null)[], types: readonly TensorType[]): readonly Value[] {
    const values = types
      .slice(0, draft.outputs.length)
      .map(({ dtype, shape }, i): Value => ({ name: this.#unique(draft.outputs[i]! || draft.op), dtype, shape }));
    const node: Node = { ...draft, name: values[0]?.name ?? draft.name, outputs: values.map((v) => v.name) };
    const step: Step = { node, inputs, outputs: values };
    this.steps.push(step);
    for (const v of values) this.#producers.set(v.name, step);
    return values;
  }

  /** Returns a function from a value's name to its final name, given the names that outputs take. */
  #renameAround(taken: readonly string[]): (name: string) => string {
    const input = this.#inputs.find((v) => taken.includes(v.name));
    if (input) throw new OnnxError("is the name of an input and of another output", `value "${input.name}"`);
    const used = new Set([...this.#names, ...taken]);
    const clashes = taken.filter((name) => this.#names.has(name));
    const aside = new Map(clashes.map((name) => [name, uniqueName(name, used)]));
    return (name) => aside.get(name) ?? name;
  }

  #scalar(key: string, make: () => Tensor): Value {
    const known = this.#scalars.get(key);
    if (known) return known;
    const value = this.tensor(make());
    this.#scalars.set(key, value);
    return value;
  }

  /** A name that is unique in the graph. */
  #unique(name: string): string {
    return uniqueName(name, this.#names, this.#counts);
  }
}

/**
 * `name`, or the first of `name_1`, `name_2` … that is not taken; the result is added to `taken`. `counts` holds the last number of
 * each name, so that not all numbers are tried again.
 */
const uniqueName = (name: string, taken: Set<string>, counts = new Map<string, number>()): string => {
  let unique = name;
  for (let i = counts.get(name) ?? 1; taken.has(unique); i++) {
    unique = `${name}_${i}`;
    counts.set(name, i + 1);
  }
  taken.add(unique);
  return unique;
};

const identity = (name: string, input: string): Node => ({
  name,
  op: "Identity",
  domain: "",
  inputs: [input],
  outputs: [name],
  attributes: {},
});

const info = ({ name, dtype, shape }: Value): ValueInfo => ({ name, dtype, shape });
