/** Equality of tensors and of nodes. */

import type { DataOf } from "../tensor.ts";
import type { Attributes } from "./graph.ts";
import type { Value } from "./value.ts";

export const sameBytes = (a: DataOf, b: DataOf): boolean => {
  if (a === b) return true;
  const [left, right] = [a, b].map((data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  if (left!.length !== right!.length) return false;
  for (let i = 0; i < left!.length; i++) if (left![i] !== right![i]) return false;
  return true;
};

/** A key that is equal for equal nodes on the same inputs. */
export const keyOf = (
  domain: string,
  op: string,
  inputs: readonly (Value | null)[],
  attributes: Attributes,
  count: number,
): string => {
  const plain = JSON.stringify([domain, op, inputs.map((v) => v?.name), count]);
  return Object.keys(attributes).length === 0 ? plain : plain + JSON.stringify(attributes, distinct);
};

/** Replaces numbers that JSON does not distinguish (NaN, the infinities and −0) with distinct strings. */
const distinct = (_: string, value: unknown): unknown =>
  typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
    ? `number ${1 / value} ${value}`
    : value;
