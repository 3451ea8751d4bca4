import { describe, expect, it } from "vitest";
import { OnnxError, type Graph, type Node } from "../../../src/onnx/graph.ts";
import { prune } from "../../../src/onnx/passes/prune.ts";
import { float, modelOf, node, noise } from "../support.ts";

const two = modelOf({
  inputs: { x: noise([2]), z: noise([2]) },
  initializers: { a: float([], [1]), b: float([], [2]), unused: float([], [3]) },
  nodes: [
    node("Add", ["x", "a"], ["h"]),
    node("Mul", ["h", "b"], ["y1"]),
    node("Neg", ["h"], ["y2"]),
    node("Split", ["z"], ["s1", "s2"]),
    node("Exp", ["s2"], ["dead"]),
  ],
  outputs: ["y1", "y2"],
}).graph;

const body = (nodes: readonly Node[], output: string): Graph => modelOf({ nodes, outputs: [output] }).graph;

const ops = (graph: Graph) => graph.nodes.map((n) => n.op);

describe("prune", () => {
  it("removes what no output needs; inputs stay", () => {
    const graph = prune(two);
    expect(ops(graph)).toEqual(["Add", "Mul", "Neg"]);
    expect([...graph.initializers.keys()]).toEqual(["a", "b"]);
    expect(graph.inputs).toEqual(two.inputs);
    expect(graph.outputs).toEqual(two.outputs);
  });

  it("keeps only what the outputs asked for need, in the graph's order", () => {
    const graph = prune(two, ["y2"]);
    expect(ops(graph)).toEqual(["Add", "Neg"]);
    expect([...graph.initializers.keys()]).toEqual(["a"]);
    expect(graph.outputs.map((v) => v.name)).toEqual(["y2"]);
    expect(prune(two, ["y2", "y1"]).outputs).toEqual(two.outputs);
  });

  it("keeps a node of which one output is needed, and the initializer that is an output", () => {
    const { graph } = modelOf({
      inputs: { z: noise([2]) },
      initializers: { c: float([], [1]) },
      nodes: [node("Split", ["z"], ["s1", "s2"])],
      outputs: ["s2", "c"],
    });
    expect(prune(graph)).toBe(graph);
  });

  it("counts what subgraphs capture, at any depth", () => {
    const inner = body([node("Add", ["captured", "weight"], ["i"])], "i");
    const outer = body([node("If", ["c"], ["o"], { then_branch: { type: "graph", value: inner } })], "o");
    const { graph } = modelOf({
      inputs: { x: noise([2]), c: noise([]) },
      initializers: { weight: float([], [1]) },
      nodes: [
        node("Relu", ["x"], ["captured"]),
        node("Exp", ["x"], ["dead"]),
        node("If", ["c"], ["y"], { then_branch: { type: "graph", value: outer } }),
      ],
      outputs: ["y"],
    });
    expect(ops(prune(graph))).toEqual(["Relu", "If"]);
    expect([...prune(graph).initializers.keys()]).toEqual(["weight"]);
  });

  it("is idempotent, and returns the graph itself where there is nothing to remove", () => {
    const once = prune(two);
    expect(prune(once)).toBe(once);
  });

  it("leaves its argument alone", () => {
    const before = structuredClone(two);
    prune(two, ["y1"]);
    expect(two).toEqual(before);
  });

  it("refuses a name that is no output", () => {
    expect(() => prune(two, ["y1", "h"])).toThrow(OnnxError);
    expect(() => prune(two, ["y1", "h"])).toThrow(/"h" is not among the outputs y1, y2/);
  });
});
