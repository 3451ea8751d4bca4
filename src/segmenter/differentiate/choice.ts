/** The choice of the output that is differentiated, and of the inputs by which. */

import type { Graph } from "../../onnx/graph.ts";
import type { Value } from "../../onnx/value.ts";
import { GradientError } from "./gradient-error.ts";
import type { Loaded } from "./loaded.ts";

const isFloat = ({ dtype }: { readonly dtype: string }): boolean => dtype === "float32" || dtype === "float64";

const list = (values: Readonly<Record<string, Pick<Value, "dtype" | "shape">>>): string =>
  Object.entries(values)
    .map(([name, { dtype, shape }]) => `${name} (${dtype}[${shape.join(", ")}])`)
    .join(", ") || "none";

/** The names of the outputs that may have a derivative: those of floating-point type. */
export const floatOutputs = ({ outputs }: Loaded): string[] =>
  Object.entries(outputs).flatMap(([name, value]) => (isFloat(value) ? [name] : []));

/**
 * The named output, or the only one that is float.
 *
 * @throws GradientError with the list of outputs.
 */
export const chooseOutput = (loaded: Loaded, named?: string): string => {
  const { outputs } = loaded;
  const floats = floatOutputs(loaded);
  if (named === undefined) {
    if (floats.length === 1) return floats[0]!;
    const why =
      floats.length === 0 ? "no output is float32 or float64" : "there are several outputs: choose with `output`";
    throw new GradientError(`${why}; outputs: ${list(outputs)}`);
  }
  if (!Object.hasOwn(outputs, named))
    throw new GradientError(`\`output\` ${named}: no such output; outputs: ${list(outputs)}`);
  if (!floats.includes(named))
    throw new GradientError(
      `\`output\` ${named}: is ${outputs[named]!.dtype}, which has no derivative; outputs: ${list(outputs)}`,
    );
  return named;
};

/** Inputs by which a gradient can be taken. */
export const floatInputs = (graph: Graph): string[] => graph.inputs.filter(isFloat).map((v) => v.name);

/**
 * The named inputs, or all that are float.
 *
 * @throws GradientError with the list of inputs.
 */
export const chooseInputs = (graph: Graph, named: readonly string[] = []): string[] => {
  const floats = floatInputs(graph);
  const all = graph.inputs.map((v) => `${v.name} (${v.dtype})`).join(", ");
  if (named.length === 0) {
    if (floats.length > 0) return floats;
    throw new GradientError(`no input is float32 or float64; inputs: ${all || "none"}`);
  }
  for (const name of named) {
    const info = graph.inputs.find((v) => v.name === name);
    if (!info) throw new GradientError(`\`inputs\` ${name}: no such input; inputs: ${all}`);
    if (!isFloat(info))
      throw new GradientError(`\`inputs\` ${name}: is ${info.dtype}, of which there is no derivative; inputs: ${all}`);
  }
  return [...new Set(named)];
};
