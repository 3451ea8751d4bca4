/**
 * The work of recomputation grows about linearly with the number of nodes. Counted are the reads of nodes' inputs and outputs and the
 * nodes of all graphs that are measured, so that the test does not depend on the machine.
 */

import { describe, expect, test } from "vitest";
import { gradient } from "../../../src/autodiff/gradient.ts";
import { recomputed, type MemoryModel, type TypedGraph } from "../../../src/lowering/recompute/recompute.ts";
import { createBuilder, type Builder } from "../../../src/onnx/build.ts";
import type { Node } from "../../../src/onnx/graph.ts";
import { typesOf } from "../../../src/onnx/types.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { noise } from "../../support/networks/check.ts";
import { orderForMemory } from "../../../src/lowering/wasm/rewrites.ts";
import { executionOrder, liveness, usage } from "../../../src/runtime/memory/liveness.ts";

type Layer = (op: Builder, x: Value, first: Value) => Value;

const layers: Readonly<Record<string, Layer>> = {
  "Mul, Relu": (op, x) => op.Relu(op.Mul(x, op.constant(1.01))),
  Sigmoid: (op, x) => op.Sigmoid(x),
  "Add of the first value": (op, x, first) => op.Tanh(op.Add(x, first)),
  "Conv, Sigmoid": (op, x) => op.Sigmoid(op.Conv(x, op.tensor(noise([1, 1, 1, 1], 1), "weights"), null)),
  "Greater, Where": (op, x, first) => op.Where(op.Greater(x, first), x, first),
  "Shape, Reshape": (op, x) => {
    const y = op.Sigmoid(x);
    return op.Reshape(y, op.appendNode("Shape", [y], {}, [`shape of ${y.name}`])[0]);
  },
};

/** x ↦ loss and ∂ loss/∂ x through `count` layers. */
const chain = (layer: Layer, count: number): TypedGraph => {
  const op = createBuilder();
  const x = op.input("x", "float32", [1, 1, 8, 8]);
  let y: Value = x;
  for (let i = 0; i < count; i++) y = layer(op, y, x);
  const loss = op.ReduceSum(op.Mul(y, y), op.ints([0, 1, 2, 3]), { keepdims: 0 });
  const [dx] = gradient(op, loss, [x]);
  const { graph } = op.model({ loss, dx: dx! });
  return { graph, types: typesOf(graph) };
};

/** How many elements of nodes are read, and how many nodes the measured graphs have, while less than half of the memory is left. */
const workOf = (layer: Layer, count: number): number => {
  const { graph, types } = chain(layer, count);
  let work = 0;
  const counted = (node: Node): Node => ({
    ...node,
    get inputs() {
      work += 1;
      return node.inputs;
    },
    get outputs() {
      work += 1;
      return node.outputs;
    },
  });
  const measured = <T>(nodes: readonly unknown[], value: T): T => {
    work += nodes.length;
    return value;
  };
  const memory: MemoryModel = {
    order: ({ nodes }) =>
      measured(
        nodes,
        executionOrder(nodes).flatMap(({ outputs }) => outputs.find((name) => name !== "") ?? []),
      ),
    usage: (schedule) => measured(schedule.graph.nodes, usage({ ...schedule.graph, types: schedule.types })),
    need: (file) => measured(file.graph.nodes, liveness({ ...file.graph, types: file.types }).peakBytes),
  };
  const room = 0.4 * liveness({ ...graph, types }).peakBytes;
  recomputed({ graph: { ...graph, nodes: graph.nodes.map(counted) }, types }, ["dx"], memory, room);
  return work;
};

test("orderForMemory reads the nodes of a chain of masks a fixed number of times each", () => {
  const reads = [1000, 2000, 4000, 8000].map((count) => {
    const op = createBuilder();
    const x = op.input("x", "float32", [1, 1, 2, 2]);
    let mask = op.Greater(x, op.constant(0));
    for (let i = 0; i < count; i++) mask = op.And(mask, mask);
    const { graph } = op.model({ y: op.Where(mask, x, op.constant(0)) });
    let work = 0;
    const counted = (node: Node): Node => ({
      ...node,
      get inputs() {
        work += 1;
        return node.inputs;
      },
    });
    const types = typesOf(graph);
    orderForMemory({ ...graph, nodes: graph.nodes.map(counted) }, types);
    return work / count;
  });
  expect(reads[0]).toBeGreaterThan(1);
  for (const each of reads) expect(each).toBeLessThan(4);
});

describe.each(Object.keys(layers))("a chain of %s", (name) => {
  test("of twice the length takes about twice the work", () => {
    const [short, long] = [100, 200].map((count) => workOf(layers[name]!, count));
    expect(short).toBeGreaterThan(1000);
    expect(long! / short!).toBeLessThan(2.5);
  });

  test("of a thousand layers takes at most a thousand reads a layer", () => {
    expect(workOf(layers[name]!, 1000)).toBeLessThan(1000 * 1000);
  });
});
