/** Attacks whose every step stays on the backend's device. */

import type { Rule, Trajectory } from "../attacks/attack.ts";
import { project } from "../attacks/constraint.ts";
import { random } from "../random.ts";
import type { AscentStep } from "../runtime/session.ts";
import type { DeviceAscent, DeviceClimb, Image, Labels } from "../segmenter/segmenter.ts";
import { tensor } from "../tensor.ts";
import type { ObservedStep } from "./steps.ts";

type Steps = Pick<DeviceAscent, "alpha" | "momentum" | "ahead">;

/** The rules that a device's ascent by signs carries out by itself, by their kinds: its steps, from the rule's parameters. */
const deviceRules: ReadonlyMap<string, (parameters: Rule["parameters"]) => Steps> = new Map([
  ["sign", ({ alpha }): Steps => ({ alpha: Number(alpha) })],
  ["momentum", ({ alpha, momentum }): Steps => ({ alpha: Number(alpha), momentum: Number(momentum) })],
  ["nesterov", ({ alpha, momentum }): Steps => ({ alpha: Number(alpha), momentum: Number(momentum), ahead: true })],
]);

/** Whether a device carries out the trajectory's rule by itself. */
export const isDeviceRule = ({ rule }: Trajectory): boolean => deviceRules.has(rule.kind);

/** One end of the ball, met with the pixel range. */
const endOf = (side: number, image: Image, { constraint }: Trajectory): Float32Array<ArrayBuffer> =>
  project(new Float32Array(image.data.length).fill(side), image.data, constraint);

/** The clean labels as a reference: whatever they are, each is a class and counts. */
const referenceOf = ({ data }: Labels) => ({
  labels: data,
  classes: 1 + data.reduce((largest, label) => Math.max(largest, label), 0),
});

/** The device gives the share in float32: the count is exact. */
const changed = ({ scores }: AscentStep): number => {
  const pixels = scores?.pixels ?? 0;
  return pixels === 0 ? 0 : (pixels - Math.round((scores!.pixelAccuracy ?? 1) * pixels)) / pixels;
};

interface Watch {
  readonly onStep: (step: ObservedStep) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** The adversarial image of a trajectory that the device follows. */
export const followOnDevice = (
  climb: DeviceClimb,
  trajectory: Trajectory,
  image: Image,
  clean: Labels,
  { onStep, signal }: Watch,
): Promise<Image> => {
  const { rule, constraint, steps, seed } = trajectory;
  const { x } = rule.begin(image, constraint, random(seed));
  return climb(
    {
      start: tensor("float32", image.shape, x),
      low: endOf(-Infinity, image, trajectory),
      high: endOf(Infinity, image, trajectory),
      ...deviceRules.get(rule.kind)!(rule.parameters),
      steps,
      reference: referenceOf(clean),
    },
    {
      signal,
      onStep: async (step) =>
        onStep({
          loss: step.loss,
          zeroShare: step.zeros === null ? null : step.zeros / image.data.length,
          changedShare: changed(step),
        }),
    },
  );
};
