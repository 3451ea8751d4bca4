/** What an attack of a request approaches: a class, a label map, or the labels of a region, which follow from the clean prediction. */

import type { AttackResult, AttackSpec } from "../contract/attack.ts";
import { invalidSpec } from "../contract/failure.ts";
import type { Measured } from "../evaluation/measure.ts";
import type { AttackPlan } from "../evaluation/plan.ts";
import { regionAim, RegionError } from "../evaluation/region-goal.ts";
import { goalOf, type RegionTarget } from "../evaluation/targeted.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import { counted } from "../counted.ts";

type Classes = Manifest["classes"];

const AT = "/spec/targeted";

const checkClass = (index: number, classes: Classes): void => {
  if (index < classes.length) return;
  const detail = `class ${index} does not exist; the model has ${counted(classes.length, "class")}, 0 to ${classes.length - 1}`;
  throw invalidSpec({ pointer: `${AT}/class`, detail, received: index });
};

/** What cannot be had of a region is a fault of the request. */
const naming = <T>(run: () => T): T => {
  try {
    return run();
  } catch (cause) {
    if (!(cause instanceof RegionError)) throw cause;
    const pointer = cause.field === undefined ? AT : `${AT}/${cause.field}`;
    throw invalidSpec({ pointer, detail: cause.message }, cause);
  }
};

/** A target that waits for the clean prediction. */
export interface Target {
  readonly given: (clean: Labels) => AttackPlan["target"];
  /** What was reached of a region; undefined for other targets. */
  readonly reached: (measured: Measured) => AttackResult["region"];
}

const regionOf = (
  targeted: RegionTarget,
  classes: Classes,
  truth: Labels | undefined,
  map: Labels | undefined,
): Target => {
  const goal = naming(() => goalOf(targeted, classes, map));
  const aim = regionAim(goal, classes.length, truth);
  return { ...aim, given: (clean) => naming(() => aim.given(clean)) };
};

/**
 * @param truth the labels to leave, where they are not the clean prediction: the classes of a region are theirs.
 * @param map the part `target`: a label map, or a mask.
 * @throws FaultlineError invalid-spec for classes that there are not, and when it is given for regions that there are not.
 */
export const targetOf = (
  { targeted }: Pick<AttackSpec, "targeted">,
  classes: Classes,
  truth: Labels | undefined,
  map: Labels | undefined,
): Target => {
  if (targeted?.kind === "hide" || targeted?.kind === "swap") return regionOf(targeted, classes, truth, map);
  if (targeted?.kind === "class") checkClass(targeted.class, classes);
  const target = targeted?.kind === "class" ? targeted.class : targeted && map;
  return { given: () => target, reached: () => undefined };
};
