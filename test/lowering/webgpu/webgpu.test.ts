/** Graphs lowered for WebGPU mean the same, ties included: on WASM, without a GPU. */

import { describe, expect, it, test } from "vitest";
import { gradient } from "../../../src/autodiff/gradient.ts";
import { capturable, offGpu } from "../../../src/lowering/webgpu/kernels.ts";
import { gpuLoweredOperators, lowerForWebGpu } from "../../../src/lowering/webgpu/webgpu.ts";
import { createBuilder, type Builder } from "../../../src/onnx/build.ts";
import type { Model, PlainAttributes } from "../../../src/onnx/graph.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { random } from "../../../src/random.ts";
import { numbersOf, sizeOf, tensorOf, type Tensor } from "../../../src/tensor.ts";
import { cases, titleOf } from "../../support/cases/all.ts";
import { graphsOf, relativeError } from "../../support/case-graphs.ts";
import { interpret } from "../../support/interpreter.ts";
import { runWasm, undeclared } from "../../support/wasm.ts";

describe("the lowered graph of a case, and of its gradient, gives what the plain one gives", () => {
  test.each(cases.map((c) => [titleOf(c), c] as const))("%s", async (_, c) => {
    for (const [model, feeds] of graphsOf(c)) {
      const declared = (m: Model): Model => (c.undeclared ? undeclared(m) : m);
      const expected = await runWasm(declared(model), feeds);
      const actual = await runWasm(declared(lowerForWebGpu(model)), feeds);
      for (const [name, t] of Object.entries(expected)) {
        expect([actual[name]!.dtype, actual[name]!.shape]).toEqual([t.dtype, t.shape]);
        expect(relativeError(actual[name]!, t)).toBeLessThanOrEqual(1e-6);
      }
    }
  });
});

/**
 * What has no kernel: what computes on 64 bits, five operators, and forms: quantisation by blocks and the masks of its codes, int8 as an output, transposed
 * convolution of volumes, Resize of one axis or between the others, Einsum that broadcasts.
 */
const left = (title: string, node: string): boolean =>
  /64|^(Dropout|ReverseSequence|IsNaN|IsInf|Hardmax)/.test(node) ||
  [
    [/per block/, /^(QuantizeLinear|(Greater|Less)\(u?int8)/],
    [/s8 saturates|output_dtype/, /^Cast/],
    [/three spatial axes/, /^ConvTranspose/],
    [/one axis|channels last/, /^Resize/],
    [/ellipsis|broadcast/, /^Einsum/],
    [/float indices/, /^OneHot/],
  ].some(([form, operator]) => form!.test(title) && operator!.test(node));

test("no other node of any case is left to the CPU", () => {
  const remaining = cases.flatMap((c) =>
    graphsOf(c).flatMap(([model]) =>
      offGpu(lowerForWebGpu(model).graph).flatMap((node) => (left(titleOf(c), node) ? [] : `${titleOf(c)}: ${node}`)),
    ),
  );
  expect(remaining).toEqual([]);
});

test("every operator that is lowered has a case", () => {
  const used = new Set(cases.flatMap((c) => graphsOf(c).flatMap(([m]) => m.graph.nodes.map((n) => n.op))));
  const moved = new Set(["Slice", "Pad", "Tile"]); // of Booleans, or of int32
  expect(gpuLoweredOperators.filter((op) => !used.has(op) && !moved.has(op))).toEqual([]);
});

/** Few levels, so that most windows have ties. */
const tied = (shape: readonly number[], seed: number): Tensor<"float32"> => {
  const next = random(seed);
  return tensorOf(
    "float32",
    shape,
    Array.from({ length: sizeOf(shape) }, () => Math.floor(3 * next()) - 1),
  );
};

const windows: readonly (readonly [string, PlainAttributes])[] = [
  ["2×2 stride 2", { kernel_shape: [2, 2], strides: [2, 2] }],
  ["2×2 stride 2 padded", { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 0, 0, 1] }],
  ["3×3 stride 3", { kernel_shape: [3, 3], strides: [3, 3] }],
  ["3×3 stride 2 padded", { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
  ["3×3 stride 1 padded", { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] }],
  ["2×3 stride 3×1, dilated", { kernel_shape: [2, 3], strides: [3, 1], dilations: [1, 2] }],
  ["2×2 stride 2 overhanging", { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }],
];

/** The second is tiled by windows of 2×2 and of 3×3. */
const shapes = [
  [2, 3, 9, 11],
  [2, 3, 6, 12],
];

describe.each(
  windows.flatMap(([title, window]) =>
    shapes.map((shape) => [`${title} of ${shape.join("×")}`, window, shape] as const),
  ),
)("a pooling with ties, %s", (_, window, shape) => {
  const feeds = { x: tied(shape, 5) };
  /** What the graph and its lowered form give, each in onnxruntime and by definition. */
  const outcomes = async (build: (op: Builder, x: Value) => Readonly<Record<string, Value>>) => {
    const op = createBuilder();
    const model = op.model(build(op, op.input("x", "float32", shape)));
    const lowered = lowerForWebGpu(model);
    const given = async (m: Model) =>
      [await runWasm(m, feeds), interpret(m.graph, feeds)].map((outputs) =>
        Object.entries(outputs).map(([name, t]) => [name, numbersOf(t)]),
      );
    const off = offGpu(lowered.graph).filter((n) => !n.startsWith("Identity"));
    return { off, actual: await given(lowered), expected: await given(model) };
  };
  const pooled = (op: Builder, x: Value) => op.append("MaxPool", [x], window, 2) as readonly [Value, Value];

  it("says the first of the maxima", async () => {
    const { off, actual, expected } = await outcomes((op, x) => {
      const [y, indices] = pooled(op, x);
      return { y, indices };
    });
    expect(actual).toEqual(expected);
    expect(off).toEqual([]);
  });

  it("takes its gradient to the first of the maxima, adding up where windows share it", async () => {
    const { off, actual, expected } = await outcomes((op, x) => {
      const [y] = pooled(op, x);
      // Whole numbers: sums are exact in any order.
      const cotangent = op.tensor(tied(y.shape, 7), "cotangent");
      return { dx: gradient(op, y, [x], cotangent)[0]! };
    });
    expect(actual).toEqual(expected);
    expect(off).toEqual([]);
  });

  it("is undone, a later one taking the place of an earlier one", async () => {
    const { off, actual, expected } = await outcomes((op, x) => {
      const [y, indices] = pooled(op, x);
      const attributes = { kernel_shape: [1, 1], strides: [1, 1] };
      const numbers = op.Add(op.CumSum(op.CumSum(y, op.constant(2, "int64")), op.constant(3, "int64")), y);
      return { z: op.MaxUnpool(numbers, indices, op.ints(shape), attributes) };
    });
    expect(actual).toEqual(expected);
    expect(off).toEqual([]);
  });
});

test("an absent last input is left out: the provider takes it for one of rank 0", () => {
  const op = createBuilder();
  const x = op.input("x", "float32", [1, 2, 4, 4]);
  const w = op.tensor(tied([2, 2, 1, 1], 1), "w");
  const { graph } = lowerForWebGpu(op.model({ y: op.Conv(x, w, null, {}) }));
  expect(graph.nodes.find((n) => n.op === "Conv")!.inputs).toHaveLength(2);
});

test("no output is a copy: of views, and of inputs, a captured graph would give wrong numbers", () => {
  const op = createBuilder();
  const x = op.input("x", "float32", [2, 3]);
  const { graph } = lowerForWebGpu(op.model({ view: op.Reshape(op.Exp(x), op.ints([6])), same: x, y: op.Neg(x) }));
  const named = new Map(graph.nodes.flatMap((n) => n.outputs.map((output) => [output, n])));
  const behind = (name: string): string => {
    const node = named.get(name);
    return node?.op === "Identity" ? behind(node.inputs[0]!) : (node?.op ?? "none");
  };
  expect(graph.outputs.map(({ name }) => behind(name))).toEqual(["Max", "Max", "Neg"]);
});

test("what scatters is not captured", () => {
  const op = createBuilder();
  const x = op.input("x", "float32", [4]);
  const at = op.input("at", "int32", [2]);
  const updates = op.input("updates", "float32", [2]);
  expect(capturable(op.model({ y: op.Neg(x) }).graph)).toBe(true);
  expect(capturable(lowerForWebGpu(op.model({ y: op.ScatterElements(x, at, updates) })).graph)).toBe(false);
});
