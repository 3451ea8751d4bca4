/** The adjoint of a Resize by a whole factor is made of convolutions; that its numbers are right, rules.test.ts shows for every form. */

import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import type { PlainAttributes } from "../../src/onnx/graph.ts";
import { random } from "../../src/random.ts";
import { sizeOf, tensorOf } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { relativeError } from "../support/networks/check.ts";
import { runWasm } from "../support/wasm.ts";

const noise = (shape: readonly number[], seed: number) => {
  const next = random(seed);
  return tensorOf(
    "float32",
    shape,
    Array.from({ length: sizeOf(shape) }, () => 2 * next() - 1),
  );
};

const resized = (from: readonly number[], to: readonly number[], attributes: PlainAttributes) => {
  const op = createBuilder();
  const [x, seed] = [op.input("x", "float32", from), op.input("seed", "float32", to)];
  const y = op.Resize(x, null, null, op.ints(to), attributes);
  const [dx] = gradient(op, y, [x], seed);
  return op.model({ y, dx: dx! });
};

const linear = { mode: "linear" };
const corners = { ...linear, coordinate_transformation_mode: "align_corners" };

describe.each([
  ["four times as large", [1, 3, 9, 11], [1, 3, 36, 44], linear, "Conv Conv MatMul MatMul"],
  ["eight times, corner to corner", [1, 2, 5, 6], [1, 2, 33, 41], corners, "Conv Conv"],
  ["three times one way, once the other", [2, 2, 5, 6], [2, 2, 15, 6], linear, "Conv MatMul"],
  ["twice, cubic", [1, 2, 8, 9], [1, 2, 16, 18], { mode: "cubic" }, "Conv Conv MatMul MatMul"],
  ["four times, nearest", [1, 2, 5, 6], [1, 2, 20, 24], { mode: "nearest" }, "Conv Conv"],
  ["half as large", [1, 3, 12, 16], [1, 3, 6, 8], linear, "ConvTranspose ConvTranspose"],
  ["a quarter", [1, 3, 12, 16], [1, 3, 3, 4], linear, "ConvTranspose ConvTranspose"],
  ["by no whole factor", [1, 2, 7, 5], [1, 2, 11, 9], linear, "MatMul MatMul"],
] as const)("%s", (_, from, to, attributes, operators) => {
  const model = resized(from, to, attributes);

  it("takes these operators", () => {
    expect(model.graph.nodes.flatMap(({ op }) => (op === "Resize" || op === "Identity" ? [] : [op])).join(" ")).toBe(
      operators,
    );
  });

  it("is the adjoint: ⟨Resize(x), s⟩ = ⟨x, dx⟩ in onnxruntime, and dx by definition", async () => {
    const feeds = { x: noise(from, 1), seed: noise(to, 2) };
    const { y, dx } = await runWasm(model, feeds);
    const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, v, i) => sum + v * b[i]!, 0);
    const [left, right] = [dot(y!.data as Float32Array, feeds.seed.data), dot(feeds.x.data, dx!.data as Float32Array)];
    expect(Math.abs(left - right)).toBeLessThanOrEqual(1e-4 * Math.abs(left) + 1e-5);
    expect(relativeError(dx!, interpret(model.graph, feeds)["dx"]!)).toBeLessThanOrEqual(1e-6);
  });
});
