/** What a rule that writes an operator with others is given, and gives. */

import type { Builder } from "../build.ts";
import type { Node } from "../graph.ts";
import type { Value } from "../value.ts";

export interface Decomposable {
  readonly op: Builder;
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
}

/** The outputs of a node, in order; null for one that nothing uses. */
export type Decompose = (context: Decomposable) => readonly (Value | null)[];
