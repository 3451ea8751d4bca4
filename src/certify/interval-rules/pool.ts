/** Maxima: |max x − max c| ≤ max |x − c|. */

import { intOf, intsOf } from "../../onnx/graph.ts";
import { windowOf } from "../../onnx/infer/window.ts";
import type { Value } from "../../onnx/value.ts";
import { dimensionsOf, sizeOf, tensorOf } from "../../tensor.ts";
import { pullbackOf, ruleOf } from "../../autodiff/gradient.ts";
import { gathered, placesOfEach } from "./places.ts";
import { again, largestIn, properBall, unboundedForm, widened, type BoundContext, type CurvedRule } from "./rule.ts";

const maxOf: CurvedRule["ball"] = (context) => {
  const { centre, radius } = properBall(context);
  return { centre: again(context, [centre]), radius: again(context, [radius]) };
};

export const GlobalMaxPool: CurvedRule = { kind: "curved", ball: maxOf };

/** The elementwise maximum of several inputs. */
export const Max: CurvedRule = {
  kind: "curved",
  ball: (context) => {
    const { op, balls, outputs } = context;
    const radii = balls.flatMap((ball) => (ball?.radius ? [ball.radius] : []));
    const spread = radii.length === 1 ? radii[0]! : op.append("Max", radii, {})[0]!;
    const centre = again(
      context,
      balls.map((ball) => ball!.centre),
    );
    return { centre, radius: op.Expand(spread, op.ints(outputs[0]!.shape)) };
  },
};

/** The places of the maxima at the image, which any pooling can be made to give. */
const placesOf = ({ op, node, inputs, outputs }: BoundContext): Value =>
  outputs[1] ?? op.appendNode("MaxPool", inputs, node.attributes, 2)[1]!;

/** Below every activation. */
const NOTHING = -1e30;

/**
 * The largest of `x` in each window without the element at `places`: one strided slice for each position of the kernel, which is
 * left out where it is that place.
 */
const largestOther = (context: BoundContext, x: Value, places: Value): Value => {
  const { op, node } = context;
  const [, channels, height, width] = dimensionsOf(x, 4);
  const [, , rows, columns] = dimensionsOf(places, 4);
  const window = windowOf(node, [height, width], intsOf(node, "kernel_shape", []));
  const { kernel, strides, dilations, pads } = window;
  const [sy = 1, sx = 1] = strides;
  const [dy = 1, dx = 1] = dilations;
  const [top = 0, left = 0] = pads;
  const firsts = (length: number, by: number, shape: readonly number[], from = 0): Value =>
    op.tensor(
      tensorOf(
        "int64",
        shape,
        Array.from({ length }, (_, i) => i * by + from),
      ),
      "windows",
    );
  // Where each window begins; a place less that is its position in the window.
  const starts = op.Add(
    firsts(channels, height * width, [channels, 1, 1]),
    op.Add(firsts(rows, sy * width, [rows, 1], -top * width), firsts(columns, sx, [columns], -left)),
  );
  const within = op.Sub(places, starts);
  const [needY, needX] = [(rows - 1) * sy + (kernel[0]! - 1) * dy + 1, (columns - 1) * sx + (kernel[1]! - 1) * dx + 1];
  const ends = [Math.max(0, needY - top - height), Math.max(0, needX - left - width)];
  const around = op.Pad(x, op.ints([0, 0, top, left, 0, 0, ...ends]), op.constant(NOTHING));
  const candidates = Array.from({ length: kernel[0]! * kernel[1]! }, (_, i) => {
    const [y, z] = [Math.floor(i / kernel[1]!) * dy, (i % kernel[1]!) * dx];
    const last = [y + (rows - 1) * sy + 1, z + (columns - 1) * sx + 1];
    const slice = op.Slice(around, op.ints([y, z]), op.ints(last), op.ints([2, 3]), op.ints([sy, sx]));
    const code = op.tensor(tensorOf("int64", [], [y * width + z]), "position");
    return op.Where(op.Equal(within, code), op.constant(NOTHING), slice);
  });
  return candidates.reduce((a, b) => op.Max(a, b));
};

/**
 * With j the place of the maximum at the image, y ≥ xⱼ, and y ≤ xⱼ + max(0, uᵢ − lⱼ) over the other i of the window: both
 * bounds have the slope 1 in xⱼ, and the second loses something only where another element can exceed it.
 */
export const MaxPool: CurvedRule = {
  kind: "curved",
  ball: maxOf,
  relax: (context, a) => {
    const { op, node, inputs, outputs } = context;
    const x = inputs[0]!;
    if (x.shape.length !== 4 || intOf(node, "storage_order", 0) !== 0)
      unboundedForm(node, "other axes than [N, C, H, W], or storage_order 1");
    const copies = a.shape[0]!;
    const places = placesOf(context);
    const ball = properBall(context);
    const { centre } = ball;
    const wide = widened(context, ball.radius, largestIn(op, ball), 0);
    const upper = largestOther(context, op.Add(centre, wide), places);
    const excess = op.Relu(op.Sub(upper, gathered(op, op.Sub(centre, wide), places)));
    const each = placesOfEach(op, places, sizeOf(x.shape), copies);
    const copied = { ...x, shape: [copies, ...x.shape.slice(1)] };
    const [y] = outputs as [Value];
    const back = { op, node, inputs: [copied], y, outputs: [y, each], cotangent: () => a, dependsOn: () => true };
    return {
      cotangent: pullbackOf(ruleOf("MaxPool")!, 0)!(a, back, copied),
      losses: [op.Mul(op.Relu(op.Neg(a)), excess)],
    };
  },
};
