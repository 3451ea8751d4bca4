/** The signs that one attack on one image shows by itself, and those that it cannot show. */

import type { Trajectory } from "../attacks/attack.ts";
import { driftsNamed } from "../objectives/catalogue.ts";
import type { Course } from "./craft.ts";
import { attackOf, type AttackPlan } from "./plan.ts";
import type { Masking } from "./row.ts";
import { lossSigns, maskingSigns, startSigns, type Sign } from "./signs.ts";

interface Seen {
  readonly masking: Masking;
  readonly courses: readonly Course[];
}

/** Whether the values of a trajectory tell its progress: it follows a gradient, of an objective that stays the same. */
const isTelling = ({ rule, objective }: Trajectory): boolean => rule.needs === "gradient" && !driftsNamed(objective);

/** The trajectory whose image counts: of several the first that leaves the fewest pixels unmoved. */
const chosenOf = (courses: readonly Course[]): number => {
  const remaining = courses.map((course) => course.remaining ?? 0);
  return remaining.indexOf(Math.min(...remaining));
};

const courseSigns = (trajectory: Trajectory, { losses }: Course): Sign[] =>
  isTelling(trajectory) ? lossSigns(losses, trajectory.rule.lastStage?.(losses.length)) : [];

/** The trajectories of a plan that start at the image, and those at random points, where it has both. */
const startsOf = (plan: AttackPlan, courses: readonly Course[]) => {
  const { start, restarts = 1 } = plan;
  if (start !== 0 || restarts < 2) return null;
  const remaining = courses.map((course) => course.remaining ?? 1);
  const each = courses.length / restarts;
  return { clean: Math.min(...remaining.slice(0, each)), random: remaining.slice(each) };
};

/** The signs that an attack shows. The course of a loss is judged where its image comes from it. */
export const attackSigns = (plan: AttackPlan, { masking, courses }: Seen): Sign[] => {
  const { trajectories } = attackOf(plan);
  // An attack that was not followed to its end here, as one that was made before, has no courses.
  if (courses.length !== trajectories.length) return maskingSigns(masking);
  const chosen = chosenOf(courses);
  const starts = startsOf(plan, courses);
  return [
    ...maskingSigns(masking),
    ...courseSigns(trajectories[chosen]!, courses[chosen]!),
    ...(starts ? startSigns(starts) : []),
  ];
};

/** Signs that a result cannot show, and what shows them. */
export interface Unchecked {
  readonly kinds: readonly Sign["kind"][];
  readonly detail: string;
}

/** Signs for which other attacks, starts or radii are needed. */
const comparisons = [
  "gradient-free-stronger",
  "transfer-stronger",
  "weak-attack-stronger",
  "larger-epsilon-weaker",
  "random-start-stronger",
] as const satisfies readonly Sign["kind"][];

const WHERE =
  "A single attack cannot tell whether another one does more: /v1/audit (faultline audit) compares it with attacks without gradients and from other starts, /v1/robustness with other attacks and radii, /v1/transfer with other networks.";

/** What an attack leaves open. @param plan null where a perturbation was added that was made before. */
export const uncheckedBy = (plan: AttackPlan | null): Unchecked => {
  const hasBothStarts = plan !== null && plan.start === 0 && (plan.restarts ?? 1) > 1;
  const isOpaque = plan !== null && !attackOf(plan).trajectories.some(isTelling);
  return {
    kinds: [
      ...(isOpaque ? (["loss-still-moving"] as const) : []),
      ...comparisons.filter((kind) => kind !== "random-start-stronger" || !hasBothStarts),
    ],
    detail: isOpaque
      ? `${WHERE} Its values tell no progress either, as they are of no gradient, or of an objective that changes from step to step: run it again with more steps.`
      : WHERE,
  };
};
