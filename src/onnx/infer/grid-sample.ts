/** Shape inference of GridSample, which reads an image at given positions. */

import { OnnxError, describe, stringOf, type Node } from "../graph.ts";
import { required, type Infer } from "../value.ts";

/** The attribute `mode`, by its names in opset 20. */
export const gridSampleMode = (node: Node): string => {
  const mode = stringOf(node, "mode", "linear");
  if (mode === "bilinear") return "linear";
  return mode === "bicubic" ? "cubic" : mode;
};

/** Inputs: X [N, C, D₁ … Dₙ], grid [N, O₁ … Oₙ, n] of coordinates in −1..1, the last axis of X first. */
export const GridSample: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  const grid = required(node, inputs, 1);
  const axes = x.shape.length - 2;
  const matches = grid.shape.length === axes + 2 && grid.shape[0] === x.shape[0] && grid.shape.at(-1) === axes;
  if (axes < 1 || !matches) {
    throw new OnnxError(`a grid [${grid.shape.join(", ")}] does not fit input [${x.shape.join(", ")}]`, describe(node));
  }
  return [{ dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...grid.shape.slice(1, -1)] }];
};
