/** GET /v1/attacks: the catalogue of attacks, so that a client can offer each with the options that it takes. */
import { z } from "@hono/zod-openapi";
import {
  attackEntry,
  attackNames,
  defaultOption,
  evaluationsOf,
  makeAttack,
  normsOf,
  optionsOf,
  type AttackName,
} from "../attacks/catalogue.ts";
import { largestRadius } from "../attacks/norms.ts";
import { optionDefinitions, type OptionDefinition, type OptionName } from "../attacks/options.ts";
import { AttackName as Name } from "./attack-schemas.ts";
import { defineOperation, json, type Limits, type Operation } from "./operation.ts";
import { problemResponses } from "./problem-schema.ts";
import { list } from "./schemas.ts";

/** The radius, in grey levels, at which the defaults and the cost are stated: that of a request which names none. */
const STATED_AT = 8;

const Option = z
  .strictObject({
    name: z.string().openapi({ description: "The field of the attack's spec" }),
    title: z.string(),
    description: z.string(),
    unit: z.string().optional().openapi({ description: "Absent where the option is a plain number" }),
    minimum: z.number(),
    exclusiveMinimum: z.boolean().openapi({ description: "Whether the minimum itself is refused" }),
    maximum: z.number(),
    integer: z.boolean(),
    default: z.number().openapi({ description: `At ε = ${STATED_AT}` }),
    fixed: z
      .string()
      .optional()
      .openapi({ description: "Present where another value than the default is refused: why" }),
  })
  .openapi("AttackOption");

const Listed = z
  .strictObject({
    name: Name,
    title: z.string(),
    summary: z.string(),
    formula: z.string().openapi({ description: "One step" }),
    knowledge: z
      .enum(["white-box", "transfer", "gradient-free"])
      .openapi({ description: "What the attacker knows of the network" }),
    type: z.enum(["fixed-budget", "minimum-norm"]).openapi({
      description:
        "Whether it searches a ball of radius ε for the worst image, or searches for the smallest ball that is enough",
    }),
    distances: list(z.enum(["linf", "l2"])).openapi({ description: "The norms of the perturbation that it can bound" }),
    paper: z.strictObject({
      title: z.string(),
      authors: z.string(),
      year: z.int(),
      arxiv: z.string().openapi({ description: "Identifier on arXiv", example: "1711.09856" }),
    }),
    atlas: z.string().openapi({ description: "Technique of MITRE ATLAS" }),
    objective: z.string().openapi({ description: "What it climbs" }),
    random: z.boolean().openapi({ description: "Whether the seed makes a difference" }),
    options: list(Option),
    evaluations: z.int().openapi({
      description: `Evaluations of the network with the default options, at ε = ${STATED_AT}. Those of a gradient-free attack are predictions, all others also compute a gradient`,
    }),
  })
  .openapi("AttackDescription");

const Attacks = z
  .strictObject({
    epsilon: z.number().openapi({ description: "At which defaults are stated, in grey levels" }),
    attacks: list(Listed),
  })
  .openapi("Attacks");

/** A request's own upper bounds: of steps, and of step sizes by the norms of the attack. */
const boundOf = (attack: AttackName, name: OptionName, limits: Limits): number => {
  if (name === "steps") return limits.steps;
  return name === "alpha" ? Math.max(...normsOf(attack).map(largestRadius)) : Infinity;
};

const optionOf = (attack: AttackName, name: OptionName, limits: Limits): z.input<typeof Option> => {
  const definition: OptionDefinition = optionDefinitions[name];
  const { title, description, unit, minimum, exclusive = false, maximum, integer = false } = definition;
  const fixed = attackEntry(attack).options[name]?.fixed;
  return {
    name,
    title,
    description,
    ...(unit === undefined ? {} : { unit }),
    minimum,
    exclusiveMinimum: exclusive,
    maximum: Math.min(maximum, boundOf(attack, name, limits)),
    integer,
    default: defaultOption(attack, name, { epsilon: STATED_AT }) ?? 0,
    ...(fixed === undefined ? {} : { fixed }),
  };
};

const describedAttack = (name: AttackName, limits: Limits): z.input<typeof Listed> => {
  const { title, summary, formula, knowledge, type, paper, atlas, objective, random } = attackEntry(name);
  return {
    name,
    title,
    summary,
    formula,
    knowledge,
    type,
    distances: normsOf(name),
    paper,
    atlas,
    objective,
    random,
    options: optionsOf(name).map((option) => optionOf(name, option, limits)),
    evaluations: evaluationsOf(makeAttack(name, { epsilon: STATED_AT, pixelRange: null, seed: 0 })),
  };
};

export const attacks = (limits: Limits): Operation =>
  defineOperation(
    {
      method: "get",
      path: "/v1/attacks",
      operationId: "listAttacks",
      tags: ["Attacks"],
      summary: "List the attacks",
      description: "What each attack is, which options it takes, with ranges and defaults, and what it costs.",
      sample: {},
      responses: {
        200: { description: "The attacks.", content: { "application/json": { schema: Attacks } } },
        ...problemResponses(),
      },
    },
    (c) => json(c, Attacks, { epsilon: STATED_AT, attacks: attackNames.map((name) => describedAttack(name, limits)) }),
  );
