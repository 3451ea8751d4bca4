/** Refuses a network without a gradient, and names all that blocks it. */

import { coverageOf, type Findings } from "./coverage.ts";
import { GradientError } from "./gradient-error.ts";
import type { Loaded } from "./loaded.ts";

/** How many nodes the message names; it says how many more there are. */
const SHOWN = 5;

/**
 * @returns a warning for each input by which the output has no derivative, where it has one by others.
 * @throws GradientError that names every node at fault and what can be done, or says why there is no derivative.
 */
export const requireGradient = (loaded: Loaded, output: string, inputs: readonly string[]): readonly string[] => {
  const findings: Findings = new Map();
  const coverages = inputs.map((input) => ({ input, ...coverageOf(loaded, output, input, findings) }));
  const faults = new Map(coverages.flatMap((c) => c.faults).map((f) => [f.node, f]));
  if (faults.size > 0) {
    const listed = [...faults.values()].map((f) => `node ${f.operator} "${f.node}": ${f.reason} (${f.advice})`);
    const more = faults.size > SHOWN ? `; and ${faults.size - SHOWN} more nodes, see faultline inspect` : "";
    throw new GradientError(`no gradient of "${output}": ${listed.slice(0, SHOWN).join("; ")}${more}`);
  }
  const cut = coverages.filter(({ reached }) => !reached);
  const reasons = cut.map(({ input, ends }) => {
    const end = ends.at(-1);
    const why = end ? `node ${end.op} "${end.name}" has none` : "it does not depend on it";
    return `"${output}" has no derivative by "${input}": ${why}`;
  });
  if (cut.length === coverages.length) throw new GradientError(reasons.join("; "));
  return reasons.map((reason) => `${reason}; its gradient is zero`);
};
