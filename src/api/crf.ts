/** The CRF options of a request. */
import { z } from "@hono/zod-openapi";
import type { CrfChoice } from "../contract/options.ts";

const weight = z.number().min(0).openapi({ description: "Weight of the kernel; 0 disables it" });
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

/** The CRF of requests that only predict. */
export const Crf = z
  .union([z.literal("none"), crfParameters])
  .optional()
  .openapi({
    description:
      "A fully connected CRF (mean field, Potts) after the network, which replaces the model's own; `none` disables the CRF. The defaults are those of CRF-RNN",
  });

/** The CRF of requests that attack. */
export const AttackedCrf = z
  .union([
    z.literal("none"),
    crfParameters.extend({
      attacked: z.boolean().default(true).openapi({
        description:
          "Whether gradients pass through the CRF, or through the network only. Scores are always computed after the CRF",
      }),
    }),
  ])
  .optional()
  .openapi({
    description:
      "A fully connected CRF (mean field, Potts) after the network, which replaces the model's own and through which attacks differentiate; `none` disables the CRF. The defaults are those of CRF-RNN",
  });

export const crfChoice = (crf: z.output<typeof Crf>): CrfChoice | undefined =>
  crf === undefined || crf === "none" ? crf : { ...crf, attacked: true };
