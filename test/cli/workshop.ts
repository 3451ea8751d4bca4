/** What the tests of `differentiate` share: networks in a temporary folder, the command on them, and what derivatives are. */

import { readFileSync } from "node:fs";
import { createBuilder, type Builder } from "../../src/onnx/build.ts";
import type { Dimension, Model } from "../../src/onnx/graph.ts";
import { readModel } from "../../src/onnx/read.ts";
import type { Value } from "../../src/onnx/value.ts";
import { normal, random } from "../../src/random.ts";
import { sizeOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { expect } from "vitest";
import { tinyModel } from "../support/networks/tiny.ts";
import { faultline, temporaryFolder } from "./terminal.ts";

export const gaussian = (shape: readonly number[], seed = 1, dtype: "float32" | "float64" = "float32"): Tensor => {
  const next = random(seed);
  return tensorOf(
    dtype,
    shape,
    Array.from({ length: sizeOf(shape) }, () => normal(next)),
  );
};

/** Largest |a − b| ÷ (1 + |b|). */
export const distance = (a: readonly number[], b: readonly number[]): number => {
  expect(a).toHaveLength(b.length);
  return b.reduce((worst, v, i) => Math.max(worst, Math.abs(a[i]! - v) / (1 + Math.abs(v))), 0);
};

/** ⟨gradient, u⟩ ÷ ‖terms‖ against the difference quotient of f along u, extrapolated. */
export const slopeError = (
  f: (at: readonly number[]) => number,
  centre: readonly number[],
  gradient: readonly number[],
): number => {
  const next = random(7);
  const u = centre.map(() => normal(next));
  const at = (t: number) => f(centre.map((v, i) => v + t * u[i]!));
  const quotient = (h: number) => (at(h) - at(-h)) / (2 * h);
  const terms = gradient.map((g, i) => g * u[i]!);
  const expected = (4 * quotient(1e-3) - quotient(2e-3)) / 3;
  return Math.abs(terms.reduce((sum, v) => sum + v, 0) - expected) / Math.hypot(...terms);
};

/** The network with its sizes named. */
export const open = (model: Model, shape: readonly Dimension[]): Model => {
  const inputs = model.graph.inputs.map((v) => ({ ...v, shape }));
  const outputs = model.graph.outputs.map((v) => ({ ...v, shape: null }));
  return { ...model, graph: { ...model.graph, inputs, outputs } };
};

/** A temporary folder with a smooth network of symbolic sizes in it. */
export const workshop = () => {
  const { path, put } = temporaryFolder();

  /** Runs the command, and reads what it wrote. */
  const differentiated = async (network: string, ...options: readonly string[]): Promise<Model> => {
    const out = path(`${network.replaceAll(/\W/g, "_")}.grad.onnx`);
    const ended = await faultline("differentiate", network, "-o", out, ...options);
    if (ended.code !== 0) throw new Error(ended.stderr);
    return readModel(readFileSync(out));
  };

  /** A network of a few operators: what they make of the input x [1,3,6,8]. */
  const small = (name: string, make: (op: Builder, x: Value) => Readonly<Record<string, Value>>): string => {
    const op = createBuilder(name);
    return put(`${name}.onnx`, op.model(make(op, op.input("x", "float32", [1, 3, 6, 8]))));
  };

  const smooth = put("smooth.onnx", open(tinyModel({ activation: "Tanh" }), ["batch", 3, "height", "width"]));

  return { path, put, differentiated, small, smooth };
};
