/** The graphs that bound a network's margins over the L∞ ball around an image, for one image size. */

import { createBuilder, type Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import type { Backend } from "../runtime/session.ts";
import { compiled, imageInput, type Compiled } from "../segmenter/compile.ts";
import type { Network } from "../segmenter/network.ts";
import { logitsOf } from "../segmenter/scales.ts";
import { sizeOf, tensorOf, type Size } from "../tensor.ts";
import { intervals, type Intervals } from "./interval.ts";
import { placesOfEach } from "./interval-rules/places.ts";
import { largestIn, roundingOf, widened } from "./interval-rules/rule.ts";
import { linearBounds, shortfall } from "./linear.ts";

/** A network's logits, with their balls over |x − image|∞ ≤ ε grey levels. */
interface Bounded {
  readonly image: Value;
  readonly epsilon: Value;
  readonly unit: Value;
  /** [1,C,H,W] at the image itself. */
  readonly logits: Value;
  readonly balls: Intervals;
}

/** Appends the network and its balls. `epsilon` and `unit` are scalars that the graph is fed. */
const bounded = (op: Builder, network: Network, size: Size): Bounded => {
  const image = imageInput(op, network, size, 1);
  const epsilon = op.input("epsilon", "float32", []);
  const unit = op.input("unit", "float32", []);
  const logits = logitsOf(op, network, image, "gradient");
  const around = { centre: image, radius: op.Expand(epsilon, op.ints(image.shape)) };
  return { image, epsilon, unit, logits, balls: intervals(op, logits, image, around, unit) };
};

/** Below every logit. */
const NEVER = -1e30;

/**
 * `image` float32 [1,P,H,W], `epsilon` and `unit` float32 [] ↦ `labels` uint8 [1,H,W]: the prediction, and `margin` float32 [1,H,W]: a lower bound
 * of the logit of that label less the largest other, over the ball. The logits have `channels` channels, which can be more than the classes.
 *
 * @throws UnsupportedBoundError where an operator has no rule.
 */
export const compileIntervals = (
  network: Network,
  size: Size,
  target: Backend = "wasm",
): Compiled & { readonly channels: number } => {
  const op = createBuilder("intervals");
  const { unit, logits, balls } = bounded(op, network, size);
  const ball = balls.ballOf(logits);
  const radius = ball.radius ?? op.zeros(logits);
  const wide = widened({ op, unit }, radius, largestIn(op, { centre: ball.centre, radius }), 0);
  const [low, high] = [op.Sub(ball.centre, wide), op.Add(ball.centre, wide)];
  const labels = op.ArgMax(logits, { axis: 1, keepdims: 1 });
  const classes = Array.from({ length: logits.shape[1]! }, (_, i) => i);
  const indices = op.tensor(tensorOf("int64", [1, classes.length, 1, 1], classes), "classes");
  const own = op.Equal(labels, indices);
  const least = op.GatherElements(low, labels, { axis: 1 });
  const others = op.ReduceMax(op.Where(own, op.constant(NEVER), high), op.ints([1]), { keepdims: 1 });
  const flat = (v: Value): Value => op.Squeeze(v, op.ints([1]));
  const outputs = { labels: flat(op.cast(labels, "uint8")), margin: flat(op.Sub(least, others)) };
  return { ...compiled(op, outputs, {}, { target }), channels: classes.length };
};

/** +1 at `plus` and −1 at `minus` of each of K copies of a tensor of that shape [1, …]: K differences. */
const differences = (op: Builder, plus: Value, minus: Value, shape: readonly number[]): Value => {
  const [count] = plus.shape as [number];
  const size = sizeOf(shape);
  const put = (into: Value, places: Value, value: number): Value =>
    op.ScatterElements(into, placesOfEach(op, places, size, count), op.Expand(op.constant(value), op.ints([count])), {
      axis: 0,
    });
  const nothing = op.zeros({ dtype: "float32", shape: [count * size] });
  return op.Reshape(put(put(nothing, plus, 1), minus, -1), op.ints([count, ...shape.slice(1)]));
};

/** Σ over a tensor of any size that float32 gives: a sum axis by axis has at most so many terms. */
const SUM_TERMS = 2 ** 14;

/**
 * `image`, `epsilon` and `unit` as above, `plus` and `minus` int64 [K]: places in the logits [C,H,W], counted through all of them ↦ `margin` float32
 * [K]: lower bounds of logit[plus] − logit[minus] over the ball.
 *
 * @throws UnsupportedBoundError where an operator has no rule.
 */
export const compileLinear = (network: Network, size: Size, count: number, target: Backend = "wasm"): Compiled => {
  const op = createBuilder("linear");
  const { image, epsilon, unit, logits, balls } = bounded(op, network, size);
  const [plus, minus] = (["plus", "minus"] as const).map((name) => op.input(name, "int64", [count])) as [Value, Value];
  const seed = differences(op, plus, minus, logits.shape);
  const bounds = linearBounds(op, balls, logits, image, seed);
  const flat = op.Reshape(logits, op.ints([sizeOf(logits.shape)]));
  const [above, below] = [op.Gather(flat, plus, { axis: 0 }), op.Gather(flat, minus, { axis: 0 })];
  const spread = shortfall(op, bounds, epsilon);
  const rounding = op.Add(
    op.Mul(spread, roundingOf({ op, unit }, SUM_TERMS)),
    op.Mul(op.Add(op.Abs(above), op.Abs(below)), roundingOf({ op, unit }, 0)),
  );
  const margin = op.Sub(op.Sub(op.Sub(above, below), spread), rounding);
  return compiled(op, {}, { margin }, { target });
};
