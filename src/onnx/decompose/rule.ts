/** The type of a rule that decomposes an operator. */

import type { Builder } from "../build.ts";
import type { Node } from "../graph.ts";
import type { Value } from "../value.ts";

export interface Decomposable {
  readonly op: Builder;
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
  readonly opset: number;
}

/** Returns the outputs of a node in order, null for an output that nothing uses; or null if the node is not decomposed. */
export type Decompose = (context: Decomposable) => readonly (Value | null)[];
