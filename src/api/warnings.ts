/** How label maps are read, and what answers say about the pictures of a request. */
import { z } from "@hono/zod-openapi";
import type { PartName } from "../contract/files.ts";
import { list } from "./schemas.ts";

const parts = ["image", "labels", "target", "prediction", "reference", "adversarial"] as const satisfies PartName[];

export const Label255 = z.enum(["void", "foreground"]).optional().openapi({
  description:
    "What 255 means in label maps of a two-class network that hold only 0 and 255: `void`, or `foreground`, class 1 of a binary mask. Without it such maps are refused, as they have two readings",
});

export const Warnings = list(
  z
    .strictObject({
      kind: z.enum(["turned", "first-frame", "mostly-void"]).openapi({
        description:
          "`turned`: by its Exif orientation. `first-frame`: of an animation. `mostly-void`: the label map leaves no class, or only one, beside void",
      }),
      part: z.enum(parts).openapi({ description: "The part of the request" }),
      detail: z.string(),
    })
    .openapi("Warning"),
).openapi({ description: "What was done to the pictures, or is unusual about them; empty if there is nothing to say" });

export const VoidPixels = z
  .int()
  .openapi({ description: "Pixels that are void in the reference; no score counts them" });
