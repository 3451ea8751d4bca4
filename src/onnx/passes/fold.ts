/** Constant folding of a whole model with fixed input sizes. */

import { createBuilder } from "../build.ts";
import { OnnxError, type Model, type ValueInfo } from "../graph.ts";
import { load } from "../load.ts";

/** The requested shape, or the declared shape if it is fixed. */
const shapeOf = (info: ValueInfo, shapes: Readonly<Record<string, readonly number[]>>): readonly number[] => {
  const given = Object.hasOwn(shapes, info.name) ? shapes[info.name] : undefined;
  if (given) return given;
  const fixed = info.shape?.flatMap((d) => (typeof d === "number" ? [d] : []));
  if (fixed && fixed.length === info.shape?.length) return fixed;
  throw new OnnxError("its shape is not fixed by the model: give one", `input "${info.name}"`);
};

/**
 * The model with fixed input sizes: operators in their opset-21 form, static shapes, and constants folded. Inputs, outputs and
 * metadata keep their names and order.
 *
 * @param shapes shapes of inputs by name; the shapes of other inputs must be fixed by the model.
 * @throws OnnxError for a name that is not an input, for a shape that does not fit, and if a shape depends on data.
 */
export const fold = (model: Model, shapes: Readonly<Record<string, readonly number[]>> = {}): Model => {
  const { graph } = model;
  const unknown = Object.keys(shapes).find((name) => !graph.inputs.some((v) => v.name === name));
  if (unknown !== undefined) {
    throw new OnnxError(`is not an input; inputs: ${graph.inputs.map((v) => v.name).join(", ")}`, `"${unknown}"`);
  }
  const op = createBuilder(graph.name);
  const inputs = graph.inputs.map((v) => [v.name, op.input(v.name, v.dtype, shapeOf(v, shapes))] as const);
  const outputs = load(op, model, Object.fromEntries(inputs));
  return { ...op.model(outputs), producer: model.producer, metadata: model.metadata };
};
