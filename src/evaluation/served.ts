/** Evaluations that are sent to a service: what it takes of them, wherever it runs, before a unit is made. */

import { attackEntry, type AttackName } from "../attacks/catalogue.ts";
import { attackCounts, deltasOf, deltasRefused } from "./attacks-of.ts";
import { settingsOf } from "./settings.ts";
import { parseSpec, SpecError, type EvaluationSpec, type GivenSpec } from "./spec.ts";

/** @throws SpecError for a specification that contradicts itself, and for files that a service does not have. */
export const servedSpec = (given: GivenSpec): EvaluationSpec => {
  const spec = parseSpec(given);
  if (deltasOf(spec).length > 0) throw new SpecError(deltasRefused);
  return spec;
};

/**
 * Units of so many pictures, at the least, where no two attacks are the same: each picture is scored clean, and after each attack on its own
 * network and on those that it is transferred to. What the manifests of networks draw anew is not known here.
 */
export const leastUnits = (spec: EvaluationSpec, pictures: number): number => {
  const { targets, pairs } = settingsOf(spec);
  const unitsOf = (attack: AttackName | "universal"): number =>
    attack === "universal" ? targets : pairs * ((attackEntry(attack).random ? spec.seeds : 1) + spec.repeats);
  return pictures * attackCounts(spec).reduce((sum, { attack, count }) => sum + count * unitsOf(attack), targets);
};

/** Networks with their variants, and attacks with their radii, before any is made. */
export const partsOf = (spec: EvaluationSpec): number =>
  settingsOf(spec).all.length + attackCounts(spec).reduce((sum, { count }) => sum + count, 0);

/** How many units there are, or a number that there are no fewer of, as `leastUnits` gives it. */
export type UnitCount = { readonly exactly: number } | { readonly atLeast: number };

/** @param limit who takes how many at most, in words. */
export const tooManyUnits = (has: UnitCount, limit: string): SpecError =>
  new SpecError(
    `it has ${"exactly" in has ? has.exactly : `at least ${has.atLeast}`} units (pictures × networks × attacks with their radii, seeds and repeats), and ${limit}; ask for fewer, or divide it`,
  );
