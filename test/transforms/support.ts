/** A pipeline of transformations as graphs, run by its definition in float64 or by WASM. */

import { gradient } from "../../src/autodiff/gradient.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { numbersOf, spatialSize, tensorOf, type Tensor } from "../../src/tensor.ts";
import { createPipeline, type TransformSpec } from "../../src/transforms/pipeline.ts";
import { interpret } from "../support/interpreter.ts";
import { runWasm } from "../support/wasm.ts";

export type Planes = Tensor<"float32">;

/** The graph y = T(image), and d = ⟨cotangent, ∂T/∂image⟩. */
export const graphOf = (specs: readonly TransformSpec[], shape: readonly number[]) => {
  const pipeline = createPipeline(specs);
  const op = createBuilder();
  const image = op.input("image", "float32", [1, ...shape]);
  const y = pipeline.build(op, image).at(-1)!.to;
  const cotangent = op.input("cotangent", "float32", y.shape);
  const [d] = gradient(op, y, [image], cotangent);
  return { pipeline, model: op.model({ y, d: d! }), shape: y.shape };
};

export const batched = (image: Tensor): Tensor => ({ ...image, shape: [1, ...image.shape] });

/** T(image) and its pullback of ones, by WASM. */
export const applied = async (specs: readonly TransformSpec[], image: Planes, seed = 1) => {
  const { pipeline, model, shape } = graphOf(specs, image.shape);
  const ones = tensorOf(
    "float32",
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b) }, () => 1),
  );
  const feeds = { image: batched(image), cotangent: ones, ...pipeline.draw(seed, spatialSize(image)) };
  const { y, d } = await runWasm(model, feeds);
  return { y: numbersOf(y!), d: numbersOf(d!), shape: y!.shape, drawn: feeds as Record<string, Tensor> };
};

/** T(image) in float64; `feeds` are the drawn inputs. */
export const interpreted = (
  model: ReturnType<typeof graphOf>["model"],
  image: Tensor,
  feeds: Readonly<Record<string, Tensor>>,
): { readonly y: number[]; readonly d: number[] } => {
  const { y, d } = interpret(model.graph, { image: batched(image), ...feeds });
  return { y: numbersOf(y!), d: numbersOf(d!) };
};

export const largestDifference = (a: readonly number[], b: readonly number[]): number => {
  if (a.length !== b.length) return Infinity;
  return a.reduce((worst, v, i) => Math.max(worst, Math.abs(v - b[i]!)), 0);
};
