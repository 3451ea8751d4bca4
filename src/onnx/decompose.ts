/**
 * Operators that are written with others when a model is loaded: the QOperator form becomes QuantizeLinear and
 * DequantizeLinear around a float operator (which onnxruntime fuses again), onnxruntime's fused operators fall apart, and
 * those whose size depends on data are computed where the data are known. Newer ones become what they are defined by.
 */

import { Attention, RotaryEmbedding } from "./decompose/attention.ts";
import { contrib } from "./decompose/contrib.ts";
import { dataDependent } from "./decompose/data-dependent.ts";
import { DeformConv } from "./decompose/deform-conv.ts";
import * as newer from "./decompose/newer.ts";
import { qoperators } from "./decompose/qoperators.ts";
import type { Decomposable, Decompose } from "./decompose/rule.ts";
import { checkInputs } from "./signatures.ts";
import type { Value } from "./value.ts";

/** By operator; onnxruntime's own ones with their domain before them. */
const table: Readonly<Record<string, Decompose>> = {
  ...qoperators,
  ...contrib,
  ...dataDependent,
  ...newer,
  Attention,
  RotaryEmbedding,
  DeformConv,
};

/** Those of the standard operator set that are defined by ONNX's own tests, most of which onnxruntime-web does not have. */
export const newerOperators: readonly string[] = [...Object.keys(newer), "Attention", "RotaryEmbedding", "DeformConv"];

/** Operators that are decomposed, onnxruntime's own ones with their domain. */
export const decomposableOperators: readonly string[] = Object.keys(table);

/** The outputs of `node` made of standard operators, or null for a node that is left as it is. */
export const decompose = (context: Decomposable): readonly (Value | null)[] | null => {
  const { domain, op } = context.node;
  const key = domain === "" ? op : `${domain}.${op}`;
  if (!Object.hasOwn(table, key)) return null;
  checkInputs(context.node, context.inputs);
  return table[key]!(context);
};
