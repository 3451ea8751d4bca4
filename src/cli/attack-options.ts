/** The options of an attack as flags, from the catalogue: what `--help` says of them, and what is made of their values. */

import {
  attackEntry,
  attackNames,
  defaultOption,
  defaultRadius,
  evaluationsOf,
  makeAttack,
  normsOf,
  optionsOf,
  radiusNeeded,
  withDefaults,
  type AttackName,
  type Ball,
} from "../attacks/catalogue.ts";
import { largestRadius, norms, type Norm } from "../attacks/norms.ts";
import { freeOptions, optionFaults } from "../attacks/option-faults.ts";
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
import { fieldsOf, optionIn } from "./notation.ts";

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
  attack: {
    type: "string",
    value: "NAME",
    help: "the attack, one of those above; pgd if absent; also pgd:steps=3:norm=l2",
  },
  epsilon: {
    type: "string",
    value: "E",
    help: "radius in grey levels; 8 in L∞, 255 for patch, none for minimum norm; needed in L2",
  },
  norm: { type: "string", value: "NORM", help: "of epsilon: linf or l2, where the attack has both; its own if absent" },
  ...catalogueFlags,
  seed: { type: "string", value: "N", default: "0", help: "of what is random" },
} as const satisfies Readonly<Record<string, Option>>;

/** The values of `attackFlags`. */
export type AttackFlags = { readonly seed: string } & {
  readonly [O in OptionName | "attack" | "epsilon" | "norm"]?: string | undefined;
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

/** The value of `--epsilon`, of a ball in that norm. @throws UsageError */
export const radiusFrom = (text: string, norm: Norm = "linf"): number =>
  numberIn("epsilon", text, { minimum: 0, exclusive: true, maximum: largestRadius(norm) });

/** The value of `--norm`. @throws UsageError for a norm in which the attack has no form. */
const normFrom = (attack: AttackName, text: string): Norm => {
  const found = norms.find((norm) => norm === text);
  const taken = normsOf(attack);
  if (found && taken.includes(found)) return found;
  throw new UsageError(`--norm must be ${taken.join(" or ")} for ${attack}, not "${text}"`);
};

/** ε, of a ball in the attack's norm. */
const ballFrom = (attack: AttackName, { epsilon, norm: named }: AttackFlags): Ball => {
  const norm = named === undefined ? undefined : normFrom(attack, named);
  const needed = epsilon === undefined ? radiusNeeded(attack, { norm }) : null;
  if (needed !== null) throw new UsageError(`--epsilon must be given with --norm l2: ${needed}`);
  const radius = epsilon === undefined ? defaultRadius(attack) : radiusFrom(epsilon, norm ?? normsOf(attack)[0]);
  return { epsilon: radius, ...(norm && { norm }) };
};

/** "pgd:steps=3:norm=l2", as `evaluate` takes attacks, among the other flags. @throws UsageError */
const spelledOut = (flags: AttackFlags): AttackFlags => {
  const text = flags.attack ?? "pgd";
  const [name = "pgd", ...given] = text.split(":");
  const accepted = ["epsilon", "norm", ...freeOptions(attackNamed(name))];
  const options = given.map((option) => {
    const [key, value] = optionIn("attack", text, option);
    if (!accepted.includes(key))
      throw new UsageError(`--attack: ${name} has no option ${key}; accepted: ${accepted.join(", ")}`);
    if (flags[key as keyof AttackFlags] !== undefined) throw new UsageError(`--${key} is given twice, in --attack too`);
    return [key, value] as const;
  });
  return { ...flags, ...fieldsOf("attack", text, options), attack: name };
};

/** The value of `--seed`. @throws UsageError */
export const seedFrom = (text: string): number => wholeNumber("seed", text, 0, 0xffff_ffff);

/** The options given, each one that the attack takes. @throws UsageError */
const givenOptions = (attack: AttackName, ball: Ball, flags: AttackFlags): OptionValues => {
  const values = optionNames.flatMap((name): [OptionName, number][] => {
    const text = flags[name];
    if (text === undefined) return [];
    return [[name, numberIn(name, text, definitionOf(name))]];
  });
  const given = Object.fromEntries(values);
  const [fault] = optionFaults(attack, ball, given);
  if (fault) throw new UsageError(`--${fault.option} ${fault.detail}`);
  return given;
};

/** The attack of a command line, with nothing left open but label maps. @throws UsageError for a value that it does not take. */
export const planFrom = (given: AttackFlags): AttackPlan => {
  const flags = spelledOut(given);
  const attack = attackNamed(flags.attack ?? "pgd");
  const ball = ballFrom(attack, flags);
  const seed = seedFrom(flags.seed);
  const { alpha = 1, steps = 1, ...options } = withDefaults(attack, ball, givenOptions(attack, ball, flags));
  const plan: AttackPlan = { ...options, ...ball, attack, alpha, steps, pixelRange: "clip", seed };
  try {
    evaluationsOf(makeAttack(attack, { ...plan, pixelRange: [0, 255] }));
  } catch (cause) {
    if (cause instanceof RangeError) throw new UsageError(`attack: ${cause.message}`, { cause });
    throw cause;
  }
  return plan;
};
