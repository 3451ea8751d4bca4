/** Conversion of attributes from plain JavaScript values to those of a node. */

import { OnnxError, type Attribute, type Attributes, type PlainAttribute, type PlainAttributes } from "./graph.ts";
import { isFloatAttribute } from "./signatures.ts";

const numbers = (operator: string, name: string, value: number | readonly number[]): Attribute => {
  const list = typeof value === "number" ? [value] : value;
  if (isFloatAttribute(operator, name))
    return typeof value === "number" ? { type: "float", value } : { type: "floats", value };
  const strange = list.find((v) => !Number.isInteger(v));
  if (strange !== undefined)
    throw new OnnxError(`is an integer; ${strange} is none`, `attribute ${name} of operator ${operator}`);
  return typeof value === "number" ? { type: "int", value } : { type: "ints", value };
};

const attributeOf = (operator: string, name: string, value: PlainAttribute): Attribute => {
  if (typeof value === "boolean") return { type: "int", value: Number(value) };
  if (typeof value === "number") return numbers(operator, name, value);
  if (typeof value === "string") return { type: "string", value };
  if ("dtype" in value) return { type: "tensor", value };
  if ("type" in value) return value;
  if (value.some((item) => typeof item === "string")) return { type: "strings", value: value as readonly string[] };
  return numbers(operator, name, value as readonly number[]);
};

/**
 * Converts plain attributes, as in `("LeakyRelu", { alpha: 0.1 })`, to tagged attributes; undefined ones are omitted.
 *
 * @throws OnnxError for a fractional value of an integer attribute.
 */
export const attributesOf = (operator: string, plain: PlainAttributes): Attributes =>
  Object.fromEntries(
    Object.entries(plain).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, attributeOf(operator, name, value)]],
    ),
  );
