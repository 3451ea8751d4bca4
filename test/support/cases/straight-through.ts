/** The gradient that a quantised graph is given: that of the same graph with nothing rounded. */

import { createBuilder, type Builder } from "../../../src/onnx/build.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { numbersOf, tensorOf, type Tensor } from "../../../src/tensor.ts";
import { interpret } from "../interpreter.ts";
import type { Surrogate } from "./case.ts";

const STEP = 1e-3;

/** What quantisation does to a real besides rounding it: it saturates half a step beyond the lowest and the highest level. */
export const saturated = (
  op: Builder,
  v: Value,
  scale: number,
  zero: number,
  [low, high]: readonly [number, number] = [0, 255],
): Value => op.Clip(v, op.constant((low - 0.5 - zero) * scale), op.constant((high + 0.5 - zero) * scale));

/**
 * ∂⟨cotangent, y⟩/∂x, element by element, by central differences in float64 of `unrounded`, which gives y of the case's
 * inputs in order. (4·D(h/2) − D(h))/3 is exact for what is linear.
 */
export const withoutRounding =
  (unrounded: (op: Builder, ...x: Value[]) => Value): Surrogate =>
  (given, _, cotangent) => {
    const feeds = Object.fromEntries(Object.entries(given).filter(([name]) => name !== "cotangent"));
    const op = createBuilder();
    const inputs = Object.entries(feeds).map(([name, t]) =>
      op.input(name, t.dtype === "float64" ? "float32" : t.dtype, t.shape),
    );
    const graph = op.graph({ y: unrounded(op, ...inputs) });
    const value = (moved: Readonly<Record<string, Tensor>>): number =>
      numbersOf(interpret(graph, { ...feeds, ...moved })["y"]!).reduce((sum, y, i) => sum + y * cotangent[i]!, 0);
    const derivative = (name: string, t: Tensor, element: number): number => {
      const at = (h: number) => {
        const data = numbersOf(t).map((v, i) => (i === element ? v + h : v));
        return value({ [name]: tensorOf("float64", t.shape, data) });
      };
      const difference = (h: number) => (at(h) - at(-h)) / (2 * h);
      return (4 * difference(STEP / 2) - difference(STEP)) / 3;
    };
    return Object.fromEntries(
      Object.entries(feeds).map(([name, t]) => [name, numbersOf(t).map((__, i) => derivative(name, t, i))]),
    );
  };
