/** A node of a graph under construction, with the values that it reads and makes. */

import type { Node } from "./graph.ts";
import type { Value } from "./value.ts";

/** A node with its values, in place of their names. */
export interface Step {
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
}
