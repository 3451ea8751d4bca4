/**
 * The random dot-product check of a gradient graph in float64: ⟨v, J·u⟩ = ⟨u, Jᵀ·v⟩ for random u and v, where Jᵀ·v is what
 * the gradient graph computes and J·u a central difference of the forward graph (HIPS/autograd's check_vjp).
 */

import { gradient } from "../../src/autodiff/gradient.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import type { Graph, Model } from "../../src/onnx/graph.ts";
import type { Value } from "../../src/onnx/value.ts";
import { normal, random } from "../../src/random.ts";
import { numbersOf, sizeOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { feedsOf, inputsOf, type Case } from "./cases/case.ts";
import { interpret } from "./interpreter.ts";

/** The two sides of the check, for one source and one output of a case. */
export interface Check {
  readonly source: string;
  readonly output: string;
  /** ⟨u, Jᵀ·v⟩, from the gradient graph. */
  readonly backward: number;
  /** ⟨v, J·u⟩, by differences, or ⟨u, closed form⟩ for a straight-through gradient. */
  readonly forward: number;
  /**
   * |backward − forward| ÷ max(|forward|, √Σ(uᵢ·gᵢ)²) with g = Jᵀ·v: the size of the sum's terms, so that their chance
   * cancellation does not magnify what float32 constants in the graph round off. Infinity where the terms and the
   * difference vanish, for such a check could not fail.
   */
  readonly error: number;
}

/** Step of the central difference; with Richardson's extrapolation the truncation error is of order step⁴. */
const STEP = 1e-3;

/** A case with its gradient: `d_<input>` for each differentiable input, of ⟨`cotangent`, `output`⟩. */
export interface Differentiated {
  readonly forward: Graph;
  readonly backward: Model;
  readonly output: string;
}

const isFloat = ({ dtype }: Value): boolean => dtype === "float32" || dtype === "float64";

/** The gradient graph of each floating output of a case. */
export const differentiate = (c: Case): Differentiated[] => {
  const probe = createBuilder();
  const outputs = Object.entries(c.build(probe, ...inputsOf(probe, c))).filter(([, v]) => isFloat(v));
  return outputs.map(([output]) => {
    const op = createBuilder(c.operator);
    const inputs = inputsOf(op, c);
    const built = c.build(op, ...inputs);
    const target = built[output]!;
    const sources = inputs.filter((v) => c.differentiable.includes(v.name));
    const seed = op.input("cotangent", target.dtype, target.shape);
    const gradients = gradient(op, target, sources, seed);
    const backward = op.model(Object.fromEntries(sources.map((v, i) => [`d_${v.name}`, gradients[i]!])));
    return { forward: op.graph(built), backward, output };
  });
};

const noise = (shape: readonly number[], seed: number): Tensor<"float32"> => {
  const next = random(seed);
  const values = Array.from({ length: sizeOf(shape) }, () => normal(next));
  return tensorOf("float32", shape, values);
};

/** The inputs of a differentiated case: its own and a random cotangent. */
export const gradientFeeds = (c: Case, d: Differentiated, seed: number): Record<string, Tensor> => {
  const { shape, dtype } = d.backward.graph.inputs.find((v) => v.name === "cotangent")!;
  const cotangent = noise(shape as readonly number[], seed + 1);
  return { ...feedsOf(c, seed), cotangent: { ...tensorOf(dtype, cotangent.shape, cotangent.data) } };
};

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

/** ⟨v, J·u⟩ by (4·D(h/2) − D(h))/3, D being the central difference. */
const directional = (f: (t: number) => readonly number[], v: readonly number[]): number => {
  const difference = (h: number) => (dot(v, f(h)) - dot(v, f(-h))) / (2 * h);
  return (4 * difference(STEP / 2) - difference(STEP)) / 3;
};

/** Runs the check for every floating output of a case and every differentiable input. */
export const checkGradient = (c: Case, { seed }: { readonly seed: number }): Check[] =>
  differentiate(c).flatMap((d) => {
    const feeds = gradientFeeds(c, d, seed);
    const cotangent = numbersOf(feeds["cotangent"]!);
    const gradients = interpret(d.backward.graph, feeds);
    const closed = c.surrogate?.(feeds, interpret(d.forward, feeds), cotangent);
    return c.differentiable.map((source): Check => {
      const { shape } = feeds[source]!;
      const direction = numbersOf(noise(shape, seed + 2));
      const at = numbersOf(feeds[source]!);
      const along = (t: number): readonly number[] => {
        const moved = tensorOf(
          "float64",
          shape,
          at.map((v, i) => v + t * direction[i]!),
        );
        return numbersOf(interpret(d.forward, { ...feeds, [source]: moved })[d.output]!);
      };
      const terms = numbersOf(gradients[`d_${source}`]!).map((g, i) => g * direction[i]!);
      const backward = terms.reduce((sum, t) => sum + t, 0);
      const forward = closed ? dot(direction, closed[source]!) : directional(along, cotangent);
      const scale = Math.max(Math.abs(forward), Math.hypot(...terms));
      const error = scale < 1e-9 ? Infinity : Math.abs(backward - forward) / scale;
      return { source, output: d.output, backward, forward, error: Number.isNaN(error) ? Infinity : error };
    });
  });

/** Largest relative error that the check lets pass. */
export const TOLERANCE = 1e-6;
