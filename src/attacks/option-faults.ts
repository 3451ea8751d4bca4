/** Options that an attack does not take, or that its definition fixes at another value. */

import {
  attackEntry,
  attackNames,
  defaultOption,
  makeAttack,
  optionsOf,
  type AttackName,
  type Ball,
} from "./catalogue.ts";
import { lengthFault } from "./norms.ts";
import { optionNames, type OptionName, type OptionValues } from "./options.ts";

/** `detail` begins with "must". */
export interface OptionFault {
  readonly option: OptionName;
  readonly detail: string;
  readonly received: number;
}

/** The options of an attack that its definition leaves free. */
export const freeOptions = (attack: AttackName): readonly OptionName[] =>
  optionsOf(attack).filter((name) => !attackEntry(attack).options[name]?.fixed);

/** Of the fields of an object with that attack, those that it can have: without options of others. All where it is no attack. */
export const fieldsWith = (attack: unknown, fields: readonly string[]): readonly string[] => {
  const name = attackNames.find((known) => known === attack);
  if (name === undefined) return fields;
  const others = new Set<string>(optionNames);
  for (const free of freeOptions(name)) others.delete(free);
  if (!weighsClasses(name)) others.add("classWeights");
  return fields.filter((field) => !others.has(field));
};

/** Faults of the options given, in their order. */
export const optionFaults = (attack: AttackName, ball: Ball, given: OptionValues): OptionFault[] =>
  (Object.entries(given) as [OptionName, number][]).flatMap(([option, received]) => {
    const use = attackEntry(attack).options[option];
    if (!use) {
      const free = freeOptions(attack);
      const taken = free.length === 0 ? "there is none to choose" : `it takes ${free.join(", ")}`;
      return [{ option, detail: `must be absent: ${attack} has no such option; ${taken}`, received }];
    }
    if (use.fixed && received !== defaultOption(attack, option, ball)) return [{ option, detail: use.fixed, received }];
    const detail = option === "alpha" ? lengthFault(received, ball.norm ?? attackEntry(attack).distance) : null;
    return detail === null ? [] : [{ option, detail, received }];
  });

/** The objective of the catalogue that weighs classes, by the labels at hand unless weights are given. */
export const classBalanced = "balanced-cross-entropy";

const weighsClasses = (name: AttackName): boolean =>
  makeAttack(name, { epsilon: 1, pixelRange: null, seed: 0 }).trajectories.some(
    ({ objective }) => objective === classBalanced,
  );

/** Why an attack takes no weights of classes; null where it does. */
export const classWeightsMisplaced = (name: AttackName): string | null =>
  weighsClasses(name)
    ? null
    : `must be absent: ${name} weighs no classes; of all attacks ${attackNames.filter(weighsClasses).join(", ")} does`;
