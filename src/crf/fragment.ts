/**
 * Mean-field inference in a fully connected CRF as a graph fragment (Krähenbühl and Koltun, 2011; Zheng et al., CRF-RNN, 2015).
 * The lattice, which represents the features, is an input and is not differentiated, as in CRF-RNN's released layer.
 */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { dimensionsOf, spatialSize, tensorOf } from "../tensor.ts";
import { latticeFilter, type LatticeInputs } from "./lattice-filter.ts";
import type { Message } from "./message.ts";
import { CrfParameterError, checkParameters, type CrfParameters } from "./parameters.ts";
import { spatialFilter } from "./spatial-filter.ts";

/**
 * −μ·m for each pixel. For Potts, where μ = 1 − I, this is m itself up to Σ m, which is the same for all classes and does
 * not change the softmax.
 */
const compatible = (op: Builder, message: Value, compatibility: CrfParameters["compatibility"]): Value => {
  if (compatibility === undefined || compatibility === "potts") return message;
  const classes = message.shape[1]!;
  if (compatibility.length !== classes)
    throw new CrfParameterError("compatibility", `of ${compatibility.length} labels`, `of the ${classes} classes`);
  // [C', C]: the element (l', l) is −μ(l, l').
  const benefits = compatibility.flatMap((_, other) => compatibility.map((row) => -row[other]!));
  return op.MatMul(message, op.cast(op.tensor(tensorOf("float32", [classes, classes], benefits), "mu"), message.dtype));
};

/**
 * z ← u − μ·message(softmax z), from z = u.
 *
 * @param logits u: float32 [1,C,H,W]
 * @returns z: float32 [1,C,H,W]; its softmax over the classes are the marginals.
 * @throws CrfParameterError if the compatibility matrix is not C×C.
 */
export const meanField = (
  op: Builder,
  logits: Value,
  message: Message,
  { iterations, compatibility }: Pick<CrfParameters, "iterations" | "compatibility">,
): Value => {
  const [, classes, height, width] = dimensionsOf(logits, 4);
  const unary = op.Transpose(op.Reshape(logits, op.ints([classes, height * width])), { perm: [1, 0] });
  let z = unary;
  for (let i = 0; i < iterations; i++)
    z = op.Add(unary, compatible(op, message(op, op.Softmax(z, { axis: -1 })), compatibility));
  return op.Reshape(op.Transpose(z, { perm: [1, 0] }), op.ints(logits.shape));
};

/**
 * Refines logits by the CRF. Gradients flow through it to the logits.
 *
 * @param logits float32 [1,C,H,W], at the image's size
 * @param lattice declared by `latticeInputs` and filled by `latticeOfImage`; null if the bilateral weight is 0.
 * @returns float32 [1,C,H,W]: logarithms of the marginals, up to a constant per pixel.
 * @throws CrfParameterError
 */
export const refine = (op: Builder, logits: Value, lattice: LatticeInputs | null, parameters: CrfParameters): Value => {
  checkParameters(parameters);
  const { gaussian } = parameters;
  const filters: Message[] = [
    ...(gaussian.weight > 0 ? [spatialFilter(spatialSize(logits), gaussian)] : []),
    ...(lattice ? [latticeFilter(lattice)] : []),
  ];
  if (filters.length === 0) return logits;
  const message: Message = (_, q) => filters.map((filter) => filter(op, q)).reduce((a, b) => op.Add(a, b));
  return meanField(op, logits, message, parameters);
};
