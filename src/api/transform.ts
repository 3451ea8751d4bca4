/** The transformations of a request. */
import { z } from "@hono/zod-openapi";
import { transformsSchema } from "../segmenter/manifest.ts";

/** A copy, since a schema made before the OpenAPI extension was loaded lacks its method. */
const transforms = transformsSchema.clone();

const Transforms = transforms.openapi("Transforms", {
  description:
    "In the order in which an image passes them. An option is a number, or [low, high] from which it is drawn",
  example: [{ name: "jpeg", quality: 75 }],
});

/** Fields of requests that attack. */
export const transformFields = {
  transform: z
    .union([z.literal("none"), Transforms])
    .optional()
    .openapi({
      description:
        "Transformations before the network, as a defence, in place of the model's own; `none` for the network alone. Predictions go through them, each with a draw of its own from the seed",
    }),
  through: z.enum(["differentiable", "bpda", "naive"]).optional().openapi({
    description:
      "How the attack takes the transformations: through their gradient (the default); `bpda`, forward through them and backward as if they were the identity; `naive`, the gradient of the network alone",
  }),
  draws: z.int().min(1).max(1024).optional().openapi({
    description:
      "Draws of the random transformations over which the gradient of each step is averaged (EOT); 1 if absent",
  }),
};

/** The transformations of a model. */
export const OwnTransforms = transforms
  .optional()
  .openapi({ description: "Transformations before the network, as a defence" });
