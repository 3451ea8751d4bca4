/** Resize's adjoint against onnxruntime's own forward pass: it is linear in x, so that its whole matrix can be read off. */

import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { createBuilder, type Builder } from "../../src/onnx/build.ts";
import type { PlainAttributes } from "../../src/onnx/graph.ts";
import type { Value } from "../../src/onnx/value.ts";
import { normal, random, type Random } from "../../src/random.ts";
import { bytesPerElement, numbersOf, sizeOf, tensorOf } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { relativeError } from "../support/case-graphs.ts";
import { modelOf, node, noise } from "../onnx/support.ts";
import { fold } from "../../src/onnx/passes/fold.ts";
import { openWasm, runWasm, undeclared } from "../support/wasm.ts";

interface Form {
  readonly from: readonly number[];
  readonly sizes?: readonly number[];
  readonly scales?: readonly number[];
  readonly roi?: readonly number[];
  readonly attributes: PlainAttributes;
}

const resize = (op: Builder, x: Value, { sizes, scales, roi, attributes }: Form): Value => {
  const floats = (values: readonly number[] | undefined) =>
    values ? op.tensor(tensorOf("float32", [values.length], values)) : null;
  return op.Resize(x, floats(roi), floats(scales), sizes ? op.ints(sizes) : null, attributes);
};

/** Σ v·∂y/∂x of each element of x, v random: from onnxruntime's responses to every unit picture, and from the gradient graph. */
const gradients = async (form: Form) => {
  const count = sizeOf(form.from);
  const batch = [count, ...form.from.slice(1)];
  const forward = createBuilder();
  const stretched: Form = { ...form, ...(form.sizes ? { sizes: [count, ...form.sizes.slice(1)] } : {}) };
  const session = await openWasm(
    undeclared(forward.model({ y: resize(forward, forward.input("x", "float32", batch), stretched) })),
  );
  const unit = (one: number) =>
    tensorOf(
      "float32",
      batch,
      Array.from({ length: count * count }, (_, i) => one * Number(i % (count + 1) === 0)),
    );
  const [responses, absent] = [await session.run({ x: unit(1) }), await session.run({ x: unit(0) })];
  await session.close();
  const constant = numbersOf(absent["y"]!);
  const columns = numbersOf(responses["y"]!).map((v, i) => v - constant[i]!);
  return { columns, shape: responses["y"]!.shape, backward: backwardOf(form) };
};

const backwardOf = (form: Form) => {
  const op = createBuilder();
  const x = op.input("x", "float32", form.from);
  const y = resize(op, x, form);
  const [dx] = gradient(op, y, [x], op.input("v", "float32", y.shape));
  return op.model({ dx: dx! }).graph;
};

const pick = <T>(next: Random, list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
const between = (next: Random, low: number, high: number): number => low + Math.floor(next() * (high - low + 1));

const transformations =
  "half_pixel half_pixel_symmetric pytorch_half_pixel align_corners asymmetric tf_half_pixel_for_nn tf_crop_and_resize".split(
    " ",
  );
const roundings = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];

/** One axis, or both of a small picture; factors of a decimal place, of two integers, and any. */
const draw = (next: Random, mode: string, transformation: string): Form => {
  const thin = next() < 0.6;
  const from = thin ? [1, 1, 1, between(next, 2, 150)] : [1, 1, between(next, 2, 9), between(next, 2, 9)];
  const attributes = {
    mode,
    coordinate_transformation_mode: transformation,
    ...(mode === "nearest" ? { nearest_mode: pick(next, roundings) } : {}),
    ...(mode === "cubic" && next() < 0.4 ? { exclude_outside: 1, cubic_coeff_a: -0.5 } : {}),
  };
  const crops = transformation === "tf_crop_and_resize";
  const roi = crops
    ? { roi: [0, 0, 0.4 * next() - 0.1, 0.4 * next() - 0.1, 1, 1, 1.1 - 0.4 * next(), 1.1 - 0.4 * next()] }
    : {};
  const target = (d: number): number => (d === 1 ? 1 : between(next, 1, thin ? 200 : 14));
  const factor = (d: number): number => {
    if (d === 1) return 1;
    const drawn = pick(next, [between(next, 4, 40) / 10, target(d) / d, between(next, 3, 30) / between(next, 7, 11)]);
    return Math.max(drawn, 1.01 / d);
  };
  const [, , h = 1, w = 1] = from;
  return next() < 0.4
    ? { from, attributes, ...roi, sizes: [1, 1, target(h), target(w)] }
    : { from, attributes, ...roi, scales: [1, 1, factor(h), factor(w)] };
};

describe("every mode and coordinate transformation, random sizes and scales", () => {
  const forms = ["nearest", "linear", "cubic"].flatMap((mode) => transformations.map((t) => [mode, t] as const));
  it.each(forms)("%s, %s", async (mode, transformation) => {
    const next = random(3 + transformations.indexOf(transformation));
    for (let round = 0; round < 16; round++) {
      const form = draw(next, mode, transformation);
      const { columns, shape, backward } = await gradients(form);
      const out = [1, ...shape.slice(1)];
      const v = Array.from({ length: sizeOf(out) }, () => normal(next));
      const expected = Array.from({ length: sizeOf(form.from) }, (_, i) =>
        v.reduce((sum, weight, k) => sum + weight * columns[i * v.length + k]!, 0),
      );
      const seed = tensorOf("float32", out, v);
      const actual = numbersOf(interpret(backward, { x: tensorOf("float32", form.from, expected), v: seed })["dx"]!);
      const scale = Math.hypot(...expected) / Math.sqrt(expected.length) + 1e-3;
      const worst = Math.max(...actual.map((a, i) => Math.abs(a - expected[i]!)));
      expect({ form, isRight: worst / scale < 2e-4 }).toEqual({ form, isRight: true });
    }
  });
});

const constantBytes = (form: Form): number => {
  const { initializers } = backwardOf(form);
  return [...initializers.values()].reduce((sum, t) => sum + bytesPerElement(t.dtype) * t.data.length, 0);
};

describe("the constants of the backward pass take bytes in proportion to the sides, not to their product", () => {
  const modes = ["nearest", "linear", "cubic"];
  it.each([
    ["shrunk", 12372, 481],
    ["enlarged", 511, 12373],
    ["by about one", 5000, 5001],
    ["by two", 6000, 12000],
    ["to one pixel", 20000, 1],
    ["from one pixel", 1, 20000],
  ] as const)("%s, %i to %i", (_, size, resized) => {
    for (const mode of modes) {
      const along = (axis: number, d: number) => [1, 3, 16, 16].map((other, i) => (i === axis ? d : other));
      for (const axis of [2, 3]) {
        const bytes = constantBytes({ from: along(axis, size), sizes: along(axis, resized), attributes: { mode } });
        expect(bytes).toBeLessThanOrEqual(260 * (size + resized) + 1000);
      }
    }
  });

  it("a crop to a point, which every row of the output reads", () => {
    const form = {
      from: [1, 1, 1, 3000],
      sizes: [1, 1, 1, 4000],
      roi: [0, 0, 0, 0.5, 1, 1, 1, 0.5],
      attributes: { mode: "linear", coordinate_transformation_mode: "tf_crop_and_resize" },
    };
    expect(constantBytes(form)).toBeLessThanOrEqual(260 * 7000);
  });

  it("a convolution of a stride far larger than its kernel", () => {
    const op = createBuilder();
    const x = op.input("x", "float32", [1, 2, 300, 300]);
    const w = op.tensor(
      tensorOf(
        "float32",
        [3, 2, 3, 3],
        Array.from({ length: 54 }, (_, i) => i),
      ),
    );
    const y = op.Conv(x, w, { strides: [290, 290] });
    const [dx] = gradient(op, y, [x], op.input("v", "float32", y.shape));
    const { initializers } = op.model({ dx: dx! }).graph;
    const bytes = [...initializers.values()].reduce((sum, t) => sum + bytesPerElement(t.dtype) * t.data.length, 0);
    expect(bytes).toBeLessThanOrEqual(8 * 54 + 100);
  });

  it.each(["reflect", "edge", "wrap"])("copied borders: Pad, %s", (mode) => {
    const op = createBuilder();
    const x = op.input("x", "float32", [1, 3, 16, 12372]);
    const y = op.Pad(x, op.ints([0, 0, 0, 4, 0, 0, 0, 5]), { mode });
    const [dx] = gradient(op, y, [x], op.input("v", "float32", y.shape));
    const { initializers } = op.model({ dx: dx! }).graph;
    const bytes = [...initializers.values()].reduce((sum, t) => sum + bytesPerElement(t.dtype) * t.data.length, 0);
    expect(bytes).toBeLessThanOrEqual(20 * 12372);
  });
});

describe("factors whose product with the size is a whole number in float32 alone", () => {
  it.each([
    ["nearest", "asymmetric", "floor"],
    ["nearest", "half_pixel", "round_prefer_floor"],
    ["linear", "half_pixel", undefined],
    ["cubic", "align_corners", undefined],
  ] as const)(
    "%s, %s: what is loaded can be run, with its shapes declared, and gives the same",
    async (mode, transformation, rounding) => {
      const x = noise([1, 2, 30, 15], 4);
      const scales = tensorOf("float32", [4], [1, 1, 4 / 3, 1.4]);
      const attributes = { mode, coordinate_transformation_mode: transformation, nearest_mode: rounding };
      const nodes = [node("Resize", ["x", "", "scales"], ["z"], attributes), node("Mul", ["z", "z"], ["y"])];
      const original = modelOf({ opset: 13, inputs: { x }, initializers: { scales }, nodes, outputs: ["y"] });
      const folded = fold(original);
      expect(folded.graph.outputs[0]!.shape).toEqual([1, 2, 40, 21]);
      const [expected, actual] = [await runWasm(undeclared(original), { x }), await runWasm(folded, { x })];
      expect(relativeError(actual["y"]!, expected["y"]!)).toBeLessThan(1e-6);
    },
  );
});
