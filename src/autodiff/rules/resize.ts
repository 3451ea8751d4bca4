/** Resize: along each axis a fixed matrix, so its adjoint is that matrix transposed. */

import { tensor, type Tensor } from "../../tensor.ts";
import { floatOf, intOf, intsOf, stringOf, type Node } from "../../onnx/graph.ts";
import type { Value } from "../../onnx/value.ts";
import { unsupportedForm, type VjpContext, type VjpRule } from "../rule.ts";
import { contractAxis } from "./linear.ts";

type Taps = readonly (readonly [index: number, weight: number])[];

/** Where output position `i` lies in the input (ONNX Resize, coordinate_transformation_mode). */
const coordinate = (mode: string, i: number, size: number, out: number, scale: number): number => {
  switch (mode) {
    case "half_pixel":
      return (i + 0.5) / scale - 0.5;
    case "half_pixel_symmetric": {
      // The output is centred on the input where its size is not exactly scale · size.
      const adjustment = out / (scale * size);
      return (size / 2) * (1 - adjustment) + (i + 0.5) / scale - 0.5;
    }
    case "pytorch_half_pixel":
      return out > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case "align_corners":
      return out > 1 ? (i * (size - 1)) / (out - 1) : 0;
    case "asymmetric":
      return i / scale;
    default:
      throw new RangeError(`coordinate_transformation_mode ${mode} is not supported`);
  }
};

const nearestIndex = (mode: string, x: number): number => {
  switch (mode) {
    case "floor":
      return Math.floor(x);
    case "ceil":
      return Math.ceil(x);
    case "round_prefer_ceil":
      return Math.floor(x + 0.5);
    default:
      return Math.ceil(x - 0.5); // round_prefer_floor
  }
};

/** Keys' cubic convolution kernel with parameter `a`, at distance `t`. */
const cubic = (t: number, a: number): number => {
  const d = Math.abs(t);
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
};

/** Which inputs output `x` (in input coordinates) takes, with what weights, before the borders are clamped. */
const tapsAt = (node: Node, x: number): Taps => {
  const mode = stringOf(node, "mode", "nearest");
  const base = Math.floor(x);
  if (mode === "nearest") return [[nearestIndex(stringOf(node, "nearest_mode", "round_prefer_floor"), x), 1]];
  if (mode === "linear") return [[base, 1 - (x - base)], [base + 1, x - base]]; // prettier-ignore
  const a = floatOf(node, "cubic_coeff_a", -0.75);
  return [-1, 0, 1, 2].map((k) => [base + k, cubic(x - base - k, a)] as const);
};

/** A [out, in] with y = A·x along one axis. */
export const resizeMatrix = (node: Node, size: number, out: number, scale: number): Tensor<"float32"> => {
  const coordinates = stringOf(node, "coordinate_transformation_mode", "half_pixel");
  const excludeOutside = intOf(node, "exclude_outside", 0) === 1;
  const data = new Float32Array(out * size);
  for (let i = 0; i < out; i++) {
    const x = coordinate(coordinates, i, size, out, scale);
    // Linear interpolation holds the borders: the coordinate itself is clamped.
    const linear = stringOf(node, "mode", "nearest") === "linear";
    const taps = tapsAt(node, linear ? Math.min(Math.max(x, 0), size - 1) : x);
    const kept = excludeOutside ? taps.filter(([k]) => k >= 0 && k < size) : taps;
    const total = excludeOutside ? kept.reduce((sum, [, w]) => sum + w, 0) : 1;
    for (const [k, w] of kept) data[i * size + Math.min(Math.max(k, 0), size - 1)]! += w / total;
  }
  return tensor("float32", [out, size], data);
};

const scaleOf = ({ node, inputs }: VjpContext, x: Value, y: Value, axis: number): number => {
  const axes = intsOf(
    node,
    "axes",
    x.shape.map((_, i) => i),
  ).map((a) => (a < 0 ? a + x.shape.length : a));
  const given = inputs[3] ? undefined : inputs[2]?.constant?.data[axes.indexOf(axis)];
  return given === undefined ? y.shape[axis]! / x.shape[axis]! : Number(given);
};

/** y = A_h·x·A_wᵀ; dx = A_hᵀ·dy·A_w, the axis that shrinks most first. */
export const Resize: VjpRule = [
  (dy, context, x) => {
    const { op, node, y } = context;
    if (intOf(node, "antialias", 0) === 1) unsupportedForm(node, "antialias");
    const coordinates = stringOf(node, "coordinate_transformation_mode", "half_pixel");
    if (coordinates.startsWith("tf_")) unsupportedForm(node, coordinates);
    const axes = x.shape.flatMap((size, axis) =>
      size === y.shape[axis] && scaleOf(context, x, y, axis) === 1 ? [] : [axis],
    );
    const byShrinkage = axes.toSorted((a, b) => x.shape[a]! / y.shape[a]! - x.shape[b]! / y.shape[b]!);
    return byShrinkage.reduce((d, axis) => {
      const matrix = resizeMatrix(node, x.shape[axis]!, y.shape[axis]!, scaleOf(context, x, y, axis));
      return contractAxis(op, d, axis, matrix);
    }, dy);
  },
  null,
  null,
  null,
];
