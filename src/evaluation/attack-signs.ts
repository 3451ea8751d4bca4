/** The signs that one attack on one image shows by itself, and those that it cannot show. */

import type { Trajectory } from "../attacks/attack.ts";
import { attackEntry, effectiveOptions } from "../attacks/catalogue.ts";
import type { Norm } from "../attacks/norms.ts";
import { driftsNamed, masksNamed, objectiveNamed } from "../objectives/catalogue.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import { objectiveWith } from "./class-weights.ts";
import type { Course } from "./craft.ts";
import { attackOf, labelsOf, type AttackPlan } from "./plan.ts";
import type { Masking } from "./row.ts";
import { lossSigns, maskingSigns, startSigns, weightSigns, type Sign } from "./signs.ts";

/** What signs are read from. */
export interface Seen {
  readonly masking: Masking;
  readonly courses: readonly Course[];
  /** The prediction whose labels are left where no others are given; absent where it is not known. */
  readonly clean?: Labels | undefined;
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

const VOID = 255;

/** Whether the objective leaves out pixels at the start. From the image itself, where the prediction is left, one that masks has them all, but for weights. */
const leavesOutAtFirst = (plan: AttackPlan, isOfTruth: boolean): boolean => {
  const { attack, target, classWeights } = plan;
  if (!masksNamed(objectiveWith(attackOf(plan).trajectories[0].objective, classWeights))) return false;
  const { start = 0 } = effectiveOptions(attack, plan, plan);
  return classWeights !== undefined || target !== undefined || isOfTruth || start > 0;
};

/**
 * Share of the pixels that the first gradient is of, which is that of the first trajectory; null where it is not known, as the objective leaves out
 * pixels.
 */
const countedAtFirst = (plan: AttackPlan, isOfTruth = plan.source !== undefined): number | null => {
  if (leavesOutAtFirst(plan, isOfTruth)) return null;
  const { target, source } = plan;
  const named = attackOf(plan).trajectories[0].objective;
  const labels = target ?? source;
  const isLabelled = objectiveNamed(named, target !== undefined).inputs["target"] !== undefined;
  if (!isLabelled || labels === undefined || typeof labels === "number") return 1;
  const counted = labels.data.reduce((sum, label) => sum + Number(label !== VOID), 0);
  return counted === 0 ? null : counted / labels.data.length;
};

/** Signs that are of no trajectory's course. */
const signsAtFirst = (plan: AttackPlan, { masking, clean }: Omit<Seen, "courses">): Sign[] => {
  const { classWeights } = plan;
  const labels = labelsOf(plan, clean);
  return [
    ...maskingSigns(masking, countedAtFirst(plan)),
    ...(classWeights && labels ? weightSigns(classWeights, labels.data) : []),
  ];
};

/** The signs that an attack shows. The course of a loss is judged where its image comes from it. */
export const attackSigns = (plan: AttackPlan, { courses, ...seen }: Seen): Sign[] => {
  const { trajectories } = attackOf(plan);
  // An attack that was not followed to its end here, as one that was made before, has no courses.
  if (courses.length !== trajectories.length) return signsAtFirst(plan, seen);
  const chosen = chosenOf(courses);
  const starts = startsOf(plan, courses);
  return [
    ...signsAtFirst(plan, seen),
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

const WHERE: Readonly<Record<Norm, string>> = {
  linf: "A single attack cannot tell whether another one does more: /v1/audit (faultline audit) compares it with attacks without gradients and from other starts, /v1/robustness with other attacks and radii, /v1/transfer with other networks.",
  l2: "A single attack cannot tell whether another one does more: /v1/robustness with norm l2 compares it with other attacks and radii, /v1/transfer with other networks; /v1/audit (faultline audit), in L∞, tells whether gradients of this network are to be believed.",
};

/**
 * What an attack leaves open.
 *
 * @param plan null where a perturbation was added that was made before.
 * @param isOfTruth whether the labels that it leaves are the ground truth, where these are not in the plan, as they differ from image to image.
 */
export const uncheckedBy = (plan: AttackPlan | null, isOfTruth = plan?.source !== undefined): Unchecked => {
  const hasBothStarts = plan !== null && plan.start === 0 && (plan.restarts ?? 1) > 1;
  const isOpaque = plan !== null && !attackOf(plan).trajectories.some(isTelling);
  const isPartial = plan !== null && countedAtFirst(plan, isOfTruth) === null;
  const norm = plan?.norm ?? (plan ? attackEntry(plan.attack).distance : "linf");
  return {
    kinds: [
      ...(isPartial ? (["gradient-zero"] as const) : []),
      ...(isOpaque ? (["loss-still-moving"] as const) : []),
      ...comparisons.filter((kind) => kind !== "random-start-stronger" || !hasBothStarts),
    ],
    detail: [
      WHERE[norm],
      ...(isPartial
        ? ["Nor does its first gradient tell whether it is masked, as it is of some of the pixels alone."]
        : []),
      ...(isOpaque
        ? [
            "Its values tell no progress either, as they are of no gradient, or of an objective that changes from step to step: run it again with more steps.",
          ]
        : []),
    ].join(" "),
  };
};
