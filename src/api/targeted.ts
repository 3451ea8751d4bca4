/** Targets of attacks: a class, a label map, a region that is hidden or swapped. */
import { z } from "@hono/zod-openapi";
import type { AttackSpec } from "../contract/attack.ts";
import { classTarget, hideTarget, placesIn, swapTarget, targetFaults } from "../evaluation/targeted.ts";
import type { Fault } from "./attack-faults.ts";

const mask = z.literal(true).optional().openapi({ description: "The pixels that are not 0 in the part `target`" });

export const Targeted = z
  .discriminatedUnion("kind", [
    classTarget,
    z.strictObject({ kind: z.literal("map") }),
    hideTarget.extend({ mask }),
    swapTarget.extend({ mask }),
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
  const needsPart = targeted?.kind === "map" || (isRegion && placesIn(targeted).includes("mask"));
  const found = isRegion ? targetFaults(attack, targeted, places) : [];
  return [
    ...found.map(({ field, detail }) => ({ pointer: `/spec/targeted${field && `/${field}`}`, detail })),
    ...(needsPart && !target
      ? [
          {
            pointer: "/target",
            detail: `is required, because spec.targeted ${targeted.kind === "map" ? "is a map" : "has a mask"}`,
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
