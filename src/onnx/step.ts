/** The nodes of a graph under construction, with their input and output values. */

import type { Node } from "./graph.ts";
import type { Value } from "./value.ts";

/** A node with its input and output values. */
export interface Step {
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
}

/** The steps on which `target` depends, in order. */
export const leadingTo = (steps: readonly Step[], target: Value): readonly Step[] => {
  const leads = new Set([target.name]);
  const found = steps.toReversed().filter(({ inputs, outputs }) => {
    if (!outputs.some((v) => leads.has(v.name))) return false;
    for (const v of inputs) if (v) leads.add(v.name);
    return true;
  });
  return found.toReversed();
};
