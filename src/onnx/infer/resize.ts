/** Shape inference of Resize: the output size and the scale factor of each axis. */

import { OnnxError, describe, intsOf, stringOf, type Node } from "../graph.ts";
import { constantInts, normaliseAxis, required, type Infer, type Value } from "../value.ts";

export interface ResizedAxis {
  readonly size: number;
  readonly resized: number;
  /** The scale factor of the coordinates, a float32; it differs from resized ÷ size if the size was rounded. */
  readonly scale: number;
  /** The region of interest for tf_crop_and_resize; 0..1 is the whole axis. */
  readonly roi: readonly [start: number, end: number];
}

/** The scale factors for given sizes: each axis has its own, or (keep_aspect_ratio_policy) all have the smallest or the largest. */
const factorsOf = (node: Node, x: Value, axes: readonly number[], sizes: readonly number[]): number[] => {
  const factors = axes.map((axis, i) => Math.fround(sizes[i]! / x.shape[axis]!));
  const policy = stringOf(node, "keep_aspect_ratio_policy", "stretch");
  switch (policy) {
    case "stretch":
      return factors;
    case "not_larger":
      return factors.map(() => Math.min(...factors));
    case "not_smaller":
      return factors.map(() => Math.max(...factors));
    default:
      throw new OnnxError(`keep_aspect_ratio_policy ${policy} is not known`, describe(node));
  }
};

/** The region of interest of each of `count` axes; the whole axis if its values are not used. */
const roiOf = (node: Node, roi: Value | null | undefined, count: number): (readonly [number, number])[] => {
  const crops = stringOf(node, "coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize";
  if (!crops) return Array.from({ length: count }, () => [0, 1]);
  const values = roi ? constantInts(node, roi) : [];
  if (values.length !== 2 * count)
    throw new OnnxError(`a roi of ${values.length} values does not fit ${count} axes`, describe(node));
  return Array.from({ length: count }, (_, i) => [values[i]!, values[i + count]!]);
};

/** The parameters of every axis. Inputs: X, roi, scales, sizes; with the attribute `axes`, the last three list only those axes. */
export const resizedAxes = (node: Node, inputs: readonly (Value | null)[]): ResizedAxis[] => {
  const x = required(node, inputs, 0);
  const every = x.shape.map((_, i) => i);
  const axes = intsOf(node, "axes", every).map((a) => normaliseAxis(node, a, x.shape.length));
  const sizes = inputs[3] && inputs[3].shape[0] !== 0 ? constantInts(node, inputs[3]) : null;
  const given = sizes ?? constantInts(node, required(node, inputs, 2));
  if (given.length !== axes.length)
    throw new OnnxError(`${given.length} sizes or scales do not fit ${axes.length} axes`, describe(node));
  const factors = sizes ? factorsOf(node, x, axes, sizes) : given;
  const stretched = stringOf(node, "keep_aspect_ratio_policy", "stretch") === "stretch";
  const roi = roiOf(node, inputs[1], axes.length);
  return x.shape.map((size, axis) => {
    const i = axes.indexOf(axis);
    if (i < 0) return { size, resized: size, scale: 1, roi: [0, 1] };
    const scale = factors[i]!;
    // In float32 as in onnxruntime, where 0.7 · 10 is 7.
    const scaled = Math.fround(size * scale);
    const kept = stretched ? sizes?.[i] : Math.floor(scaled + 0.5);
    return { size, resized: sizes ? kept! : Math.floor(scaled), scale, roi: roi[i]! };
  });
};

export const Resize: Infer = (node, inputs) => {
  const { dtype } = required(node, inputs, 0);
  const shape = resizedAxes(node, inputs).map(({ resized }) => resized);
  if (shape.every((d) => d > 0)) return [{ dtype, shape }];
  throw new OnnxError(`the input is too small: its output would be [${shape.join(", ")}]`, describe(node));
};
