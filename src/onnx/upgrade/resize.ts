/** Older forms of Resize, and Upsample, which it replaced. */

import { numbersOf, tensorOf } from "../../tensor.ts";
import { attributesOf } from "../attributes.ts";
import type { Builder } from "../build.ts";
import { floatsOf, stringOf, type Node } from "../graph.ts";
import { resizedAxes } from "../infer/resize.ts";
import { constantInts, required, type Value } from "../value.ts";
import type { Upgrade, Upgraded } from "./rule.ts";

/**
 * Upsample, and Resize before opset 11: coordinates are asymmetric; nearest takes the floor along axes that grow and the ceiling
 * along axes that shrink, so that two Resize nodes are needed if there are both.
 */
const legacyResize: Upgrade = ({ node, inputs, op }) => {
  const x = required(node, inputs, 0);
  const scales = floatsOf(node, "scales", undefined);
  const given = scales ? op.tensor(tensorOf("float32", [scales.length], scales)) : required(node, inputs, 1);
  const factors = constantInts(node, given);
  const mode = stringOf(node, "mode", "nearest") === "nearest" ? "nearest" : "linear";
  const form = (nearest_mode: string) => ({ mode, coordinate_transformation_mode: "asymmetric", nearest_mode });
  const shrinks = factors.some((s) => s < 1);
  if (mode === "linear" || !shrinks || !factors.some((s) => s > 1)) {
    return {
      op: "Resize",
      inputs: [x, null, given],
      attributes: attributesOf("Resize", form(shrinks ? "ceil" : "floor")),
    };
  }
  const step = (f: (s: number) => number) => op.tensor(tensorOf("float32", [factors.length], factors.map(f)));
  const shrunk = op.Resize(
    x,
    null,
    step((s) => Math.min(s, 1)),
    form("ceil"),
  );
  const growth = step((s) => Math.max(s, 1));
  return { op: "Resize", inputs: [shrunk, null, growth], attributes: attributesOf("Resize", form("floor")) };
};

/**
 * onnxruntime computes the output size ⌊scale · size⌋ in float32, but in its shape inference without rounding to float32: 15 · 1.4
 * is 21 in one and 20 in the other, and the graph is refused. Along axes where the two differ, the scale is replaced by the size if
 * the size implies the same scale.
 */
const consistentResize = (op: Builder, node: Node, inputs: readonly (Value | null)[]): Upgraded => {
  const [x, roi, scales] = inputs;
  const plain = { op: "Resize", inputs, attributes: node.attributes };
  const crops = stringOf(node, "coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize";
  if (!x || !scales?.constant || inputs[3] || crops) return plain;
  const factors = numbersOf(scales.constant);
  const axes = resizedAxes(node, inputs);
  const isAmbiguous = axes.map(({ size, resized, scale }) => Math.floor(size * scale) !== resized);
  const isExact = axes.every(({ size, resized, scale }, i) => !isAmbiguous[i] || Math.fround(resized / size) === scale);
  if (factors.length !== axes.length || !isAmbiguous.includes(true) || !isExact) return plain;
  const sizes = op.ints(axes.map(({ size, resized }, i) => (isAmbiguous[i] ? resized : size)));
  const sized = op.append("Resize", [x, roi ?? null, null, sizes], node.attributes)[0]!;
  const rest = factors.map((factor, i) => (isAmbiguous[i] ? 1 : factor));
  if (rest.every((factor) => factor === 1)) return sized;
  return {
    op: "Resize",
    inputs: [sized, roi ?? null, op.tensor(tensorOf("float32", [rest.length], rest))],
    attributes: node.attributes,
  };
};

export const Resize: Upgrade = (context) => {
  const { node, inputs, op, opset } = context;
  const now: Upgraded = opset < 11 ? legacyResize(context) : { op: "Resize", inputs, attributes: node.attributes };
  if (!("attributes" in now)) return now;
  const present = now.inputs.map((v) => (v && v.shape[0] === 0 ? null : v));
  return consistentResize(op, { ...node, attributes: now.attributes }, present);
};
