/** The spec of a request to POST /v1/robustness: a grid of attacks and radii. */
import { z } from "@hono/zod-openapi";
import type { AttackName as Name } from "../attacks/catalogue.ts";
import { largestRadius, type Norm } from "../attacks/norms.ts";
import { AttackName, optionFields, withAttack } from "./attack-schemas.ts";
import { AttackedCrf } from "./crf.ts";
import type { Limits } from "./operation.ts";
import { Alpha, Backend, Label, PixelRange, Radius, RadiusNorm, Seed } from "./schemas.ts";
import { transformFields } from "./transform.ts";
import { Label255 } from "./warnings.ts";

/** The radii of Arnab et al. (2018), in L∞. */
export const paperEpsilons = [0.25, 0.5, 1, 2, 4, 8, 16, 32];

/** The attacks of a grid that names none: those of the paper, and in L2 those of a fixed budget. */
export const defaultAttacks = {
  linf: ["fgsm", "fgsm-ii", "ifgsm", "ifgsm-ii"],
  l2: ["pgd", "apgd"],
} as const satisfies Record<Norm, readonly Name[]>;

/** An attack by its name, or with options of its own. */
const gridAttackSchema = (limits: Limits) =>
  z
    .union([AttackName, withAttack(z.strictObject({ attack: AttackName, ...optionFields(limits) }))])
    .openapi("GridAttack", {
      description:
        'The name of an attack, which then has its defaults, or an object with its name and options: `{"attack":"square","steps":200}`',
    });

export const robustnessSpec = (limits: Limits) =>
  z
    .strictObject({
      model: z.string().optional().openapi({ description: "Name of a model; the default one if absent" }),
      attacks: z
        .array(gridAttackSchema(limits))
        .min(1)
        .max(10)
        .optional()
        .openapi({ description: `In L2 ${defaultAttacks.l2.join(" and ")} if absent`, default: defaultAttacks.linf }),
      epsilons: z
        .array(Radius.max(largestRadius("l2")))
        .min(1)
        .max(limits.epsilons)
        .optional()
        .openapi({
          description: `Radii in grey levels, at most ${largestRadius("linf")} in L∞; with \`norm: l2\` they have to be given`,
          default: paperEpsilons,
        }),
      norm: RadiusNorm,
      alpha: Alpha.optional(),
      threshold: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.5)
        .openapi({ description: "The network is broken if the IoU ratio is below this value" }),
      label: Label,
      pixelRange: PixelRange,
      seed: Seed,
      crf: AttackedCrf,
      ...transformFields,
      backend: Backend,
      label255: Label255,
    })
    .openapi("RobustnessSpec", {
      description: `Each attack runs at each radius, with its own number of steps and, unless alpha is given, its own step size; at most ${limits.gridSteps} evaluations of the network in all`,
      example: { attacks: ["ifgsm-ii"], epsilons: [0.25, 1, 4], threshold: 0.5 },
    });
