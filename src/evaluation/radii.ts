/** Which radii attacks of an evaluation have, and how large these may be: grey levels end at 255, their L2 norm over a picture does not. */

import { attackEntry, normsOf, radiusNeeded, type AttackName } from "../attacks/catalogue.ts";
import { largestRadius, type Norm } from "../attacks/norms.ts";

/** An attack by its name, as far as its radii depend on it. */
export interface Balled {
  readonly attack: AttackName | "universal";
  readonly norm?: Norm | undefined;
  readonly epsilon?: number | readonly number[] | undefined;
}

/** Whether the radii of the evaluation are those of the attack: it has a budget, and none of its own. */
export const takesCommonRadii = ({ attack, epsilon }: Balled): boolean => {
  if (epsilon !== undefined || attack === "universal") return false;
  const { type, radius } = attackEntry(attack);
  return type === "fixed-budget" && radius === undefined;
};

const boundOf = ({ attack, norm }: Balled): number =>
  largestRadius(attack === "universal" ? "linf" : (norm ?? attackEntry(attack).distance));

const exceeds = (epsilon: Balled["epsilon"], bound: number): boolean =>
  [epsilon ?? 0].flat().some((one) => one > bound);

const otherNorm = ({ attack }: Balled): string =>
  attack !== "universal" && normsOf(attack).includes("l2") ? `; ${attack} takes more with norm l2` : "";

/** Why an attack needs a radius that is given, or null. */
const needOf = ({ attack, norm }: Balled): string | null =>
  attack === "universal" ? null : radiusNeeded(attack, { norm });

/** What an attack's own radii must be and are not, or null. */
export const ownRadiusFault = (entry: Balled): string | null => {
  const bound = boundOf(entry);
  return exceeds(entry.epsilon, bound) ? `must be at most ${bound} in the L∞ norm${otherNorm(entry)}` : null;
};

/** What the radii of the evaluation must be and are not, or null: all attacks that take them must be able to. */
export const commonRadiusFault = (epsilon: Balled["epsilon"], entries: readonly Balled[]): string | null => {
  const takers = entries.filter(takesCommonRadii);
  if (epsilon === undefined) {
    const needy = takers.find((entry) => needOf(entry) !== null);
    return needy ? `is required, because ${needy.attack} has norm l2: ${needOf(needy)}` : null;
  }
  if (takers.length === 0)
    return exceeds(epsilon, largestRadius("linf"))
      ? `must be at most ${largestRadius("linf")} where no attack in L2 takes it`
      : null;
  const unfit = takers.find((entry) => exceeds(epsilon, boundOf(entry)));
  return unfit
    ? `must be at most ${boundOf(unfit)} in the L∞ norm, which is that of ${unfit.attack}${otherNorm(unfit)}`
    : null;
};
