/**
 * Compares a miniature's gradient graph, as a segmenter builds it, with finite differences in float64 of the original file, neither
 * fused nor lowered.
 */

import { gradient } from "../../../src/autodiff/gradient.ts";
import { lowerForGradient } from "../../../src/lowering/wasm/rewrites.ts";
import { createBuilder } from "../../../src/onnx/build.ts";
import type { Graph, Model } from "../../../src/onnx/graph.ts";
import { load, type Lower } from "../../../src/onnx/load.ts";
import { normal, random } from "../../../src/random.ts";
import { numbersOf, sizeOf, tensorOf, type Tensor } from "../../../src/tensor.ts";
import { interpret } from "../interpreter.ts";
import { inputType, type Miniature } from "./miniature.ts";
import { straightened } from "./straight-through.ts";

/** Normal, around a mean. */
export const noise = (shape: readonly number[], seed: number, mean = 0): Tensor<"float32"> => {
  const next = random(seed);
  const values = Array.from({ length: sizeOf(shape) }, () => mean + normal(next));
  return tensorOf("float32", shape, values);
};

const loaded = (m: Miniature, lower?: Lower) => {
  const op = createBuilder(m.name);
  const { dtype, shape } = inputType(m);
  const x = op.input("x", dtype, shape);
  return { op, x, y: load(op, m.model, { input: x }, lower)[m.output]! };
};

/** `x` ↦ `y`, the logits. */
export const forwardGraph = (m: Miniature): Graph => {
  const { op, y } = loaded(m);
  return op.graph({ y });
};

/** `x`, `cotangent` ↦ `dx`. */
export const backwardModel = (m: Miniature): Model => {
  const { op, x, y } = loaded(m, lowerForGradient);
  const [dx] = gradient(op, y, [x], op.input("cotangent", y.dtype, y.shape));
  return op.model({ dx: dx! });
};

/** Half the step of the difference: so small that hardly a kink lies within it, and what float64 rounds off is 1e-9. */
const STEP = 1e-6;

/** The logits of a miniature at an input and, in float64, a step to either side of it. */
export interface Trial {
  readonly x: Tensor<"float32">;
  readonly logits: Tensor;
  /** v, of the logits' shape. */
  readonly cotangent: Tensor;
  /** u */
  readonly direction: readonly number[];
  /** The derivative of a function of the logits along u. */
  readonly along: (f: (logits: Tensor) => number) => number;
}

/** u and v: random with a mean, because values pooled over an image hardly depend on anything else. */
const probe = (shape: readonly number[], seed: number) => noise(shape, seed, 0.5);

export const trialOf = (m: Miniature, seed = 3): Trial => {
  const { shape } = inputType(m);
  const x = noise(shape, seed);
  const direction = numbersOf(probe(shape, seed + 1));
  const graph = straightened(forwardGraph(m), { x });
  const at = (t: number): Tensor => {
    const moved = numbersOf(x).map((v, i) => v + t * direction[i]!);
    return interpret(graph, { x: tensorOf("float64", shape, moved) })["y"]!;
  };
  const [behind, ahead] = [at(-STEP), at(STEP)];
  const logits = at(0);
  const cotangent = probe(logits.shape, seed + 2);
  return { x, logits, cotangent, direction, along: (f) => (f(ahead) - f(behind)) / (2 * STEP) };
};

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

/** ⟨v, J·u⟩ by differences. */
export const forwardProduct = ({ cotangent, along }: Trial): number =>
  along((logits) => dot(numbersOf(cotangent), numbersOf(logits)));

/** Largest error that passes; float32 constants in the gradient graph, weights of interpolation above all, leave 1e-7. */
export const TOLERANCE = 5e-7;

/** |⟨u, dx⟩ − expected| relative to the size of its terms; Infinity for a check that could not fail. */
export const directionalError = (dx: Tensor, direction: readonly number[], expected: number): number => {
  const terms = numbersOf(dx).map((g, i) => g * direction[i]!);
  const scale = Math.max(Math.abs(expected), Math.hypot(...terms));
  const error = Math.abs(terms.reduce((sum, v) => sum + v, 0) - expected) / scale;
  return scale < 1e-9 || Number.isNaN(error) ? Infinity : error;
};

/** ‖a − b‖ ÷ ‖b‖; Infinity where the shapes differ. */
export const relativeError = (actual: Tensor, expected: Tensor): number => {
  if (actual.shape.join() !== expected.shape.join()) return Infinity;
  const [a, b] = [numbersOf(actual), numbersOf(expected)];
  const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
  return norm(a.map((v, i) => v - b[i]!)) / norm(b);
};
