/** Refuses a network without a gradient, and names all that blocks it. */

import { coverageOf, type Findings } from "./coverage.ts";
import { Refusal } from "../node/failure.ts";
import type { Loaded } from "./loaded.ts";

/** Largest number of nodes that are named; of the others the number is given. */
const SHOWN = 5;

/**
 * @param warn called for inputs by which the output has no derivative, where it has one by others.
 * @throws Refusal that names every node at fault and what can be done, or says why there is no derivative.
 */
export const requireGradient = (
  loaded: Loaded,
  output: string,
  inputs: readonly string[],
  warn: (text: string) => void,
): void => {
  const findings: Findings = new Map();
  const coverages = inputs.map((input) => ({ input, ...coverageOf(loaded, output, input, findings) }));
  const faults = new Map(coverages.flatMap((c) => c.faults).map((f) => [f.node, f]));
  if (faults.size > 0) {
    const listed = [...faults.values()].map((f) => `node ${f.operator} "${f.node}": ${f.reason} (${f.advice})`);
    const more = faults.size > SHOWN ? `; and ${faults.size - SHOWN} more nodes, see faultline inspect` : "";
    throw new Refusal(`no gradient of "${output}": ${listed.slice(0, SHOWN).join("; ")}${more}`);
  }
  const cut = coverages.filter(({ reached }) => !reached);
  const reasons = cut.map(({ input, ends }) => {
    const end = ends.at(-1);
    const why = end ? `node ${end.op} "${end.name}" has none` : "it does not depend on it";
    return `"${output}" has no derivative by "${input}": ${why}`;
  });
  if (cut.length === coverages.length) throw new Refusal(reasons.join("; "));
  for (const reason of reasons) warn(`${reason}; its gradient is zero`);
};
