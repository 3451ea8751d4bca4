/** Evaluations that are sent to a service: what it takes of them, wherever it runs, before a unit is made. */

import { deltasOf, deltasRefused, mostAttacks } from "./attacks-of.ts";
import { settingsOf } from "./settings.ts";
import { parseSpec, SpecError, type EvaluationSpec, type GivenSpec } from "./spec.ts";

/** @throws SpecError for a specification that contradicts itself, and for files that a service does not have. */
export const servedSpec = (given: GivenSpec): EvaluationSpec => {
  const spec = parseSpec(given);
  if (deltasOf(spec).length > 0) throw new SpecError(deltasRefused);
  return spec;
};

/** Units of so many pictures, at most: each is scored clean, and after each attack on its own network and on the sources of transfer. */
export const mostUnits = (spec: EvaluationSpec, pictures: number): number => {
  const { targets, aims } = settingsOf(spec);
  const scored = aims.reduce((sum, own) => sum + own.length, 0);
  return pictures * (targets.length + mostAttacks(spec) * scored);
};

/**
 * @param has how many units it has, in words.
 * @param most that are taken by `service`, which is named.
 */
export const tooManyUnits = (has: string, service: string, most: number): SpecError =>
  new SpecError(
    `it has ${has} units (pictures × networks × attacks with their radii, seeds and repeats), and an evaluation of a ${service} ${most} at most; ask for fewer, or divide it`,
  );
