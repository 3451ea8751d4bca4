/** Signs that an attack is weaker than it could be, as every answer with an attack states them. */
import { z } from "@hono/zod-openapi";
import { list } from "./schemas.ts";

const kinds = [
  "gradient-zero",
  "saturated",
  "loss-still-moving",
  "larger-epsilon-weaker",
  "gradient-free-stronger",
  "transfer-stronger",
  "random-start-stronger",
  "weak-attack-stronger",
  "unbounded-attack-fails",
  "weak-attacks",
  "few-pixels",
  "gradient-wrong",
  "weights-zero",
] as const;

const signFields = {
  kind: z.enum(kinds),
  values: z.record(z.string(), z.number()).openapi({ description: "The numbers that the sign was read from" }),
  detail: z.string().openapi({ description: "What it means, in a sentence" }),
};

export const Signs = list(z.strictObject(signFields).openapi("Sign")).openapi({
  description:
    "Signs that the attack is weaker than it could be, so that the network is less robust than the scores say. None is no proof",
});

export const Unchecked = z
  .strictObject({ kinds: list(z.enum(kinds)), detail: z.string() })
  .openapi("Unchecked", { description: "Signs that one attack alone cannot show, and the requests that show them" });

export const Flags = list(
  z
    .strictObject({
      ...signFields,
      by: z
        .strictObject({
          attack: z.string(),
          epsilon: z.number(),
          source: z
            .string()
            .nullable()
            .openapi({ description: "The network that its images were made on, if another" }),
          iouRatio: z.number().nullable(),
        })
        .openapi({ description: "What did better" }),
    })
    .openapi("Flag"),
).openapi({
  description:
    "Attacks that ought to do less and do more: while there is one, the figure is no bound of the network, and is to be quoted with the better one",
});

export const Evaluations = z
  .strictObject({ forward: z.int(), backward: z.int() })
  .openapi("Evaluations", { description: "Predictions, and gradients, that the measurement took" });
