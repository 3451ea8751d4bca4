/** Operators that copy elements: radii move as the elements do. */

import { stringOf } from "../../onnx/graph.ts";
import type { Value } from "../../onnx/value.ts";
import { again, type AffineRule, type BoundContext } from "./rule.ts";

const moving = (
  data: (context: BoundContext) => readonly number[] = () => [0],
  replace: (context: BoundContext) => readonly (Value | null)[] = ({ inputs }) => inputs,
): AffineRule => ({
  kind: "affine",
  data,
  spread: (context, v) => {
    const moved = new Set(data(context));
    const others = replace(context);
    return again(
      context,
      context.inputs.map((x, i) => (x && moved.has(i) ? (v[i] ?? context.op.zeros(x)) : others[i]!)),
    );
  },
  terms: () => [0, 0],
});

const one = moving();
export const Identity = one;
export const Dropout = one;
export const Slice = one;
export const Transpose = one;
export const Reshape = one;
export const Flatten = one;
export const Squeeze = one;
export const Unsqueeze = one;
export const Expand = one;
export const Tile = one;
export const Gather = one;
export const DepthToSpace = one;
export const SpaceToDepth = one;
export const Concat = moving(({ inputs }) => inputs.map((_, i) => i));

/** What is padded with a constant has no radius. */
export const Pad = moving(undefined, ({ op, node, inputs }) =>
  stringOf(node, "mode", "constant") === "constant"
    ? inputs.map((x, i) => (i === 2 && x ? op.constant(0, x.dtype) : x))
    : inputs,
);
