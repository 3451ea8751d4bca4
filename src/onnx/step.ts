/** A node of a graph under construction, with its input and output values. */

import type { Node } from "./graph.ts";
import type { Value } from "./value.ts";

/** A node with its input and output values. */
export interface Step {
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
}
