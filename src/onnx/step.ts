/** The nodes of a graph under construction, with their input and output values. */

import type { Node } from "./graph.ts";
import type { Value } from "./value.ts";

/** A node with its input and output values. */
export interface Step {
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
}

/** A step, or a node of a file: values, or their names. An absent input is null or has an empty name. */
interface Link {
  readonly inputs: readonly (Value | string | null)[];
  readonly outputs: readonly (Value | string)[];
}

const nameOf = (v: Value | string | null): string | undefined => (typeof v === "string" ? v : v?.name);

/** The links on which the value of that name depends, in order. */
export const leadingTo = <T extends Link>(links: readonly T[], target: string): readonly T[] => {
  const leads = new Set<string | undefined>([target]);
  const found = links.toReversed().filter(({ inputs, outputs }) => {
    if (!outputs.some((v) => leads.has(nameOf(v)))) return false;
    for (const v of inputs) leads.add(nameOf(v));
    return true;
  });
  return found.toReversed();
};
