/** Trials of an attack behind a random transformation. */
import { z } from "@hono/zod-openapi";
import { MAX_TRIALS } from "../contract/limits.ts";
import { list } from "./schemas.ts";

export const Trials = z.int().min(1).max(MAX_TRIALS).openapi({
  description:
    "Trials in which the clean and the adversarial image are predicted anew, each with another seed of the random transformations, from `seed` on; their mean and two standard deviations are in `trials`. Arnab et al. 2018 make 9. Refused where nothing is random",
  example: 9,
});

const Spread = z
  .strictObject({
    mean: z.number(),
    twoDeviations: z.number().nullable().openapi({ description: "Twice the standard deviation; null for one value" }),
  })
  .nullable()
  .openapi("Spread", { description: "Over the trials where the score is defined; null if it is in none" });

export const TrialScores = z
  .strictObject({
    trials: list(
      z.strictObject({
        seed: z.int(),
        miou: z.strictObject({ clean: z.number().nullable(), adversarial: z.number().nullable() }),
        iouRatio: z.number().nullable(),
      }),
    ),
    cleanMiou: Spread,
    adversarialMiou: Spread,
    iouRatio: Spread,
  })
  .openapi("TrialScores", {
    description: "Without ground truth, the clean prediction of each trial is its reference",
  });
