/** The graphs of the operators' cases, and the comparison of two backends' results. */

import { createBuilder } from "../../src/onnx/build.ts";
import type { Model } from "../../src/onnx/graph.ts";
import { numbersOf, type Tensor } from "../../src/tensor.ts";
import { feedsOf, inputsOf, type Case } from "./cases/case.ts";
import { differentiate, gradientFeeds } from "./gradient-check.ts";

export type Feeds = Readonly<Record<string, Tensor>>;

/** ‖a − b‖ ÷ ‖b‖, equal infinities and NaNs being equal. */
export const relativeError = (actual: Tensor, expected: Tensor): number => {
  const [a, b] = [numbersOf(actual), numbersOf(expected)];
  const differences = b.map((v, i) => (Object.is(v, a[i]) || v === a[i] ? 0 : v - a[i]!));
  return Math.hypot(...differences) / (Math.hypot(...b) || 1);
};

/** Names of outputs that have another type or shape than expected, or differ by more than `bound`. */
export const differing = (actual: Readonly<Record<string, Tensor>>, expected: Feeds, bound: number): string[] =>
  Object.entries(expected).flatMap(([name, t]) => {
    const other = actual[name]!;
    const shaped = t.dtype === other.dtype && t.shape.join() === other.shape.join();
    return shaped && relativeError(other, t) <= bound ? [] : [name];
  });

/** The forward graph of a case and its gradient graphs, each with its inputs. */
export const graphsOf = (c: Case): (readonly [Model, Feeds])[] => {
  const op = createBuilder(c.operator);
  const forward = op.model(c.build(op, ...inputsOf(op, c)));
  const backward = c.differentiable.length === 0 ? [] : differentiate(c);
  return [[forward, feedsOf(c, 11)], ...backward.map((d) => [d.backward, gradientFeeds(c, d, 11)] as const)];
};
