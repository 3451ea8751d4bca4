/**
 * Operators that are written with others when a model is loaded: the QOperator form becomes QuantizeLinear and
 * DequantizeLinear around a float operator (which onnxruntime fuses again), onnxruntime's fused operators fall apart, and
 * those whose size depends on data are computed where the data are known.
 */

import { contrib } from "./decompose/contrib.ts";
import { dataDependent } from "./decompose/data-dependent.ts";
import { qoperators } from "./decompose/qoperators.ts";
import type { Decomposable, Decompose } from "./decompose/rule.ts";
import type { Value } from "./value.ts";

/** By operator; onnxruntime's own ones with their domain before them. */
const table: Readonly<Record<string, Decompose>> = { ...qoperators, ...contrib, ...dataDependent };

/** Operators that are decomposed, onnxruntime's own ones with their domain. */
export const decomposableOperators: readonly string[] = Object.keys(table);

/** The outputs of `node` made of standard operators, or null for a node that is left as it is. */
export const decompose = (context: Decomposable): readonly (Value | null)[] | null => {
  const { domain, op } = context.node;
  const key = domain === "" ? op : `${domain}.${op}`;
  return Object.hasOwn(table, key) ? table[key]!(context) : null;
};
