/** Attacks whose every step stays on the backend's device. */

import { project, sign, type Ascent, type Attack } from "../attacks/attack.ts";
import type { AscentStep } from "../runtime/session.ts";
import type { DeviceClimb, Image, Labels } from "../segmenter/segmenter.ts";
import { tensor } from "../tensor.ts";

/** The attack as an ascent that a device can do: one by signs. */
export const signAscent = ({ ascent }: Attack): Ascent | null => (ascent?.direction === sign ? ascent : null);

/** An end of the ball met with the pixel range. */
const endOf = (towards: number, image: Image, ascent: Ascent): Float32Array<ArrayBuffer> =>
  project(new Float32Array(image.data.length).fill(towards), image.data, ascent) as Float32Array<ArrayBuffer>;

export interface DeviceStep {
  readonly loss: number;
  /** Share of the first gradient's components that are zero; of the first step alone. */
  readonly zeroShare: number | null;
  /** Share of the pixels that the step finds labelled otherwise than in the clean prediction. */
  readonly changedShare: number;
}

/** The clean labels as a reference: whatever they are, each is a class and counts. */
const referenceOf = ({ data }: Labels) => ({
  labels: data,
  classes: 1 + data.reduce((most, label) => Math.max(most, label), 0),
});

/** The device gives the share in float32: the count is exact. */
const changed = ({ scores }: AscentStep): number => {
  const pixels = scores?.pixels ?? 0;
  return pixels === 0 ? 0 : (pixels - Math.round((scores!.pixelAccuracy ?? 1) * pixels)) / pixels;
};

/** What the attack makes of the image, on the device. */
export const attackOnDevice = (
  climb: DeviceClimb,
  ascent: Ascent,
  image: Image,
  clean: Labels,
  {
    onStep,
    signal,
  }: { readonly onStep: (step: DeviceStep) => Promise<void>; readonly signal?: AbortSignal | undefined },
): Promise<Image> => {
  const start = ascent.start ? project(ascent.start(image.data), image.data, ascent) : image.data;
  return climb(
    {
      start: tensor("float32", image.shape, start as Float32Array<ArrayBuffer>),
      low: endOf(-Infinity, image, ascent),
      high: endOf(Infinity, image, ascent),
      alpha: ascent.alpha,
      steps: ascent.steps,
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
