/** Resize along one axis as a constant matrix. */

import { floatOf, intOf, stringOf, type Node } from "../../onnx/graph.ts";
import type { ResizedAxis } from "../../onnx/infer/resize.ts";
import { unsupportedForm } from "../rule.ts";
import { sparseOf, type Sparse } from "./sparse.ts";

const f32 = Math.fround;

/**
 * The input coordinate of output position `i` (ONNX Resize, coordinate_transformation_mode), in the arithmetic of onnxruntime's
 * UpsampleBase (1.30): float32, rounded after each operation, except for the last sum of half_pixel_symmetric. With non-integer
 * scales, another arithmetic would select other pixels.
 */
const coordinate = (node: Node, i: number, { size, resized, scale, roi: [start, end] }: ResizedAxis): number => {
  const mode = stringOf(node, "coordinate_transformation_mode", "half_pixel");
  const s = f32(scale);
  switch (mode) {
    case "half_pixel":
      return f32(f32(f32(i + 0.5) / s) - 0.5);
    case "half_pixel_symmetric": {
      // If the output's size is not exactly scale · size, the output is centred on the input.
      const adjustment = f32(resized / f32(s * size));
      return f32(f32((size / 2) * f32(1 - adjustment)) + (i + 0.5) / s - 0.5);
    }
    case "pytorch_half_pixel":
      return resized > 1 ? f32(f32(f32(i + 0.5) / s) - 0.5) : 0;
    case "align_corners":
      return resized > 1 ? f32(f32(i * (size - 1)) / (resized - 1)) : 0;
    case "asymmetric":
      return f32(i / s);
    case "tf_half_pixel_for_nn":
      return f32(f32(i + 0.5) / s);
    case "tf_crop_and_resize": {
      const [from, to] = [f32(start), f32(end)];
      if (resized <= 1) return f32(0.5 * f32(from + to) * (size - 1));
      return f32(f32(from * (size - 1)) + f32(f32(f32(i * f32(to - from)) * (size - 1)) / (resized - 1)));
    }
    default:
      return unsupportedForm(node, `coordinate_transformation_mode ${mode}`);
  }
};

/** onnxruntime treats a coordinate within this distance of a half-integer as a half-integer. */
const HALF_TOLERANCE = 1e-6;

const nearestIndex = (mode: string, x: number): number => {
  if (mode === "floor") return Math.floor(x);
  if (mode === "ceil") return Math.ceil(x);
  const below = Math.floor(x);
  const beyond = x - below - 0.5;
  if (Math.abs(beyond) < HALF_TOLERANCE) return mode === "round_prefer_ceil" ? below + 1 : below;
  return beyond > 0 ? below + 1 : below;
};

/** Keys' cubic convolution kernel with parameter `a`, at distance `t`. */
const cubic = (t: number, a: number): number => {
  const d = Math.abs(t);
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
};

type Taps = readonly (readonly [index: number, weight: number])[];

/** The input positions and weights of the output at input coordinate `x`, before positions are clamped to the input. */
const tapsAt = (node: Node, x: number): Taps => {
  const mode = stringOf(node, "mode", "nearest");
  const base = Math.floor(x);
  if (mode === "nearest") return [[nearestIndex(stringOf(node, "nearest_mode", "round_prefer_floor"), x), 1]];
  if (mode === "linear") return [[base, 1 - (x - base)], [base + 1, x - base]]; // prettier-ignore
  const a = floatOf(node, "cubic_coeff_a", -0.75);
  return [-1, 0, 1, 2].map((k) => [base + k, cubic(x - base - k, a)] as const);
};

/** Whether outputs outside the input are extrapolation_value instead of the border's value. */
const extrapolates = (node: Node): boolean =>
  stringOf(node, "coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize";

/** Maximum number of entries in a row, which is that of cubic interpolation. */
const MAX_TAPS = 4;

/** The matrix A [resized, size] with y = A·x along one axis (plus a constant where the output lies outside x). */
export const resizeMatrix = (node: Node, axis: ResizedAxis): Sparse => {
  const { size, resized } = axis;
  const excludeOutside = intOf(node, "exclude_outside", 0) === 1;
  const linear = stringOf(node, "mode", "nearest") === "linear";
  return sparseOf(resized, size, MAX_TAPS, (i, put) => {
    const x = coordinate(node, i, axis);
    if (extrapolates(node) && (x < 0 || x > size - 1)) return;
    // For linear interpolation the coordinate itself is clamped.
    const taps = tapsAt(node, linear ? Math.min(Math.max(x, 0), size - 1) : x);
    const kept = excludeOutside ? taps.filter(([k]) => k >= 0 && k < size) : taps;
    const total = excludeOutside ? kept.reduce((sum, [, w]) => sum + w, 0) : 1;
    for (const [k, w] of kept) put(Math.min(Math.max(k, 0), size - 1), w / total);
  });
};

/** Bilinear with half-pixel centres, which is the default. */
const BILINEAR: Node = {
  name: "",
  op: "Resize",
  domain: "",
  inputs: [],
  outputs: [],
  attributes: { mode: { type: "string", value: "linear" } },
};

/** The matrix A [resized, size] of bilinear resizing with half-pixel centres, without antialiasing. */
export const bilinearMatrix = (size: number, resized: number): Sparse =>
  resizeMatrix(BILINEAR, { size, resized, scale: f32(resized / size), roi: [0, 1] });
