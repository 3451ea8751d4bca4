import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { intsOf, type Model } from "../../src/onnx/graph.ts";
import { load } from "../../src/onnx/load.ts";
import { readModel } from "../../src/onnx/read.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { affineOf, dequantizeValue, quantizeValue, rangeOf, type Affine } from "../../src/quantize/affine.ts";
import { convolutionsOf } from "../../src/quantize/convolution.ts";
import { insertQuantization } from "../../src/quantize/insert.ts";
import { withOutputs } from "../../src/quantize/observe.ts";
import { quantize } from "../../src/quantize/quantize.ts";
import { dequantizeWeights, quantizeWeights } from "../../src/quantize/weights.ts";
import { numbersOf, type Tensor } from "../../src/tensor.ts";
import { noise } from "../onnx/support.ts";
import { interpret } from "../support/interpreter.ts";
import { runWasm } from "../support/wasm.ts";
import { bottleneck, integers, linear, open, shape } from "./networks.ts";

const x = noise(shape, 77);
const calibrated = (model: Model) => quantize(model, { feeds: [{ x }], open, arithmetic: integers });
let once: ReturnType<typeof calibrated> | undefined;
const quantizedBottleneck = () => (once ??= calibrated(bottleneck()));
const opsOf = ({ graph }: Model) => graph.nodes.map((n) => n.op);

/** The float model whose weights are those that the quantised one computes with. */
const withRoundedWeights = (model: Model): Model => {
  const initializers = new Map(model.graph.initializers);
  for (const { node, weights, axis } of convolutionsOf(model.graph)) {
    initializers.set(node.inputs[1]!, dequantizeWeights(quantizeWeights(weights, axis), axis));
  }
  return { ...model, graph: { ...model.graph, initializers } };
};

/** A convolution as integer hardware does it: Σ (qx − zx)·qw + qb in integers, one multiplication, one rounding. */
const integerConvolution = (model: Model, y: string, input: Tensor, from: Affine, to: Affine): number[] => {
  const { node, weights, bias } = convolutionsOf(model.graph).find((c) => c.y === y)!;
  const { values, scales } = quantizeWeights(weights, 0);
  const [m, c, kh, kw] = weights.shape as [number, number, number, number];
  const [, , h, w] = input.shape as [number, number, number, number];
  const [top, left] = intsOf(node, "pads", [0, 0, 0, 0]) as [number, number];
  const q = numbersOf(input).map((v) => quantizeValue(from, v) - from.zeroPoint);
  return Array.from({ length: m * h * w }, (_, at) => {
    const [o, row, column] = [Math.floor(at / (h * w)), Math.floor(at / w) % h, at % w];
    const unit = Math.fround(scales.data[o]! * from.scale);
    let sum = bias ? Math.round(bias.data[o]! / unit) : 0;
    for (let tap = 0; tap < c * kh * kw; tap++) {
      const [channel, i, j] = [Math.floor(tap / (kh * kw)), Math.floor(tap / kw) % kh, tap % kw];
      const [r, s] = [row + i - top, column + j - left];
      if (r < 0 || r >= h || s < 0 || s >= w) continue;
      sum += q[(channel * h + r) * w + s]! * values.data[(o * c + channel) * kh * kw + i * kw + j]!;
    }
    return quantizeValue(to, sum * scales.data[o]! * from.scale);
  });
};

describe("a quantised network", () => {
  it("has one pair a value, and none between two integer convolutions", async () => {
    const { model, arithmetic } = await quantizedBottleneck();
    expect(Object.fromEntries(arithmetic)).toEqual({
      c1: "integer",
      c2: "integer",
      c3: "integer",
      c4: "integer",
      y: "weights",
    });
    // x (for c1 and c4), c1, a1, c2 (not again for c3), c3, c4.
    expect(opsOf(model).filter((op) => op === "QuantizeLinear")).toHaveLength(6);
    const dtypes = (prefix: string) =>
      [...model.graph.initializers].filter(([n]) => n.startsWith(prefix)).map(([, t]) => t.dtype);
    for (const w of ["w1", "w2", "w3", "w4", "wt"]) expect(dtypes(w)).toEqual(["int8", "float32", "int8"]);
    expect(dtypes("b1")).toEqual(["int32", "float32", "int32"]);
    expect(model.graph.inputs).toEqual(bottleneck().graph.inputs);
    expect(model.graph.outputs).toEqual(bottleneck().graph.outputs);
  });

  it.each([
    ["c1", "x"],
    ["c4", "x"],
    ["c2", "a1"],
    ["c3", "c2"],
  ])("computes %s as integers would, exactly", async (y, from) => {
    const { model, activations } = await quantizedBottleneck();
    const names = from === "x" ? [y] : [y, from];
    const { [y]: output, [from]: input } = interpret(withOutputs(model, names).graph, { x });
    const [read, written] = [activations.get(from)!, activations.get(y)!];
    const expected = integerConvolution(bottleneck(), y, input ?? x, read, written);
    const actual = numbersOf(output!).map((v) => quantizeValue(written, v));
    expect(actual).toEqual(expected);
    expect(new Set(actual).size).toBeGreaterThan(60);
  });

  it("is close to the float network", async () => {
    const [{ model }, float] = [await quantizedBottleneck(), interpret(bottleneck().graph, { x })];
    const [a, b] = [numbersOf(interpret(model.graph, { x })["y"]!), numbersOf(float["y"]!)];
    const error = Math.hypot(...a.map((v, i) => v - b[i]!)) / Math.hypot(...b);
    expect(error).toBeGreaterThan(1e-4);
    expect(error).toBeLessThan(0.02);
  });

  it.each(["c1", "c2", "c3", "c4"])("gives the same %s in WASM, fused, within a step", async (y) => {
    const { model, activations } = await quantizedBottleneck();
    const part = withOutputs(model, [y]);
    const [wasm, defined] = [(await runWasm(part, { x }))[y]!, interpret(part.graph, { x })[y]!];
    const step = activations.get(y)!.scale;
    const steps = numbersOf(wasm).map((v, i) => Math.abs(v - numbersOf(defined)[i]!) / step);
    expect(Math.max(...steps)).toBeLessThanOrEqual(1.001);
  });

  it("reads back as it was written", async () => {
    const { model } = await quantizedBottleneck();
    const again = readModel(writeModel(model));
    expect(interpret(again.graph, { x })).toEqual(interpret(model.graph, { x }));
  });

  it("is refused when it is quantised again, and for opsets without scales along an axis", async () => {
    const { model } = await calibrated(linear());
    await expect(calibrated(model)).rejects.toThrow(/quantised already: it has \w+Linear/);
    const [node] = linear().graph.nodes;
    const named = { ...model, graph: { ...model.graph, nodes: [{ ...node!, op: "QLinearConv" }] } };
    expect(() => insertQuantization(named, { arithmetic: integers, activations: new Map() })).toThrow(
      /it has QLinearConv/,
    );
    await expect(calibrated({ ...linear(), opset: 12 })).rejects.toThrow("opset 12 is too old");
    const plan = { arithmetic: integers, activations: new Map() };
    expect(() => insertQuantization(linear(), plan)).toThrow('activation "x": has no scale');
  });

  it("keeps a large bias over small weights within 32 bits", () => {
    const model = linear();
    const tiny = new Map([
      ...model.graph.initializers,
      ["w1", { ...noise([4, 3, 3, 3]), data: new Float32Array(108).fill(1e-12) }],
    ]);
    const one = affineOf({ low: -1, high: 1 });
    const activations = new Map(["x", "c1", "y"].map((name) => [name, one]));
    const { graph } = insertQuantization(
      { ...model, graph: { ...model.graph, initializers: tiny } },
      { arithmetic: integers, activations },
    );
    const scale = graph.initializers.get("b1_scale")!;
    const bias = numbersOf(graph.initializers.get("b1_quantized")!).map((q, c) => q * Number(scale.data[c]));
    for (const [c, b] of noise([4], 3).data.entries()) expect(bias[c]).toBeCloseTo(b, 6);
  });
});

describe("the straight-through gradient of a quantised network", () => {
  const cotangent = noise([1, 2, 5, 5], 90);
  const gradientOf = (model: Model, at: Tensor): number[] => {
    const op = createBuilder();
    const input = op.input("x", "float32", shape);
    const { y } = load(op, model, { x: input });
    const seed = op.input("seed", "float32", y!.shape);
    const [dx] = gradient(op, y!, [input], seed);
    return numbersOf(interpret(op.model({ dx: dx! }).graph, { x: at, seed: cotangent })["dx"]!);
  };
  const wide = affineOf({ low: -100, high: 100 });
  const plan = (input: Affine) => ({
    arithmetic: integers,
    activations: new Map([
      ["x", input],
      ["c1", wide],
      ["y", affineOf({ low: -1000, high: 1000 })],
    ]),
  });

  it("is that of the float network on the rounded weights where nothing saturates", () => {
    const quantized = gradientOf(insertQuantization(linear(), plan(wide)), x);
    const float = gradientOf(withRoundedWeights(linear()), x);
    expect(Math.hypot(...float)).toBeGreaterThan(1);
    for (const [i, v] of float.entries()) expect(quantized[i]).toBeCloseTo(v, 4);
  });

  it("is zero at the inputs that saturate, and unchanged at the others", () => {
    const narrow = affineOf({ low: -0.5, high: 0.75 });
    const { low, high } = rangeOf(narrow);
    const quantized = gradientOf(insertQuantization(linear(), plan(narrow)), x);
    const float = gradientOf(withRoundedWeights(linear()), x);
    const inside = numbersOf(x).map((v) => v > low + narrow.scale / 2 && v < high - narrow.scale / 2);
    expect(inside.filter(Boolean).length).toBeGreaterThan(50);
    expect(inside.filter((v) => !v).length).toBeGreaterThan(50);
    for (const [i, v] of float.entries()) expect(quantized[i]).toBeCloseTo(inside[i] ? v : 0, 4);
    expect(dequantizeValue(narrow, 0)).toBe(low);
  });
});
