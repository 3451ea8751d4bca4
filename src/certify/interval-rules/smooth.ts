/** Functions f with |f(x) − f(c)| ≤ k·|x − c|, whose values lie in an interval of known width. */

import { floatOf } from "../../onnx/graph.ts";
import { again, largestIn, properBall, unboundedForm, widened, type BoundContext, type CurvedRule } from "./rule.ts";

/** onnxruntime's kernels of transcendental functions are wrong by a few units in the last place of 1. */
const KERNEL_TERMS = 24;

const lipschitz = (constant: (context: BoundContext) => number, width = Number.POSITIVE_INFINITY): CurvedRule => ({
  kind: "curved",
  ball: (context) => {
    const { op, inputs, node, balls } = context;
    if (balls.slice(1).some((ball) => ball?.radius)) unboundedForm(node, "bounds that depend on the image");
    const { centre, radius } = properBall(context);
    const y = again(context, [centre, ...inputs.slice(1)]);
    const scaled = op.Mul(radius, op.constant(constant(context)));
    const spread = Number.isFinite(width) ? op.Min(scaled, op.constant(width)) : scaled;
    const magnitude = Number.isFinite(width)
      ? op.constant(width)
      : op.Add(largestIn(op, { centre, radius }), op.Abs(y));
    return { centre: y, radius: widened(context, spread, magnitude, KERNEL_TERMS) };
  },
});

export const Sigmoid = lipschitz(() => 0.25, 1);
export const Tanh = lipschitz(() => 1, 2);
export const HardSigmoid = lipschitz(({ node }) => Math.abs(floatOf(node, "alpha", 0.2)), 1);
export const HardSwish = lipschitz(() => 1.5);
export const Abs = lipschitz(() => 1);
export const Clip = lipschitz(() => 1);
