/** Quantised graphs lowered for WebGPU have onnxruntime's own integers: on WASM, without a GPU. */

import { describe, expect, it } from "vitest";
import { lowerForWebGpu } from "../../../src/lowering/webgpu/webgpu.ts";
import { createBuilder } from "../../../src/onnx/build.ts";
import type { Model, PlainAttributes } from "../../../src/onnx/graph.ts";
import { random } from "../../../src/random.ts";
import { numbersOf, sizeOf, tensorOf, type Tensor } from "../../../src/tensor.ts";
import { runWasm } from "../../support/wasm.ts";

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
