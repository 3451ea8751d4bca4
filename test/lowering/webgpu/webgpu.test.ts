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

describe("quantisation", () => {
  /** Multiples of a quarter of the scale: many lie halfway between two integers, some beyond the range. */
  const feeds = {
    x: tensorOf(
      "float32",
      [1, 2, 32, 32],
      Array.from({ length: 2048 }, (_, i) => (i - 1024) * 0.0625),
    ),
  };
  const types = [
    ["uint8", 128],
    ["uint8", 0],
    ["int8", -3],
    ["int16", 7],
    ["uint16", 32768],
  ] as const;

  it.each(types)("to %s around %i gives the same numbers, halves and saturation included", async (dtype, zero) => {
    const op = createBuilder();
    const [scale, zeroPoint] = [op.constant(0.25), op.constant(zero, dtype)];
    const q = op.QuantizeLinear(op.input("x", "float32", [1, 2, 32, 32]), scale, zeroPoint);
    const model = op.model({ q, y: op.DequantizeLinear(q, scale, zeroPoint) });
    const lowered = lowerForWebGpu(model);
    expect(lowered.graph.nodes.map((n) => n.op)).not.toContain("QuantizeLinear");
    const [actual, expected] = [await runWasm(lowered, feeds), await runWasm(model, feeds)];
    expect(numbersOf(actual["y"]!)).toEqual(numbersOf(expected["y"]!));
    expect(actual["q"]).toEqual(expected["q"]);
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

describe("a convolution of quantised tensors", () => {
  const shape = [1, 8, 96, 128]; // so many values that one in ten thousand counts
  const weights = (of: readonly number[]): Tensor => {
    const next = random(3);
    return tensorOf(
      "int8",
      of,
      Array.from({ length: sizeOf(of) }, () => Math.floor(255 * next()) - 127),
    );
  };

  interface Form {
    readonly attributes?: PlainAttributes;
    readonly kernel?: readonly number[];
    readonly bias?: boolean;
    readonly perChannel?: boolean;
    readonly relu?: boolean;
    readonly zeroPoint?: number;
    /** What the bias counts in all channels; without, what each channel's sum counts. */
    readonly biasScale?: number | "the first channel's";
    /** Of the weights' scales. */
    readonly sign?: -1;
  }

  /** The layer as exporters write it: DequantizeLinear on all that goes in, QuantizeLinear behind. */
  const layer = (form: Form): Model => {
    const {
      attributes = {},
      kernel = [12, 8, 3, 3],
      bias,
      biasScale,
      perChannel,
      relu,
      zeroPoint = 131,
      sign = 1,
    } = form;
    const op = createBuilder();
    const next = random(11);
    const number = (v: number) => op.tensor(tensorOf("float32", [], [v]), "scale");
    const byte = (v: number) => op.tensor(tensorOf("uint8", [], [v]), "zero_point");
    const channels = kernel[0]!;
    const scales = Array.from({ length: perChannel ? channels : 1 }, () => Math.fround(sign * (0.001 + 0.01 * next())));
    const perOutput = (values: readonly number[]) =>
      op.tensor(tensorOf("float32", values.length === 1 ? [] : [values.length], values), "scales");
    const units = scales.map((s) => Math.fround(Math.fround(0.031) * s));
    const biasScales = biasScale === undefined ? units : [typeof biasScale === "number" ? biasScale : units[0]!];
    const x = op.DequantizeLinear(
      op.QuantizeLinear(op.input("x", "float32", shape), number(0.031), byte(97)),
      number(0.031),
      byte(97),
    );
    const zeros = op.tensor(
      tensorOf(
        "int8",
        perChannel ? [channels] : [],
        scales.map(() => 0),
      ),
      "zeros",
    );
    const w = op.DequantizeLinear(op.tensor(weights(kernel), "w"), perOutput(scales), zeros, { axis: 0 });
    const b = op.DequantizeLinear(
      op.tensor(
        tensorOf(
          "int32",
          [channels],
          Array.from({ length: channels }, (_, i) => 997 * i - 4000),
        ),
        "b",
      ),
      perOutput(biasScales),
      null,
      { axis: 0 },
    );
    const y = op.Conv(x, w, bias ? b : null, attributes);
    const q = op.QuantizeLinear(relu ? op.Relu(y) : y, number(0.27), byte(zeroPoint));
    return op.model({ codes: op.cast(q, "int32") });
  };

  const forms: readonly (readonly [string, Form])[] = [
    ["", {}],
    ["with a bias", { bias: true }],
    ["with scales for each channel, and a bias", { perChannel: true, bias: true }],
    ["padded, by the zero point", { attributes: { pads: [1, 1, 1, 1] }, bias: true }],
    ["in groups", { attributes: { group: 4 }, kernel: [12, 2, 3, 3], perChannel: true }],
    ["pointwise", { kernel: [16, 8, 1, 1], perChannel: true, bias: true }],
    ["dilated, with strides", { attributes: { dilations: [2, 2], strides: [2, 1], pads: [2, 2, 2, 2] } }],
    // With another zero point onnxruntime has no integer kernel for it.
    ["through a ReLU whose zero is the lowest code", { relu: true, bias: true, zeroPoint: 0 }],
    // On floats in both.
    ["with a bias in units of its own", { bias: true, biasScale: 0.0005 }],
    ["with a bias in the first channel's units", { perChannel: true, bias: true, biasScale: "the first channel's" }],
    ["with weights of a negative scale, through a ReLU", { relu: true, zeroPoint: 0, sign: -1 }],
  ];

  it.each(forms)("gives onnxruntime's own integers %s", async (_, form) => {
    const model = layer(form);
    const next = random(2);
    const x = tensorOf(
      "float32",
      shape,
      Array.from({ length: sizeOf(shape) }, () => 8 * next() - 3),
    );
    const expected = numbersOf((await runWasm(model, { x }))["codes"]!);
    expect(new Set(expected).size).toBeGreaterThan(30);
    const actual = numbersOf((await runWasm(lowerForWebGpu(model), { x }))["codes"]!);
    // A difference of whole lists would take minutes to print.
    expect(actual.flatMap((v, i) => (v === expected[i] ? [] : `${i}: ${v}, not ${expected[i]}`)).slice(0, 8)).toEqual(
      [],
    );
    expect(actual).toHaveLength(expected.length);
  });
});
