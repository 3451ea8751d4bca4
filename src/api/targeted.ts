/** Targets of attacks: a class, a label map, a region that is hidden or swapped. */
import { z } from "@hono/zod-openapi";
import type { AttackSpec } from "../contract/attack.ts";
import { attackEntry } from "../attacks/catalogue.ts";
import type { Fault } from "./attack-faults.ts";

const Class = z.union([z.int().min(0).max(254), z.string().min(1).max(200)]).openapi({
  description: "A class of the model, by its index or its name",
});
const pixels = z.number().min(-1e5).max(1e5);
const extent = z.number().positive().max(1e5);

const place = {
  classes: z
    .array(Class)
    .min(1)
    .max(255)
    .readonly()
    .optional()
    .openapi({
      description: "The pixels that these classes have in the labels to leave (`label`)",
      example: ["pedestrian"],
    }),
  box: z
    .tuple([pixels, pixels, extent, extent])
    .readonly()
    .optional()
    .openapi({
      description: "Left edge, upper edge, width and height, in pixels",
      example: [40, 60, 80, 120],
    }),
  polygon: z
    .array(z.tuple([pixels, pixels]).readonly())
    .min(3)
    .max(1000)
    .readonly()
    .optional()
    .openapi({ description: "Corners [x, y] in pixels; the pixels whose centres are inside by the even-odd rule" }),
  mask: z.literal(true).optional().openapi({ description: "The pixels that are not 0 in the part `target`" }),
  outside: z.enum(["keep", "free"]).optional().openapi({
    description:
      "Whether the attack is to keep the labels of all other pixels (the default), or is free there. Minimum-norm attacks, whose success is a share of all pixels that are not free, take `free` only",
  }),
};

export const Targeted = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("class"), class: z.int().min(0).max(254) }),
    z.strictObject({ kind: z.literal("map") }),
    z.strictObject({ kind: z.literal("hide"), ...place }),
    z.strictObject({ kind: z.literal("swap"), ...place, to: Class }),
  ])
  .openapi("Targeted", {
    description:
      "Makes the attack targeted: at one class; at the label map in the part `target`; `hide`, at the labels around a region, in the region; or `swap`, at the class `to` in a region. A region is given by exactly one of `classes`, `box`, `polygon` and `mask`. For an II attack the target replaces the least-likely class",
    example: { kind: "hide", classes: ["pedestrian"] },
  });

const places = ["classes", "box", "polygon", "mask"] as const;

/** Faults of a target that no schema of single fields can tell. */
export const targetedFaults = (
  { attack, targeted }: Pick<AttackSpec, "attack" | "targeted">,
  target: Uint8Array | undefined,
): Fault[] => {
  const isRegion = targeted?.kind === "hide" || targeted?.kind === "swap";
  const given = isRegion ? places.filter((name) => targeted[name] !== undefined) : [];
  const needsPart = targeted?.kind === "map" || given.includes("mask");
  const isBounded = attackEntry(attack).type === "fixed-budget";
  return [
    ...(isRegion && given.length !== 1
      ? [
          {
            pointer: "/spec/targeted",
            detail: `must have exactly one of ${places.join(", ")}; it has ${given.join(", ") || "none"}`,
          },
        ]
      : []),
    ...(isRegion && !isBounded && targeted.outside !== "free"
      ? [
          {
            pointer: "/spec/targeted/outside",
            detail: `must be "free" for ${attack}, which ends at a share of all pixels`,
          },
        ]
      : []),
    ...(needsPart && !target
      ? [
          {
            pointer: "/target",
            detail: `is required, because spec.targeted ${targeted?.kind === "map" ? "is a map" : "has a mask"}`,
          },
        ]
      : []),
    ...(target && !needsPart
      ? [{ pointer: "/target", detail: 'must be absent unless spec.targeted is {"kind":"map"} or has a mask' }]
      : []),
  ];
};

const share = z.number().nullable();

export const RegionScores = z
  .strictObject({
    reached: share.openapi({ description: "Share of the region's pixels that have the label to approach" }),
    kept: share.openapi({ description: "Share of the other pixels that have their label of before the attack" }),
  })
  .openapi("RegionScores");
