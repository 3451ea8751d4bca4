/** The type of a rule that converts an older or newer form of an operator to its opset-21 form. */

import type { Builder } from "../build.ts";
import type { Attributes, Node } from "../graph.ts";
import type { Value } from "../value.ts";

/** A node in its opset-21 form, or the value that replaces it. */
export type Upgraded =
  | { readonly op: string; readonly inputs: readonly (Value | null)[]; readonly attributes: Attributes }
  | Value;

export interface Context {
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
  readonly op: Builder;
  readonly opset: number;
}

export type Upgrade = (context: Context) => Upgraded;

export const without = (attributes: Attributes, ...names: string[]): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
