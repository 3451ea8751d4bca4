/** What an attack approaches, as a specification says it: a class, or a region that is hidden or swapped. */

import * as z from "zod";
import { attackEntry, type AttackName } from "../attacks/catalogue.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import { classIndex, RegionError, type Place, type RegionGoal } from "./region-goal.ts";

const Class = z.union([z.int().min(0).max(254), z.string().min(1).max(200)]).describe("A class, by its index or name");
const pixels = z.number().min(-1e5).max(1e5);

const region = {
  classes: z
    .array(Class)
    .min(1)
    .max(255)
    .readonly()
    .optional()
    .describe("The pixels that these classes have in the labels to leave (`label`)"),
  box: z
    .tuple([pixels, pixels, pixels.positive(), pixels.positive()])
    .readonly()
    .optional()
    .describe("Left edge, upper edge, width and height, in pixels"),
  polygon: z
    .array(z.tuple([pixels, pixels]).readonly())
    .min(3)
    .max(1000)
    .readonly()
    .optional()
    .describe("Corners [x, y] in pixels; the pixels whose centres are inside by the even-odd rule"),
  outside: z
    .enum(["keep", "free"])
    .optional()
    .describe(
      "Whether the attack is to keep the labels of all other pixels (the default), or is free there. Minimum-norm attacks, whose success is a share of all pixels that are not free, take `free` only",
    ),
};

export const classTarget = z.strictObject({ kind: z.literal("class"), class: z.int().min(0).max(254) });
export const hideTarget = z.strictObject({ kind: z.literal("hide"), ...region });
export const swapTarget = z.strictObject({ kind: z.literal("swap"), ...region, to: Class });

export const targetedSchema = z
  .discriminatedUnion("kind", [classTarget, hideTarget, swapTarget])
  .describe(
    "What attacks approach: one class; `hide`, in a region, the labels around it; `swap`, in a region, the class `to`",
  );

/** A region, by exactly one of its places; a request may mark it in a mask, which comes apart. */
export type RegionTarget = z.output<typeof hideTarget | typeof swapTarget> & { readonly mask?: true | undefined };
export type Target = z.output<typeof classTarget> | RegionTarget;

const places = ["classes", "box", "polygon", "mask"] as const;

/** The fields of a region that say where it is. */
export const placesIn = (target: RegionTarget): readonly (typeof places)[number][] =>
  places.filter((name) => target[name] !== undefined);

export interface TargetFault {
  /** Below the target; empty for the target itself. */
  readonly field: string;
  readonly detail: string;
}

/**
 * What no schema of single fields can tell of the target of an attack.
 *
 * @param known the places that the specification may name.
 */
export const targetFaults = (
  attack: AttackName,
  target: Target,
  known: readonly string[] = Object.keys(region).filter((name) => name !== "outside"),
): readonly TargetFault[] => {
  if (target.kind === "class") return [];
  const given = placesIn(target);
  const isBounded = attackEntry(attack).type === "fixed-budget";
  return [
    ...(given.length === 1
      ? []
      : [
          {
            field: "",
            detail: `must have exactly one of ${known.join(", ")}; it has ${given.join(", ") || "none"}`,
          },
        ]),
    ...(isBounded || target.outside === "free"
      ? []
      : [{ field: "outside", detail: `must be "free" for ${attack}, which ends at a share of all pixels` }]),
  ];
};

type Classes = readonly { readonly name: string }[];

const named = (field: string, classes: Classes, given: number | string): number => {
  try {
    return classIndex(classes, given);
  } catch (cause) {
    if (!(cause instanceof RegionError)) throw cause;
    throw new RegionError(cause.message, field, { cause });
  }
};

const placeOf = ({ classes, box, polygon }: RegionTarget, known: Classes, mask: Labels | undefined): Place => {
  if (classes) return { classes: classes.map((given, i) => named(`classes/${i}`, known, given)) };
  if (box) return { box };
  if (polygon) return { polygon };
  if (mask) return { mask };
  throw new RegionError("a region without a place");
};

/**
 * The region of a target with the indices of its classes.
 *
 * @param mask uint8 [H,W], for a target that has one.
 * @throws RegionError, with its field, for classes that there are not.
 */
export const goalOf = (target: RegionTarget, classes: Classes, mask?: Labels): RegionGoal => ({
  place: placeOf(target, classes, mask),
  to: target.kind === "swap" ? named("to", classes, target.to) : undefined,
  outside: target.outside,
});
