/** The gradient that a quantised graph is given: that of the same graph with nothing rounded. */

import { createBuilder, type Builder } from "../../../src/onnx/build.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { numbersOf, tensorOf, type Tensor } from "../../../src/tensor.ts";
import { interpret } from "../interpreter.ts";
import type { Surrogate } from "./case.ts";

const STEP = 1e-3;

/**
 * The x/s + z that do not count as saturated: what rounds to a code between the two at the ends; and where the end is a zero
 * point, what rounds to that too.
 */
export const passing = (
  [low, high]: readonly [number, number],
  zeros: readonly number[],
): readonly [number, number] => [
  zeros.includes(low) ? low - 0.5 : low + 0.5,
  zeros.includes(high) ? high + 0.5 : high - 0.5,
];

/** What quantisation does to a real besides rounding it. */
export const saturated = (
  op: Builder,
  v: Value,
  scale: number,
  zero: number,
  range: readonly [number, number] = [0, 255],
): Value => {
  const real = (level: number) => op.constant((level - zero) * scale);
  const [from, to] = passing(range, [zero]);
  const below = op.Where(op.Less(v, real(from)), real(range[0]), v);
  return op.Where(op.Greater(v, real(to)), real(range[1]), below);
};

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
