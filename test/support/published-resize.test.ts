/** Resize by ONNX's own published numbers: the interpreter, and the adjoint. */

import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { createBuilder, type Builder } from "../../src/onnx/build.ts";
import type { Value } from "../../src/onnx/value.ts";
import { normal, random } from "../../src/random.ts";
import { numbersOf, tensorOf } from "../../src/tensor.ts";
import { interpret } from "./interpreter.ts";
import { publishedResizes, type PublishedResize } from "./published-resize.ts";

const resize = (op: Builder, x: Value, { roi, scales, sizes, attributes }: PublishedResize): Value => {
  const floats = (values: readonly number[] | undefined) =>
    values ? op.tensor(tensorOf("float32", [values.length], values)) : null;
  return op.Resize(x, floats(roi), floats(scales), sizes ? op.ints(sizes) : null, attributes);
};

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

/** Along a corner-aligned axis ONNX divides by scale · size − 1, onnxruntime by the rounded size − 1: here 2.2 and 2. Ours is the latter. */
const departures = new Set(["downsample_scales_linear_align_corners", "downsample_scales_cubic_align_corners"]);

describe.each(publishedResizes.map((c) => [c.name, c] as const))("%s", (_, c) => {
  const [shape, values] = c.x;
  const x = tensorOf("float32", shape, values);

  it(`is ${departures.has(c.name) ? "not " : ""}what the interpreter computes`, () => {
    const op = createBuilder();
    const { y } = interpret(op.graph({ y: resize(op, op.input("x", "float32", shape), c) }), { x });
    expect(y!.shape).toEqual(c.y[0]);
    const actual = numbersOf(y!);
    const agrees = Math.max(...c.y[1].map((v, i) => Math.abs(v - actual[i]!))) < 2e-6 * Math.max(...c.y[1]);
    expect(agrees).toBe(!departures.has(c.name));
  });

  it.skipIf(c.attributes["extrapolation_value"] !== undefined || departures.has(c.name))(
    "⟨v, y⟩ = ⟨Jᵀ·v, x⟩ with the published y",
    () => {
      const next = random(3);
      const v = c.y[1].map(() => normal(next));
      const op = createBuilder();
      const input = op.input("x", "float32", shape);
      const seed = op.tensor(tensorOf("float32", c.y[0], v));
      const [dx] = gradient(op, resize(op, input, c), [input], seed);
      const { d } = interpret(op.graph({ d: dx! }), { x });
      expect(Math.abs(dot(numbersOf(d!), values) - dot(v, c.y[1]))).toBeLessThan(1e-4);
    },
  );
});
