/** Logits, labels and all other inputs of an objective, drawn from a seed; objectives run on them. */

import type { Clock, Objective } from "../../src/objectives/objective.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import type { Model } from "../../src/onnx/graph.ts";
import { normal, random } from "../../src/random.ts";
import { numbersOf, sizeOf, tensor, tensorOf, type Tensor } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { definitions, differences, type Pixel } from "./definitions.ts";

export type Shape = readonly [batch: number, classes: number, height: number, width: number];

export interface Scene {
  readonly shape: Shape;
  readonly at: Clock;
  /** float64 [N,C,h,w] */
  readonly logits: Tensor;
  /** Float64 data under float32 inputs: the interpreter keeps all of it. */
  readonly feeds: Readonly<Record<string, Tensor>>;
}

const steps = 4;

export const sceneOf = (shape: Shape, labels: readonly number[], seed: number, spread = 3): Scene => {
  const next = random(seed);
  const [n, , h, w] = shape;
  const filled = (draw: () => number): number[] => Array.from({ length: n * h * w }, draw);
  const map = (draw: () => number): Tensor => tensor("float64", [n, h, w], Float64Array.from(filled(draw)));
  const drawn = () => labels[Math.floor(next() * labels.length)]!;
  const scalar = (value: number): Tensor => tensorOf("float64", [1], [value]);
  return {
    shape,
    at: { step: 1 + (seed % steps), steps },
    logits: tensor(
      "float64",
      shape,
      Float64Array.from({ length: sizeOf(shape) }, () => spread * normal(next)),
    ),
    feeds: {
      target: tensorOf("int32", [n, h, w], filled(drawn)),
      source: tensorOf("int32", [n, h, w], filled(drawn)),
      weights: map(() => (next() < 0.3 ? 0 : 0.5 + next())),
      mu: map(() => 10 ** (-3 * next())),
      rho: map(() => 10 ** (2 - 4 * next())),
      scale: scalar(0.7),
      smoothing: scalar(0.8),
    },
  };
};

/** The same in float32, as onnxruntime is fed it. */
export const single = (feeds: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, t]) => [
      name,
      t.dtype === "float64" ? tensorOf("float32", t.shape, numbersOf(t)) : t,
    ]),
  );

/** The objective's graph over logits of this shape: value, cotangent, terms and, where there is any, what a rule sees. */
export const modelOf = ({ inputs, build }: Objective, shape: Shape): Model => {
  const op = createBuilder();
  const [n, classes, h, w] = shape;
  const given = Object.entries(inputs).map(
    ([name, { dtype, per }]) => [name, op.input(name, dtype, per === "scalar" ? [1] : [n, h, w])] as const,
  );
  const logits = op.input("logits", "float32", shape);
  const { perPixel, ...built } = build(op, logits, {
    inputs: Object.fromEntries(given),
    classes,
    visible: (labels) => labels,
  });
  return op.model({ ...built, ...(perPixel && { perPixel }) });
};

/** All that the objective's graph is fed. */
export const fedTo = ({ inputs, feeds }: Objective, scene: Scene): Record<string, Tensor> => {
  const all = { ...scene.feeds, ...feeds?.(scene.at) };
  return {
    logits: scene.logits,
    ...Object.fromEntries(Object.keys(inputs).map((name) => [name, all[name]!])),
  };
};

/** In float64. */
export const interpreted = (objective: Objective, scene: Scene): Record<string, Tensor> =>
  interpret(modelOf(objective, scene.shape).graph, fedTo(objective, scene));

export interface Expected {
  readonly value: number;
  readonly cotangent: Float64Array;
  readonly terms: Float64Array;
  readonly seen: Float64Array | null;
}

/** Value, terms and cotangent from the definition, one pixel after another; pixels whose label is no class give nothing. */
export const defined = (name: string, targeted: boolean, { shape, logits, feeds, at }: Scene): Expected => {
  const definition = definitions[name]!(targeted);
  const { value, climbed = (z: readonly number[], pixel: Pixel) => value(z, pixel), seen } = definition;
  const [n, classes, h, w] = shape;
  const pixels = n * h * w;
  const numbers = Object.fromEntries(Object.entries(feeds).map(([input, t]) => [input, numbersOf(t)]));
  const labels = numbers["target"]!;
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const z = numbersOf(logits);
  const cotangent = new Float64Array(z.length);
  const terms = new Float64Array(pixels);
  const shown = new Float64Array(pixels);
  for (let i = 0; i < pixels; i++) {
    if (labels[i]! < 0 || labels[i]! >= classes) continue;
    const own = Array.from(
      { length: classes },
      (_, k) => (Math.floor(i / (h * w)) * classes + k) * h * w + (i % (h * w)),
    );
    const here = own.map((j) => z[j]!);
    const pixel: Pixel = {
      y: labels[i]!,
      source: numbers["source"]![i]!,
      counts,
      lambda: (at.step - 1) / (2 * at.steps),
      order: -2 + (3 * (at.step - 1)) / (at.steps - 1),
      weights: numbers["weights"]![i]!,
      mu: numbers["mu"]![i]!,
      rho: numbers["rho"]![i]!,
      scale: numbers["scale"]![0]!,
      smoothing: numbers["smoothing"]![0]!,
    };
    terms[i] = value(here, pixel);
    shown[i] = seen?.(here, pixel) ?? 0;
    const slopes = differences((moved) => climbed(moved, pixel, here), here);
    for (const [k, j] of own.entries()) cotangent[j] = slopes[k]!;
  }
  return { value: terms.reduce((a, b) => a + b, 0), cotangent, terms, seen: seen ? shown : null };
};

/** The largest |a − b|/(1 + |b|). */
export const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  if (a.length !== b.length) throw new RangeError(`${a.length} values are compared with ${b.length}`);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!) / (1 + Math.abs(b[i]!)));
  return worst;
};
