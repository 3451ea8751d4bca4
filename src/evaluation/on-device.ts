/** Attacks whose every step stays on the backend's device. */

import type { Evaluation, Rule, Trajectory } from "../attacks/attack.ts";
import { project, within, type Constraint } from "../attacks/constraint.ts";
import { random } from "../random.ts";
import type { DeviceAnswer, DeviceAscent, DeviceClimb, DeviceStep } from "../segmenter/climb.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import { tensor } from "../tensor.ts";
import { filledLabels } from "./labels.ts";
import type { AttackPlan } from "./plan.ts";
import type { CountedStep } from "./steps.ts";

type Walk = DeviceAscent["walk"];

/** The ball met with the pixel range. */
const boundsOf = (image: Image, constraint: Constraint) => {
  const end = (side: number) => project(new Float32Array(image.data.length).fill(side), image.data, constraint);
  return { low: end(-Infinity), high: end(Infinity) };
};

const signed =
  (own: (parameters: Rule["parameters"]) => { readonly momentum?: number; readonly ahead?: boolean }) =>
  ({ rule: { parameters }, constraint }: Trajectory, image: Image): Walk => ({
    kind: "sign",
    ...boundsOf(image, constraint),
    alpha: Number(parameters["alpha"]),
    ...own(parameters),
  });

/** The walks that a device makes by itself, by the kinds of the rules. */
const walks: ReadonlyMap<string, (trajectory: Trajectory, image: Image) => Walk> = new Map([
  ["sign", signed(() => ({}))],
  ["momentum", signed(({ momentum }) => ({ momentum: Number(momentum) }))],
  ["nesterov", signed(({ momentum }) => ({ momentum: Number(momentum), ahead: true }))],
  [
    "l2",
    ({ rule: { parameters }, constraint: { epsilon, pixelRange } }, image) => ({
      kind: "l2",
      centre: image.data,
      alpha: Number(parameters["alpha"]),
      epsilon,
      pixelRange,
    }),
  ],
  [
    "apgd",
    ({ rule, constraint }, image): Walk => ({
      kind: "led",
      balls: rule.pilot!.radii.map((radius) => boundsOf(image, within(constraint, radius))),
    }),
  ],
]);

/** Whether a device carries out the trajectory's rule by itself. */
export const isDeviceRule = ({ rule }: Trajectory): boolean => walks.has(rule.kind);

const VOID = 255;

/** Labels as a reference: whatever they are, each that is not void is a class and counts. */
const referenceOf = ({ data }: Labels) => ({
  labels: data,
  classes: 1 + data.reduce((largest, label) => (label === VOID ? largest : Math.max(largest, label)), 0),
});

/** Share of the pixels that have the labels, or that have not. The device gives the accuracy in float32: the count is exact. */
const shareOf = (scores: DeviceStep["scores"], which: "same" | "other"): number => {
  const { pixels = 0, pixelAccuracy } = scores ?? {};
  if (pixels === 0) return 0;
  const same = Math.round((pixelAccuracy ?? 1) * pixels);
  return (which === "same" ? same : pixels - same) / pixels;
};

/** The labels that the attack leaves or approaches, where they are not those that each step is compared with anyway. */
const wantedOf = ({ target, source }: Pick<AttackPlan, "target" | "source">, clean: Labels): Labels | undefined =>
  typeof target === "number" ? filledLabels(clean, target) : (target ?? source);

/** What a rule's decisions are taken from. */
const seenIn = ({ value, scores, wanted }: DeviceStep, isTargeted: boolean): Evaluation => ({
  value,
  remaining: isTargeted ? shareOf(wanted, "other") : shareOf(wanted ?? scores, "same"),
});

/** What leads the ascent of a rule that decides, from step to step; undefined for one that does not. */
const leaderOf = ({ rule: { pilot }, steps, constraint }: Trajectory, isTargeted: boolean) => {
  if (!pilot) return undefined;
  let pace = pilot.begin;
  return (step: DeviceStep): DeviceAnswer => {
    const clock = { step: step.step, steps };
    const decided = pilot.decide(pace, seenIn(step, isTargeted), clock, constraint.epsilon);
    pace = decided.pace;
    return { order: decided.order, clock: decided.clock };
  };
};

interface Watch {
  readonly onStep: (step: CountedStep) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** The adversarial image of a trajectory that the device follows, projected as `follow` does it: a device's L2 ball holds to rounding. */
export const followOnDevice = async (
  climb: DeviceClimb,
  trajectory: Trajectory,
  image: Image,
  plan: Pick<AttackPlan, "target" | "source">,
  clean: Labels,
  { onStep, signal }: Watch,
): Promise<Image> => {
  const { rule, constraint, steps, seed } = trajectory;
  const { x } = rule.begin(image, constraint, random(seed));
  const lead = leaderOf(trajectory, plan.target !== undefined);
  const wanted = lead && wantedOf(plan, clean);
  const moved = await climb(
    {
      start: tensor("float32", image.shape, x),
      walk: walks.get(rule.kind)!(trajectory, image),
      steps,
      reference: referenceOf(clean),
      ...(wanted && { wanted: referenceOf(wanted) }),
    },
    {
      signal,
      onStep: async (step) => {
        await onStep({
          loss: step.loss,
          zeros: step.zeros,
          changedShare: shareOf(step.scores, "other"),
        });
        return lead?.(step);
      },
    },
  );
  return tensor("float32", image.shape, project(moved.data, image.data, constraint));
};
