/**
 * Operators that are decomposed when a model is loaded. The QOperator format becomes QuantizeLinear and DequantizeLinear around a
 * float operator (which onnxruntime fuses again), onnxruntime's fused operators are split into standard ones, newer operators are
 * replaced by their definitions, and operators whose output size depends on data are computed if the data are constant.
 */

import { Attention, RotaryEmbedding } from "./decompose/attention.ts";
import { contrib } from "./decompose/contrib.ts";
import { dataDependent } from "./decompose/data-dependent.ts";
import { DeformConv } from "./decompose/deform-conv.ts";
import * as newer from "./decompose/newer.ts";
import { MaxRoiPool, RoiAlign } from "./decompose/roi.ts";
import { qoperators } from "./decompose/qoperators.ts";
import type { Decomposable, Decompose } from "./decompose/rule.ts";
import { checkInputs } from "./signatures.ts";
import type { Value } from "./value.ts";

/** Decompositions by operator; onnxruntime's own operators are prefixed with their domain. */
const table: Readonly<Record<string, Decompose>> = {
  ...qoperators,
  ...contrib,
  ...dataDependent,
  ...newer,
  Attention,
  RotaryEmbedding,
  DeformConv,
  MaxRoiPool,
  RoiAlign,
};

/** Standard operators that are verified against ONNX's own test cases or onnxruntime's kernels. */
export const newerOperators: readonly string[] = [
  ...Object.keys(newer),
  "Attention",
  "RotaryEmbedding",
  "DeformConv",
  "MaxRoiPool",
  "RoiAlign",
];

/** Operators that are decomposed; onnxruntime's own operators are prefixed with their domain. */
export const decomposableOperators: readonly string[] = Object.keys(table);

/** The outputs of `node`, built from standard operators; null for a node that is not decomposed. */
export const decompose = (context: Decomposable): readonly (Value | null)[] | null => {
  const { domain, op } = context.node;
  const key = domain === "" ? op : `${domain}.${op}`;
  if (!Object.hasOwn(table, key)) return null;
  checkInputs(context.node, context.inputs);
  return table[key]!(context);
};
