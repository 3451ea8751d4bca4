/** A convolution of a SpaceToDepth as one with a stride, on WASM, without a GPU. */

import { expect, test } from "vitest";
import { lowerForWebGpu } from "../../../src/lowering/webgpu/webgpu.ts";
import { createBuilder } from "../../../src/onnx/build.ts";
import { random } from "../../../src/random.ts";
import { numbersOf, sizeOf, tensorOf, type Tensor } from "../../../src/tensor.ts";
import { interpret } from "../../support/interpreter.ts";
import { runWasm } from "../../support/wasm.ts";

const next = random(5);
/** Whole numbers, whose sums are exact in any order. */
const whole = (shape: readonly number[]): Tensor<"float32"> =>
  tensorOf(
    "float32",
    shape,
    Array.from({ length: sizeOf(shape) }, () => Math.floor(9 * next()) - 4),
  );

test.each([
  ["1×1", 2, [1, 1], {}],
  ["1×1 in blocks of three, with a bias", 3, [1, 1], { bias: true }],
  ["3×2, padded", 2, [3, 2], { pads: [1, 0, 2, 1] }],
  ["2×2 with strides, with a bias", 2, [2, 2], { strides: [2, 1], bias: true }],
] as const)("%s is the convolution of the image itself", async (_, blocksize, kernel, options) => {
  const { bias = false, ...window } = { ...options } as { bias?: boolean; pads?: number[]; strides?: number[] };
  const op = createBuilder();
  const x = op.input("x", "float32", [2, 3, 12, 18]);
  const blocks = op.SpaceToDepth(x, { blocksize });
  const w = op.tensor(whole([5, blocks.shape[1]!, ...kernel]), "w");
  const model = op.model({ y: op.Conv(blocks, w, bias ? op.tensor(whole([5]), "bias") : null, window) });
  const lowered = lowerForWebGpu(model);
  expect(lowered.graph.nodes.map((n) => n.op).filter((name) => name !== "Identity")).toEqual(["Conv"]);
  const feeds = { x: whole([2, 3, 12, 18]) };
  const y = (await runWasm(lowered, feeds))["y"]!;
  expect(y.shape).toEqual(interpret(model.graph, feeds)["y"]!.shape);
  expect(numbersOf(y)).toEqual(numbersOf(interpret(model.graph, feeds)["y"]!));
});

test("one with dilations, or in groups, keeps its SpaceToDepth", () => {
  for (const attributes of [{ dilations: [2, 2] }, { group: 2 }]) {
    const op = createBuilder();
    const blocks = op.SpaceToDepth(op.input("x", "float32", [1, 2, 12, 12]), { blocksize: 2 });
    const w = op.tensor(whole([4, attributes.group ? 4 : 8, 2, 2]), "w");
    const { graph } = lowerForWebGpu(op.model({ y: op.Conv(blocks, w, null, attributes) }));
    expect(graph.nodes.filter((n) => n.op === "Transpose")).toHaveLength(3);
  }
});
