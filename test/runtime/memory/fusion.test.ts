/** What onnxruntime fuses, on graphs worked by hand. */

import { describe, expect, it } from "vitest";
import { executed } from "../../../src/runtime/memory/fusion.ts";
import { executionOrder, liveness, peakOf } from "../../../src/runtime/memory/liveness.ts";
import type { SizedGraph } from "../../../src/runtime/memory/sized-graph.ts";
import { graphOf, textOf } from "../../support/sized-graph.ts";

const nodesOf = (graph: SizedGraph): string[] => executionOrder(executed(graph).nodes).map(textOf);

const map = (channels: number, side = 8, dtype: "float32" | "uint8" = "float32") =>
  [dtype, 1, channels, side, side] as const;

/** x [1,2,8,8] and weights of 2 → 2 channels, 3×3. */
const sizes = {
  x: map(2),
  z: map(2),
  a: map(2),
  b: map(2),
  c: map(2),
  d: map(2),
  e: map(2, 4),
  w: ["float32", 2, 2, 3, 3],
  bias: ["float32", 2],
  one: ["float32"],
  zero: ["uint8"],
  wq: ["int8", 2, 2, 3, 3],
  wd: ["float32", 2, 2, 3, 3],
  aq: map(2, 8, "uint8"),
  ad: map(2),
  bq: map(2, 8, "uint8"),
  bd: map(2),
  cq: map(2, 8, "uint8"),
  eq: map(2, 4, "uint8"),
  ed: map(2, 4),
} as const;
const weights = ["w", "bias", "one", "zero", "wq"];
const graph = (nodes: readonly string[], outputs: string[], inputs = ["x"]) =>
  graphOf(nodes, sizes, { inputs, outputs, weights });

describe("a convolution takes in", () => {
  it("the activation that alone reads it, whose input then never exists", () => {
    const chain = graph(["Conv x w bias > a", "Relu a > b", "Conv b w bias > c", "PRelu c one > d"], ["d"]);
    expect(nodesOf(chain)).toEqual(["FusedConv x w bias > b", "Conv b w bias > c", "PRelu c one > d"]);
    // x beside c and d, or b and c.
    expect(liveness(chain).peakBytes).toBe(3 * 512);
  });

  it("not where something else reads it, or it is an output", () => {
    const nodes = ["Conv x w bias > a", "Relu a > b", "Mul a b > c"];
    expect(nodesOf(graph(nodes, ["c"]))).toEqual(nodes);
    expect(nodesOf(graph(nodes.slice(0, 2), ["a", "b"]))).toEqual(nodes.slice(0, 2));
  });

  it("what is added to it, and the activation behind", () => {
    const residual = ["Conv x w bias > a", "Add x a > b", "Relu b > c"];
    expect(nodesOf(graph(residual, ["c"]))).toEqual(["FusedConv x w bias x > c"]);
    expect(liveness(graph(residual, ["c"])).peakBytes).toBe(2 * 512);
    expect(nodesOf(graph(residual, ["b", "c"]))).toEqual(["FusedConv x w bias x > b", "Relu b > c"]);
  });

  it("of two that are added the first, which is then executed last", () => {
    const two = graph(["Conv x w bias > a", "Conv z w bias > b", "Add a b > c"], ["c"], ["x", "z"]);
    expect(nodesOf(two)).toEqual(["Conv z w bias > b", "FusedConv x w bias b > c"]);
  });

  it("nothing where it has no bias, or the shapes differ", () => {
    const bare = ["Conv x w > a", "Add x a > b"];
    expect(nodesOf(graph(bare, ["b"]))).toEqual(bare);
    const broadcast = ["Conv x w bias > a", "Add a one > b"];
    expect(nodesOf(graph(broadcast, ["b"]))).toEqual(broadcast);
  });
});

describe("between DequantizeLinear and QuantizeLinear", () => {
  const scales = "one zero";
  const weight = `DequantizeLinear wq ${scales} > wd`;
  const first = [`QuantizeLinear x ${scales} > aq`, `DequantizeLinear aq ${scales} > ad`];
  const convolution = [...first, weight, "Conv ad wd > b", `QuantizeLinear b ${scales} > bq`];

  it("a convolution is one of integers: neither its weights nor its activations exist as floats", () => {
    const whole = graph([...convolution, `DequantizeLinear bq ${scales} > bd`], ["bd"]);
    expect(nodesOf(whole)).toEqual([
      `QuantizeLinear x ${scales} > aq`,
      "QLinearConv aq wq > bq",
      `DequantizeLinear bq ${scales} > bd`,
    ]);
    const { at, bytes } = peakOf(whole);
    // x, aq, bq; sums of 32 bits, and 2 × 3 × 3 columns.
    expect([at, bytes]).toEqual(["QLinearConv → bq", 512 + 128 + 128 + 4 * 128 + 18 * 64]);
  });

  it("keeps a DequantizeLinear that something else reads", () => {
    const shared = graph([...convolution, "Relu ad > c"], ["bq", "c"]);
    expect(nodesOf(shared)).toContain(`DequantizeLinear aq ${scales} > ad`);
    expect(nodesOf(shared)).toContain("QLinearConv aq wq > bq");
  });

  it("stays as it is where something else reads the result, or an input is a float", () => {
    const read = [...convolution, "Relu b > c"];
    expect(nodesOf(graph(read, ["bq", "c"])).toSorted()).toEqual([...read].toSorted());
    const float = [...first, "Conv ad w > b", `QuantizeLinear b ${scales} > bq`];
    expect(nodesOf(graph(float, ["bq"]))).toEqual(float);
  });

  it("a Relu is part of what saturates, where the integers are unsigned", () => {
    const rectified = [...first, weight, "Conv ad wd > b", "Relu b > c", `QuantizeLinear c ${scales} > cq`];
    expect(nodesOf(graph(rectified, ["cq"]))).toEqual([`QuantizeLinear x ${scales} > aq`, "QLinearConv aq wq > cq"]);
  });

  it("an addition is one of integers, and a maximum is taken of what is quantised before", () => {
    const added = [...first, `DequantizeLinear bq ${scales} > bd`, "Add ad bd > c", `QuantizeLinear c ${scales} > cq`];
    expect(nodesOf(graph(added, ["cq"], ["x", "bq"]))).toEqual([
      `QuantizeLinear x ${scales} > aq`,
      "QLinearAdd aq bq > cq",
    ]);
    const pooled = graph(["Tanh x > a", "MaxPool a > e", `QuantizeLinear e ${scales} > eq`], ["eq"]);
    expect(nodesOf(pooled).map((text) => text.split(" ")[0])).toEqual(["Tanh", "QuantizeLinear", "MaxPool"]);
    // x beside a and a quantised.
    expect(liveness(pooled).peakBytes).toBe(512 + 512 + 128);
  });
});

describe("an Identity", () => {
  it("is no node, and an output behind it lives to the end", () => {
    const kept = graph(["Tanh x > a", "Identity a > b", "Tanh a > c", "MaxPool c > e"], ["b", "e"]);
    expect(nodesOf(kept)).toEqual(["Tanh x > a", "Tanh a > c", "MaxPool c > e"]);
    expect(liveness(kept).peakBytes).toBe(3 * 512 + 128);
  });
});
