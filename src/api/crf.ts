/** The CRF of a request. */
import { z } from "@hono/zod-openapi";
import type { CrfChoice } from "../contract/options.ts";

const weight = z.number().min(0).openapi({ description: "Of the kernel; 0 leaves it out" });
const pixels = z.number().positive().openapi({ description: "Pixels" });

export const crfParameters = z.strictObject({
  iterations: z.int().min(1).default(10).openapi({ description: "Mean-field iterations" }),
  gaussian: z
    .strictObject({ weight, theta: pixels })
    .default({ weight: 3, theta: 3 })
    .openapi({ description: "Smoothness: exp(−|Δp|² ÷ 2θ²)" }),
  bilateral: z
    .strictObject({
      weight,
      thetaAlpha: pixels,
      thetaBeta: z.number().positive().openapi({ description: "Grey levels" }),
    })
    .default({ weight: 5, thetaAlpha: 160, thetaBeta: 3 })
    .openapi({ description: "Appearance: exp(−|Δp|² ÷ 2θα² − |Δcolour|² ÷ 2θβ²)" }),
});

/** Of requests that only predict. */
export const Crf = z
  .union([z.literal("none"), crfParameters])
  .optional()
  .openapi({
    description:
      "A fully connected CRF (mean field, Potts) behind the network, in place of the model's own; `none` for the network alone. The defaults are CRF-RNN's",
  });

/** Of requests that attack. */
export const AttackedCrf = z
  .union([
    z.literal("none"),
    crfParameters.extend({
      attacked: z.boolean().default(true).openapi({
        description:
          "Whether the attack climbs through the CRF, or through the network alone. Scores are always behind it",
      }),
    }),
  ])
  .optional()
  .openapi({
    description:
      "A fully connected CRF (mean field, Potts) behind the network, in place of the model's own, through which attacks climb; `none` for the network alone. The defaults are CRF-RNN's",
  });

export const crfChoice = (crf: z.output<typeof Crf>): CrfChoice | undefined =>
  crf === undefined || crf === "none" ? crf : { ...crf, attacked: true };
