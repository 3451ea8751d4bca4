/** The order of execution and what is alive in it, on graphs worked by hand. */

import { describe, expect, it } from "vitest";
import { executionOrder, liveness, peakOf, usage } from "../../../src/runtime/memory/liveness.ts";
import { graphOf, nodeOf } from "../../support/sized-graph.ts";

const order = (...nodes: readonly string[]) => executionOrder(nodes.map(nodeOf)).map((n) => n.outputs[0]);

describe("the order of execution", () => {
  it("is that of the file along a chain", () => {
    expect(order("A x > a", "B a > b", "C b > c")).toEqual(["a", "b", "c"]);
  });

  it("takes of a diamond's two branches first the one that stands last in the file", () => {
    expect(order("A x > a", "L a > l", "R a > r", "Add l r > y")).toEqual(["a", "r", "l", "y"]);
    expect(order("A x > a", "R a > r", "L a > l", "Add l r > y")).toEqual(["a", "l", "r", "y"]);
  });

  it("goes back depth first: a late mask is made as soon as what it reads", () => {
    // The mask reads a, and stands after the forward pass in the file.
    const nodes = ["A x > a", "B a > b", "C b > c", "D c > d", "Where mask d > y", "Greater a > mask"];
    expect(order(...nodes)).toEqual(["a", "mask", "b", "c", "d", "y"]);
  });

  it("starts from the sink that stands last, and skips identities", () => {
    expect(order("A x > a", "Identity a > i", "B i > b", "C a > c")).toEqual(["a", "c", "b"]);
  });
});

describe("liveness", () => {
  it("of a chain holds two neighbours beside the input", () => {
    const sizes = { x: 5, a: 100, b: 30, c: 200 };
    const graph = graphOf(["Conv x > a", "Conv a > b", "Conv b > c"], sizes, { outputs: ["c"] });
    expect(liveness(graph)).toEqual({ peakBytes: 5 + 30 + 200, largestBytes: 200 });
    const { bytes, at, alive } = peakOf(graph);
    expect([bytes, at]).toEqual([5 + 30 + 200, "Conv → c"]);
    expect(alive.map((v) => v.name)).toEqual(["c", "b", "x"]);
  });

  it("of a diamond keeps the first branch while the second is made", () => {
    const sizes = { x: 1, a: 50, l: 70, r: 30, y: 10 };
    const { bytes, at } = peakOf(
      graphOf(["Conv x > a", "Conv a > l", "Conv a > r", "Concat l r > y"], sizes, { outputs: ["y"] }),
    );
    // r is made first (30), then l beside a and r.
    expect([bytes, at]).toEqual([1 + 50 + 30 + 70, "Conv → l"]);
  });

  it("gives every result memory of its own, elementwise and reshaped ones too", () => {
    const sizes = { x: 0, a: 100, b: 100, c: 100 };
    const elementwise = graphOf(["MaxPool x > a", "Relu a > b", "Neg b > c"], sizes, { outputs: ["c"] });
    expect(liveness(elementwise).peakBytes).toBe(200);
    const kept = graphOf(["MaxPool x > a", "Relu a > b", "Mul a b > c"], sizes, { outputs: ["c"] });
    expect(liveness(kept).peakBytes).toBe(300);
    const reshaped = graphOf(["MaxPool x > a", "Reshape a > b", "Unsqueeze b > c"], sizes, { outputs: ["c"] });
    expect(liveness(reshaped).peakBytes).toBe(200);
  });

  it("keeps inputs and outputs to the end, and drops at once what nothing reads", () => {
    const sizes = { x: 8, a: 100, unused: 300, b: 10, c: 20 };
    const graph = graphOf(["Split x > a unused", "Conv a > b", "Conv b > c"], sizes, { outputs: ["a", "c"] });
    expect(liveness(graph).peakBytes).toBe(8 + 100 + 300);
    const later = {
      ...graph,
      nodes: graph.nodes.map((n) => ({ ...n, outputs: n.outputs.filter((o) => o !== "unused") })),
    };
    expect(liveness(later).peakBytes).toBe(8 + 100 + 10 + 20);
  });

  it("counts weights apart, and the scratch of kernels that have it", () => {
    const sizes = { x: 4, w: 1000, a: 10, c: 10, y: 10 };
    const graph = graphOf(["Conv x w > a"], sizes, { outputs: ["a"], weights: ["w"] });
    expect(liveness(graph).peakBytes).toBe(14);
    const where = graphOf(["Where c a x > y"], sizes, { inputs: ["x", "a", "c"], outputs: ["y"] });
    expect(liveness(where).peakBytes).toBe(4 + 10 + 10 + 10 + 2 * 10);
  });

  it("counts the sums and the columns of a convolution of integers, whose pixels are columns where it is pointwise", () => {
    const sizes = {
      x: ["uint8", 1, 3, 8, 8],
      w: ["int8", 5, 3, 3, 3],
      y: ["uint8", 1, 5, 8, 8],
      p: ["int8", 2, 5, 1, 1],
      z: ["uint8", 1, 2, 8, 8],
      s: ["uint8", 1, 2, 4, 4],
    } as const;
    const peak = (node: string, output: string, input = "x") =>
      liveness(graphOf([node], sizes, { inputs: [input], outputs: [output], weights: ["w", "p"] })).peakBytes;
    expect(peak("QLinearConv x w > y", "y")).toBe(64 * (3 + 5 + 4 * 5 + 27));
    expect(peak("QLinearConv y p > z", "z", "y")).toBe(64 * (5 + 2 + 4 * 2));
    // With strides it gathers its pixels.
    expect(peak("QLinearConv y p > s", "s", "y")).toBe(64 * 5 + 16 * (2 + 4 * 2 + 5));
  });

  it("is told node by node for a graph in a given order, without fusing any", () => {
    const sizes = { x: 1, w: 0, a: 50, r: 50, b: 10 };
    const graph = graphOf(["Conv x w > a", "Relu a > r", "MaxPool r > b"], sizes, { outputs: ["b"], weights: ["w"] });
    expect(usage(graph)).toEqual([1 + 50, 1 + 50 + 50, 1 + 50 + 10]);
  });
});
