/** The interpretation of label maps, and warnings about the images of a request. */
import { z } from "@hono/zod-openapi";
import type { PartName } from "../contract/files.ts";
import { list } from "./schemas.ts";

const parts = [
  "image",
  "labels",
  "target",
  "prediction",
  "reference",
  "adversarial",
  "delta",
] as const satisfies PartName[];

export const Label255 = z.enum(["void", "foreground"]).optional().openapi({
  description:
    "The meaning of 255 in label maps of a two-class network that contain only 0 and 255: `void`, or `foreground` (class 1 of a binary mask). Without it such maps are refused as ambiguous",
});

export const Warnings = list(
  z
    .strictObject({
      kind: z.enum(["turned", "first-frame", "translucent", "resized", "mostly-void", "rounded-away"]).openapi({
        description:
          "`turned`: the image was rotated or mirrored by its Exif orientation. `first-frame`: only the first frame of the animation was decoded. `translucent`: pixels of the image are not opaque, and were put on black (value × opacity). `resized`: the network reads only some of the pixels, as the image is resized to less than half its sides before it; the detail has both sizes and the share. `mostly-void`: the label map contains at most one class besides void. `rounded-away`: rounding to 8 bits undoes the attack on the image, or more than 0.02 of the IoU ratio",
      }),
      part: z.enum(parts).openapi({ description: "The part of the request" }),
      detail: z.string(),
    })
    .openapi("Warning"),
).openapi({
  description:
    "Conversions of the images, unusual properties, and attacks that rounding undoes; empty if there are none",
});

export const VoidPixels = z.int().openapi({
  description:
    "Number of pixels that are void in the reference, which all scores ignore; those under a patch are among them",
});
