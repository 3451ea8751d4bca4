/** Constant folding of a whole model, its input sizes fixed. */

import { createBuilder } from "../build.ts";
import { OnnxError, type Model, type ValueInfo } from "../graph.ts";
import { load } from "../load.ts";

/** The shape that is asked for, or the declared one where it is fixed. */
const shapeOf = (info: ValueInfo, shapes: Readonly<Record<string, readonly number[]>>): readonly number[] => {
  const given = Object.hasOwn(shapes, info.name) ? shapes[info.name] : undefined;
  if (given) return given;
  const fixed = info.shape?.flatMap((d) => (typeof d === "number" ? [d] : []));
  if (fixed && fixed.length === info.shape?.length) return fixed;
  throw new OnnxError("its shape is not fixed by the model: give one", `input "${info.name}"`);
};

/**
 * The model at fixed input sizes: operators in their opset-21 form, every shape static, everything folded that is known
 * once the sizes are. Inputs, outputs and metadata keep their names and order.
 *
 * @param shapes shapes of inputs by name; those that are absent must be fixed by the model.
 * @throws OnnxError for a name that is no input, a shape that does not fit, and where a shape depends on data.
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
