/** Operators that are written with others where onnxruntime-web lacks them: against their definitions by loops, in float64, with gradients. */

import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { newerOperators } from "../../src/onnx/decompose.ts";
import { OnnxError } from "../../src/onnx/graph.ts";
import { load } from "../../src/onnx/load.ts";
import { fold } from "../../src/onnx/passes/fold.ts";
import { random } from "../../src/random.ts";
import { numbersOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { cases, opset } from "./newer-cases.ts";
import { define, reader, type NewCase } from "./newer-definitions.ts";
import { float, ints, modelOf, node, noise, runModel } from "./support.ts";
it("each operator has a case", () => {
  expect(newerOperators.filter((name) => !cases.some((c) => c.operator === name))).toEqual([]);
});

const modelFor = ({ operator, inputs, fixed = [], attributes }: NewCase) => {
  const parts = (wanted: boolean): Record<string, Tensor> =>
    Object.fromEntries(inputs.flatMap((t, i) => (t && fixed.includes(i) === wanted ? [[`x${i}`, t]] : [])));
  const [constant, fed] = [parts(true), parts(false)];
  const nodes = [node(operator, inputs.map((t, i) => (t ? `x${i}` : "")), ["y"], attributes)]; // prettier-ignore
  return {
    model: modelOf({ opset: opset[operator] ?? 21, inputs: fed, initializers: constant, nodes, outputs: ["y"] }),
    feeds: fed,
  };
};

const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...b.map((v, i) => Math.abs(v - a[i]!) / (1 + Math.abs(v))));

describe.each(cases.map((c) => [`${c.operator}: ${c.name}`, c] as const))("%s", (_, c) => {
  const [shape, f] = c.y;
  const { model, feeds } = modelFor(c);
  const expected = (inputs: readonly (Tensor | null)[]) =>
    define(shape, f(inputs.map((t) => (t ? reader(t) : () => 0))));

  it("is its definition, in float64 and in onnxruntime", async () => {
    const folded = fold(model);
    expect(folded.graph.outputs[0]!.shape).toEqual(shape);
    expect(distance(numbersOf(interpret(folded.graph, feeds)["y"]!), expected(c.inputs))).toBeLessThan(1e-6);
    expect(distance(numbersOf((await runModel(folded, feeds))["y"]!), expected(c.inputs))).toBeLessThan(1e-5);
  });

  it.skipIf(c.operator === "EyeLike" || c.isForward)(
    "has the derivative of its definition by every float input",
    () => {
      const op = createBuilder();
      const values = Object.fromEntries(
        Object.entries(feeds).map(([name, t]) => [name, op.input(name, t.dtype, t.shape)]),
      );
      const y = load(op, model, values)["y"]!;
      const seed = noise(shape, 21);
      const sources = Object.values(values);
      const gradients = gradient(op, y, sources, op.tensor(seed));
      const results = interpret(op.graph(Object.fromEntries(gradients.map((v, i) => [`d${i}`, v]))), feeds);
      const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);
      for (const [i, { name, shape: own }] of sources.entries()) {
        const direction = numbersOf(noise(own, 30 + i));
        const along = (t: number) => {
          const moved = tensorOf("float64", own, numbersOf(feeds[name]!).map((v, k) => v + t * direction[k]!)); // prettier-ignore
          return dot(expected(c.inputs.map((x, k) => (`x${k}` === name ? moved : x))), numbersOf(seed));
        };
        const quotient = (4 * (along(5e-6) - along(-5e-6)) * 1e5 - ((along(1e-5) - along(-1e-5)) * 1e5) / 2) / 3;
        const actual = dot(numbersOf(results[`d${i}`]!), direction);
        expect(Math.abs(actual - quotient)).toBeLessThan(1e-5 * (1 + Math.abs(quotient)));
      }
    },
  );
});

const roiAlign = { output_height: 2, output_width: 3, spatial_scale: 0.5 };

it.each([
  ["RoiAlign", 16, { ...roiAlign, sampling_ratio: 2 }],
  ["RoiAlign", 16, roiAlign],
  ["RoiAlign", 16, { ...roiAlign, coordinate_transformation_mode: "output_half_pixel" }],
  ["RoiAlign", 10, { ...roiAlign, sampling_ratio: 3 }],
  ["MaxRoiPool", 13, { pooled_shape: [3, 2], spatial_scale: 0.4 }],
] as const)(
  "%s of opset %i and %o is onnxruntime's own, forward and by difference quotients",
  async (op, version, attributes) => {
    const next = random(5);
    const [x, seed] = [noise([2, 3, 9, 8], 3), noise([12, 3, 2, 3], 9)];
    const corners = Array.from({ length: 12 }, () => {
      const [a, b] = [next() * 24 - 4, next() * 24 - 4];
      return [a, b, a + next() * 16 - 1, b + next() * 16 - 1];
    });
    const images = corners.map((_, r) => r % 2);
    const isAlign = op === "RoiAlign";
    const rois = isAlign
      ? tensorOf("float32", [12, 4], corners.flat())
      : tensorOf(
          "float32",
          [12, 5],
          corners.flatMap((own, r) => [images[r]!, ...own]),
        );
    const model = modelOf({
      opset: version,
      inputs: { x },
      initializers: isAlign ? { rois, images: ints(...images) } : { rois },
      nodes: [node(op, isAlign ? ["x", "rois", "images"] : ["x", "rois"], ["y"], attributes)],
      outputs: ["y"],
    });
    const builder = createBuilder();
    const input = builder.input("x", "float32", x.shape);
    const y = load(builder, model, { x: input })["y"]!;
    const [dx] = gradient(builder, y, [input], builder.tensor(tensorOf("float32", y.shape, numbersOf(seed))));
    const ours = await runModel(builder.model({ y, dx: dx! }), { x });
    const own = async (t: number, direction: readonly number[]) => {
      const moved = tensorOf(
        "float32",
        x.shape,
        numbersOf(x).map((v, i) => v + t * direction[i]!),
      );
      return numbersOf((await runModel(model, { x: moved }))["y"]!);
    };
    const direction = numbersOf(noise(x.shape, 12));
    expect(distance(numbersOf(ours["y"]!), await own(0, direction))).toBeLessThan(2e-6);
    const [after, before] = [await own(1e-3, direction), await own(-1e-3, direction)];
    const quotient = numbersOf(seed).reduce((sum, v, i) => sum + (v * (after[i]! - before[i]!)) / 2e-3, 0);
    const ownDerivative = numbersOf(ours["dx"]!).reduce((sum, v, i) => sum + v * direction[i]!, 0);
    expect(Math.abs(ownDerivative - quotient)).toBeLessThan(2e-3 * (1 + Math.abs(quotient)));
  },
);

it.each([
  ["RoiAlign", [noise([1, 1, 4, 4]), noise([2, 4]), ints(0, 1)], {}, /image 1 of 1/],
  ["RoiAlign", [noise([1, 1, 4, 4]), noise([2, 5]), ints(0, 0)], {}, /\[R, 4\]/],
  ["RoiAlign", [noise([1, 1, 4, 4]), noise([2, 4]), ints(0, 0)], { mode: "max" }, /mode "max" is not supported/],
  ["RoiAlign", [noise([1, 1, 4, 4]), noise([2, 4]), ints(0, 0)], { sampling_ratio: 2 ** 28 }, /samples; at most/],
  ["RoiAlign", [noise([1, 1, 4, 4]), float([1, 4], [0, 0, 1e9, 1e9]), ints(0)], {}, /samples; at most/],
  ["MaxRoiPool", [noise([1, 1, 4, 4]), noise([2, 5])], { pooled_shape: [2 ** 20, 2 ** 20] }, /samples; at most/],
  ["MaxRoiPool", [noise([1, 1, 4, 4]), noise([2, 5])], { pooled_shape: [2] }, /two numbers/],
] as const)("%s refuses what does not fit, case %#", (operator, inputs, attributes, message) => {
  const nodes = [node(operator, inputs.map((_, i) => `x${i}`), ["y"], attributes)]; // prettier-ignore
  const initializers = Object.fromEntries(inputs.slice(1).map((t, i) => [`x${i + 1}`, t]));
  const model = modelOf({ inputs: { x0: inputs[0] }, initializers, nodes, outputs: ["y"] });
  expect(() => fold(model)).toThrow(message);
});

it.each([
  ["RoiAlign", [noise([1, 1, 4, 4]), noise([2, 4]), ints(0, 0)], {}],
  ["MaxRoiPool", [noise([1, 1, 4, 4]), noise([2, 5])], { pooled_shape: [2, 2] }],
] as const)("%s refuses regions that depend on data, by name", (operator, inputs, attributes) => {
  const names = inputs.map((_, i) => `x${i}`);
  const fed = Object.fromEntries(inputs.map((t, i) => [names[i], t]));
  const model = modelOf({ inputs: fed, nodes: [node(operator, names, ["y"], attributes)], outputs: ["y"] });
  expect(() => fold(model)).toThrow(/regions "\w+" depend on data/);
});

it.each([
  ["Attention", [noise([1, 4, 7]), noise([1, 4, 6]), noise([1, 4, 6])], { q_num_heads: 2, kv_num_heads: 2 }],
  ["Col2Im", [noise([1, 5, 4]), ints(4, 4), ints(2, 2)], {}],
  ["DeformConv", [noise([1, 2, 4, 4]), noise([2, 2, 3, 3]), noise([1, 17, 2, 2])], {}],
  ["EyeLike", [noise([2])], {}],
  ["AffineGrid", [noise([1, 2, 2]), ints(1, 1, 2, 2)], {}],
  ["CenterCropPad", [noise([2, 2]), ints(1)], {}],
] as const)("%s refuses what does not fit", (operator, inputs, attributes) => {
  const nodes = [node(operator, inputs.map((_, i) => `x${i}`), ["y"], attributes)]; // prettier-ignore
  const initializers = Object.fromEntries(inputs.slice(1).map((t, i) => [`x${i + 1}`, t]));
  const model = modelOf({ opset: 25, inputs: { x0: inputs[0] }, initializers, nodes, outputs: ["y"] });
  expect(() => fold(model)).toThrow(OnnxError);
});
