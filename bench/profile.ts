/**
 * A network's time by node: each node of its graph is timed alone, in WASM, without onnxruntime's fusions.
 * `npm run bench -- gradient --profile [NETWORK]`.
 */

import * as ort from "onnxruntime-web/wasm";
import type { Graph, Model, Node } from "../src/onnx/graph.ts";
import { typesOf } from "../src/onnx/types.ts";
import type { TensorType } from "../src/onnx/value.ts";
import { writeModel } from "../src/onnx/write.ts";
import { sizeOf, tensorOf, type Tensor } from "../src/tensor.ts";

export interface NodeTime {
  readonly op: string;
  /** Operator, attributes and shapes; nodes with the same key are timed once. */
  readonly signature: string;
  readonly count: number;
  /** Milliseconds of one such node. */
  readonly ms: number;
}

const groupBy = <T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
};

const signatureOf = ({ op, inputs, attributes }: Node, types: ReadonlyMap<string, TensorType>): string => {
  const shapes = inputs.map((name) => types.get(name)?.shape.join("×") ?? "–").join(" ");
  const values = Object.entries(attributes).flatMap(([name, { type, value }]) =>
    type === "ints" || type === "int" || type === "string" ? [`${name}=${String(value)}`] : [],
  );
  return `${op} ${shapes} ${values.join(" ")}`;
};

/** A model of `copies` of the node on the same inputs; its only output is the first element of the last copy's result. */
const modelOf = (node: Node, graph: Graph, types: ReadonlyMap<string, TensorType>, copies: number): Model => {
  const names = [...new Set(node.inputs.filter((name) => name !== ""))];
  const weights = names.filter((name) => graph.initializers.has(name));
  const type = types.get(node.outputs[0]!)!;
  const rank = type.shape.length;
  const copiesOf = Array.from({ length: copies }, (_, i): Node => ({
    ...node,
    name: `copy_${i}`,
    outputs: node.outputs.map((name) => (name === "" ? "" : `${name}_${i}`)),
  }));
  const first: Node = {
    name: "first",
    op: rank === 0 ? "Identity" : "Slice",
    domain: "",
    inputs: [`${node.outputs[0]}_${copies - 1}`, ...(rank === 0 ? [] : ["first_from", "first_to"])],
    outputs: ["first"],
    attributes: {},
  };
  const bound = (value: number) =>
    tensorOf(
      "int64",
      [rank],
      Array.from({ length: rank }, () => value),
    );
  return {
    irVersion: 10,
    opset: 21,
    domains: new Map(),
    producer: "profile",
    metadata: new Map(),
    graph: {
      name: "profile",
      inputs: names.filter((name) => !weights.includes(name)).map((name) => ({ name, ...types.get(name)! })),
      outputs: [{ name: "first", dtype: type.dtype, shape: type.shape.map(() => 1) }],
      initializers: new Map([
        ...weights.map((name) => [name, graph.initializers.get(name)!] as const),
        ["first_from", bound(0)],
        ["first_to", bound(1)],
      ]),
      nodes: [...copiesOf, first],
    },
  };
};

/** A value of the type; zeros for integers, which may be indices. */
const anyTensor = ({ dtype, shape }: TensorType): Tensor =>
  tensorOf(
    dtype,
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) =>
      dtype === "float32" ? ((i * 7919) % 997) / 500 - 1 : dtype === "bool" ? i % 2 : 0,
    ),
  );

const timeOf = async (model: Model, types: ReadonlyMap<string, TensorType>): Promise<number> => {
  const session = await ort.InferenceSession.create(writeModel(model), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "disabled",
    executionMode: "parallel",
    enableCpuMemArena: false,
    enableMemPattern: false,
  });
  const feeds = Object.fromEntries(
    session.inputNames.map((name) => {
      const t = anyTensor(types.get(name)!);
      return [name, new ort.Tensor(t.dtype as "float32", t.data as Float32Array, [...t.shape])];
    }),
  );
  let best = Infinity;
  for (let i = 0; i < 6; i++) {
    const start = performance.now();
    await session.run(feeds);
    if (i > 0) best = Math.min(best, performance.now() - start);
  }
  await session.release();
  return best;
};

/** The graph's nodes in descending order of time. The WASM runtime must have been started. */
export const profile = async (graph: Graph): Promise<NodeTime[]> => {
  const types = typesOf(graph);
  const alike = groupBy(graph.nodes, (node) => signatureOf(node, types));
  const times: NodeTime[] = [];
  for (const [signature, nodes] of alike) {
    const [node] = nodes;
    if (!node || node.op === "Identity" || node.inputs.every((name) => graph.initializers.has(name))) continue;
    const [few, many] = [
      await timeOf(modelOf(node, graph, types, 1), types),
      await timeOf(modelOf(node, graph, types, 6), types),
    ];
    times.push({ op: node.op, signature, count: nodes.length, ms: Math.max(0, many - few) / 5 });
  }
  return times.toSorted((a, b) => b.count * b.ms - a.count * a.ms);
};

export const printProfile = (times: readonly NodeTime[], lines: number): void => {
  const total = times.reduce((sum, t) => sum + t.count * t.ms, 0);
  const share = (ms: number) => `${ms.toFixed(1)} | ${((100 * ms) / total).toFixed(1)} %`;
  console.log(`| operator | nodes | ms | of ${total.toFixed(0)} ms |\n|---|---|---|---|`);
  const operators = [...groupBy(times, (t) => t.op)].map(([op, group]) => ({
    op,
    count: group.reduce((sum, t) => sum + t.count, 0),
    ms: group.reduce((sum, t) => sum + t.count * t.ms, 0),
  }));
  for (const { op, count, ms } of operators.toSorted((a, b) => b.ms - a.ms).slice(0, 12))
    console.log(`| ${op} | ${count} | ${share(ms)} |`);
  console.log("\n| node | times | ms | of all |\n|---|---|---|---|");
  for (const { signature, count, ms } of times.slice(0, lines))
    console.log(`| ${signature} | ${count} | ${share(count * ms)} |`);
};
