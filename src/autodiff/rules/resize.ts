/** Resize is a constant matrix along each axis; its adjoint is the transposed matrix. */

import { intOf, stringOf } from "../../onnx/graph.ts";
import { resizedAxes, type ResizedAxis } from "../../onnx/infer/resize.ts";
import { unsupportedForm, type VjpRule } from "../rule.ts";
import { resizeMatrix } from "./resize-matrix.ts";
import { contractAxes } from "./stencil.ts";

const sameSize = ({ size, resized, scale }: ResizedAxis): boolean => size === resized && scale === 1;

/** An axis whose size and region of interest do not change. If no axis changes its size, onnxruntime copies the input even if it should be cropped; that form is refused. */
const unchanged = (axis: ResizedAxis): boolean => sameSize(axis) && axis.roi[0] === 0 && axis.roi[1] === 1;

/** y = A_h·x·A_wᵀ; dx = A_hᵀ·dy·A_w, starting with the axis that shrinks most. */
export const Resize: VjpRule = [
  (dy, { op, node, inputs }) => {
    if (intOf(node, "antialias", 0) === 1) unsupportedForm(node, "antialias");
    const axes = resizedAxes(node, inputs);
    if (axes.every(sameSize) && !axes.every(unchanged)) unsupportedForm(node, "a crop that keeps the size");
    // Except for linear interpolation, onnxruntime copies along an axis with factor 1 and ignores its region of interest.
    const isCopied = stringOf(node, "mode", "nearest") === "linear" ? unchanged : sameSize;
    const byShrinkage = axes
      .flatMap((a, axis) => (isCopied(a) ? [] : [axis]))
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
