/** The options of an attack as flags, from the catalogue: what `--help` says of them, and what is made of their values. */

import {
  attackEntry,
  attackNames,
  defaultOption,
  defaultRadius,
  evaluationsOf,
  makeAttack,
  optionsOf,
  withDefaults,
  type AttackName,
} from "../attacks/catalogue.ts";
import { optionFaults } from "../attacks/option-faults.ts";
import {
  optionDefinitions,
  optionNames,
  type OptionDefinition,
  type OptionName,
  type OptionValues,
} from "../attacks/options.ts";
import type { AttackPlan } from "../evaluation/plan.ts";
import { UsageError } from "../node/failure.ts";
import { wholeNumber, type Option } from "../node/options.ts";

const definitionOf = (name: OptionName): OptionDefinition => optionDefinitions[name];

/** Longest line of a help text. */
const WIDTH = 118;

const inUnit = (name: OptionName): string => {
  const { title, unit, minimum, exclusive, maximum } = definitionOf(name);
  const most = maximum === Number.MAX_SAFE_INTEGER ? "" : ` to ${maximum}`;
  return `${title}${unit ? `, in ${unit}` : ""}: ${exclusive ? "above " : "from "}${minimum}${most}`;
};

/** A flag for each option that any attack takes. */
const catalogueFlags = Object.fromEntries(
  optionNames.map((name) => [name, { type: "string", value: "N", help: inUnit(name) } as const]),
) as unknown as Readonly<Record<OptionName, { readonly type: "string"; readonly value: "N"; readonly help: string }>>;

export const attackFlags = {
  attack: { type: "string", value: "NAME", help: "the attack, one of those above; pgd if absent" },
  epsilon: {
    type: "string",
    value: "E",
    help: "radius of the perturbation in grey levels of 0..255; 8, or 255 for patch",
  },
  ...catalogueFlags,
  seed: { type: "string", value: "N", default: "0", help: "of what is random" },
} as const satisfies Readonly<Record<string, Option>>;

/** The values of `attackFlags`. */
export type AttackFlags = { readonly seed: string } & {
  readonly [O in OptionName | "attack" | "epsilon"]?: string | undefined;
};

const attackLine = (name: AttackName): string => {
  const { title, knowledge } = attackEntry(name);
  const options = optionsOf(name).flatMap((option) =>
    attackEntry(name).options[option]?.fixed ? [] : [`${option} ${defaultOption(name, option, { epsilon: 8 })}`],
  );
  const line = `  ${name.padEnd(18)}${title}, ${knowledge}${options.length === 0 ? "" : `: ${options.join(", ")}`}`;
  return line.length <= WIDTH ? line : `${line.slice(0, WIDTH - 1)}…`;
};

/** The attacks with the options that each takes and their defaults, a line each. */
export const attackLines = (): string =>
  [
    `Attacks, with their options and what those are at ε = 8 where they are not given:`,
    ...attackNames.map(attackLine),
  ].join("\n");

const attackNamed = (text: string): AttackName => {
  const found = attackNames.find((name) => name === text);
  if (found) return found;
  throw new UsageError(`--attack must be one of ${attackNames.join(", ")}, not "${text}"`);
};

const decimal = /^[+]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The value of a flag. @throws UsageError for what is no number of the range. */
export const numberIn = (
  flag: string,
  text: string,
  range: Omit<OptionDefinition, "title" | "description">,
): number => {
  const { minimum, exclusive = false, maximum, integer = false } = range;
  const value = decimal.test(text) ? Number(text) : Number.NaN;
  const isInside = (exclusive ? value > minimum : value >= minimum) && value <= maximum;
  if (isInside && (!integer || Number.isInteger(value))) return value;
  const kind = integer ? "a whole number" : "a number";
  const least = exclusive ? `greater than ${minimum}` : `of at least ${minimum}`;
  throw new UsageError(`--${flag} must be ${kind} ${least} and at most ${maximum}, not "${text}"`);
};

/** The value of `--epsilon`, of a ball in L∞. @throws UsageError */
export const radiusFrom = (text: string): number =>
  numberIn("epsilon", text, { minimum: 0, exclusive: true, maximum: 255 });

/** The value of `--seed`. @throws UsageError */
export const seedFrom = (text: string): number => wholeNumber("seed", text, 0, 0xffff_ffff);

/** The options given, each one that the attack takes. @throws UsageError */
const givenOptions = (attack: AttackName, epsilon: number, flags: AttackFlags): OptionValues => {
  const values = optionNames.flatMap((name): [OptionName, number][] => {
    const text = flags[name];
    if (text === undefined) return [];
    return [[name, numberIn(name, text, definitionOf(name))]];
  });
  const given = Object.fromEntries(values);
  const [fault] = optionFaults(attack, { epsilon }, given);
  if (fault) throw new UsageError(`--${fault.option} ${fault.detail}`);
  return given;
};

/** The attack of a command line, with nothing left open but label maps. @throws UsageError for a value that it does not take. */
export const planFrom = (flags: AttackFlags): AttackPlan => {
  const attack = attackNamed(flags.attack ?? "pgd");
  const epsilon = flags.epsilon === undefined ? (defaultRadius(attack) ?? 8) : radiusFrom(flags.epsilon);
  const seed = seedFrom(flags.seed);
  const { alpha = 1, steps = 1, ...options } = withDefaults(attack, { epsilon }, givenOptions(attack, epsilon, flags));
  const plan: AttackPlan = { ...options, attack, epsilon, alpha, steps, pixelRange: "clip", seed };
  try {
    evaluationsOf(makeAttack(attack, { ...plan, pixelRange: [0, 255] }));
  } catch (cause) {
    if (cause instanceof RangeError) throw new UsageError(`attack: ${cause.message}`, { cause });
    throw cause;
  }
  return plan;
};
