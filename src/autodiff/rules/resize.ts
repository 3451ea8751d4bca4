/** Resize: along each axis a fixed matrix, so its adjoint is that matrix transposed. */

import { tensor, type Tensor } from "../../tensor.ts";
import { floatOf, intOf, stringOf, type Node } from "../../onnx/graph.ts";
import { resizedAxes, type ResizedAxis } from "../../onnx/infer/resize.ts";
import { unsupportedForm, type VjpRule } from "../rule.ts";
import { contractAxes } from "./stencil.ts";

type Taps = readonly (readonly [index: number, weight: number])[];

/** Where output position `i` lies in the input (ONNX Resize, coordinate_transformation_mode). */
const coordinate = (node: Node, i: number, { size, resized, scale, roi: [start, end] }: ResizedAxis): number => {
  const mode = stringOf(node, "coordinate_transformation_mode", "half_pixel");
  switch (mode) {
    case "half_pixel":
      return (i + 0.5) / scale - 0.5;
    case "half_pixel_symmetric": {
      // The output is centred on the input where its size is not exactly scale · size.
      const adjustment = resized / (scale * size);
      return (size / 2) * (1 - adjustment) + (i + 0.5) / scale - 0.5;
    }
    case "pytorch_half_pixel":
      return resized > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case "align_corners":
      return resized > 1 ? (i * (size - 1)) / (resized - 1) : 0;
    case "asymmetric":
      return i / scale;
    case "tf_half_pixel_for_nn":
      return (i + 0.5) / scale;
    case "tf_crop_and_resize":
      return resized > 1
        ? start * (size - 1) + (i * (end - start) * (size - 1)) / (resized - 1)
        : 0.5 * (start + end) * (size - 1);
    default:
      return unsupportedForm(node, `coordinate_transformation_mode ${mode}`);
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

/** What lies outside the input takes extrapolation_value there, not the border's. */
const extrapolates = (node: Node): boolean =>
  stringOf(node, "coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize";

/** A [resized, size] with y = A·x (and a constant, where x is left) along one axis. */
export const resizeMatrix = (node: Node, axis: ResizedAxis): Tensor<"float32"> => {
  const { size, resized } = axis;
  const excludeOutside = intOf(node, "exclude_outside", 0) === 1;
  const linear = stringOf(node, "mode", "nearest") === "linear";
  const data = new Float32Array(resized * size);
  for (let i = 0; i < resized; i++) {
    const x = coordinate(node, i, axis);
    if (extrapolates(node) && (x < 0 || x > size - 1)) continue;
    // Linear interpolation holds the borders: the coordinate itself is clamped.
    const taps = tapsAt(node, linear ? Math.min(Math.max(x, 0), size - 1) : x);
    const kept = excludeOutside ? taps.filter(([k]) => k >= 0 && k < size) : taps;
    const total = excludeOutside ? kept.reduce((sum, [, w]) => sum + w, 0) : 1;
    for (const [k, w] of kept) data[i * size + Math.min(Math.max(k, 0), size - 1)]! += w / total;
  }
  return tensor("float32", [resized, size], data);
};

const sameSize = ({ size, resized, scale }: ResizedAxis): boolean => size === resized && scale === 1;

/** onnxruntime copies the input where no axis changes its size, also what should be cropped: that form is refused. */
const unchanged = (axis: ResizedAxis): boolean => sameSize(axis) && axis.roi[0] === 0 && axis.roi[1] === 1;

/** y = A_h·x·A_wᵀ; dx = A_hᵀ·dy·A_w, the axis that shrinks most first. */
export const Resize: VjpRule = [
  (dy, { op, node, inputs }) => {
    if (intOf(node, "antialias", 0) === 1) unsupportedForm(node, "antialias");
    const axes = resizedAxes(node, inputs);
    if (axes.every(sameSize) && !axes.every(unchanged)) unsupportedForm(node, "a crop that keeps the size");
    const byShrinkage = axes
      .flatMap((a, axis) => (unchanged(a) ? [] : [axis]))
      .toSorted((a, b) => axes[a]!.size / axes[a]!.resized - axes[b]!.size / axes[b]!.resized);
    return contractAxes(
      op,
      dy,
      byShrinkage.map((axis) => [axis, resizeMatrix(node, axes[axis]!)]),
    );
  },
  null,
  null,
  null,
];
