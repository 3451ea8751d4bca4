/** Signs that an attack is weaker than it could be, as every answer with an attack states them. */
import { z } from "@hono/zod-openapi";
import { list } from "./schemas.ts";

const kinds = [
  "gradient-zero",
  "saturated",
  "loss-still-moving",
  "larger-epsilon-weaker",
  "gradient-free-stronger",
  "random-start-stronger",
  "weak-attack-stronger",
  "unbounded-attack-fails",
  "weak-attacks",
  "few-pixels",
  "gradient-wrong",
] as const;

export const Signs = list(
  z
    .strictObject({
      kind: z.enum(kinds),
      values: z.record(z.string(), z.number()).openapi({ description: "The numbers that the sign was read from" }),
      detail: z.string().openapi({ description: "What it means, in a sentence" }),
    })
    .openapi("Sign"),
).openapi({
  description:
    "Signs that the attack is weaker than it could be, so that the network is less robust than the scores say. None is no proof",
});

export const Evaluations = z
  .strictObject({ forward: z.int(), backward: z.int() })
  .openapi("Evaluations", { description: "Predictions, and gradients, that the measurement took" });
