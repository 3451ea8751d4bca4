/**
 * Writes graphs as exporters do: node by node, with sizes computed at run time, nothing inferred and nothing folded, so that reading,
 * upgrading, folding and fusing have the same work as with real files.
 */

import { attributesOf } from "../../../src/onnx/attributes.ts";
import type { Dimension, Model, Node, PlainAttributes } from "../../../src/onnx/graph.ts";
import { normal, random, type Random } from "../../../src/random.ts";
import { sizeOf, tensorOf, type DType, type Tensor } from "../../../src/tensor.ts";

/** A value of the graph, by its name. */
export type Name = string;

export class Exporter {
  readonly opset: number;
  readonly #next: Random;
  readonly #inputs: { readonly name: Name; readonly dtype: DType; readonly shape: readonly Dimension[] }[] = [];
  readonly #initializers = new Map<Name, Tensor>();
  readonly #nodes: Node[] = [];

  constructor(opset: number, seed = 1) {
    this.opset = opset;
    this.#next = random(seed);
  }

  input(name: Name, shape: readonly Dimension[], dtype: DType = "float32"): Name {
    this.#inputs.push({ name, dtype, shape });
    return name;
  }

  /** Standard normal numbers. */
  draw(shape: readonly number[]): number[] {
    return Array.from({ length: sizeOf(shape) }, () => normal(this.#next));
  }

  /** A parameter: normal with this mean and deviation. */
  weight(shape: readonly number[], deviation: number, mean = 0): Name {
    const values = this.draw(shape).map((v) => mean + deviation * v);
    return this.parameter(tensorOf("float32", shape, values));
  }

  /** A parameter of these values. */
  parameter(t: Tensor): Name {
    const name = `weight_${this.#initializers.size}`;
    this.#initializers.set(name, t);
    return name;
  }

  /** A Constant node, as exporters have for sizes, axes and single numbers. */
  constant(value: Tensor): Name {
    return this.node("Constant", [], { value });
  }

  float(value: number): Name {
    return this.constant(tensorOf("float32", [], [value]));
  }

  ints(...values: readonly number[]): Name {
    return this.constant(tensorOf("int64", [values.length], values));
  }

  /** Appends a node of one output; null stands for an optional input that is absent. */
  node(op: string, inputs: readonly (Name | null)[], attributes: PlainAttributes = {}): Name {
    return this.nodes(op, inputs, attributes, 1)[0]!;
  }

  /** Appends a node of several outputs. */
  nodes(
    op: string,
    inputs: readonly (Name | null)[],
    attributes: PlainAttributes,
    outputs: number,
    domain = "",
  ): readonly Name[] {
    const name = `/${op}_${this.#nodes.length}`;
    const names = Array.from({ length: outputs }, (_, i) => `${name}_output_${i}`);
    const given = inputs.map((v) => v ?? "");
    this.#nodes.push({ name, op, domain, inputs: given, outputs: names, attributes: attributesOf(op, attributes) });
    return names;
  }

  /** The bytes of the file; the keys are the names of its outputs, whose sizes are left open. */
  model(outputs: Readonly<Record<string, Name>>): Model {
    const names = new Map(Object.entries(outputs).map(([name, value]) => [value, name]));
    const renamed = (value: Name): Name => names.get(value) ?? value;
    return {
      irVersion: this.opset < 9 ? 3 : 8,
      opset: this.opset,
      domains: new Map([["com.microsoft", 1]]),
      producer: "pytorch",
      metadata: new Map(),
      graph: {
        name: "main_graph",
        inputs: this.#inputs,
        outputs: Object.keys(outputs).map((name) => ({ name, dtype: "float32", shape: null })),
        initializers: this.#initializers,
        nodes: this.#nodes.map((n) => ({ ...n, inputs: n.inputs.map(renamed), outputs: n.outputs.map(renamed) })),
      },
    };
  }
}
