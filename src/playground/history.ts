/** The steps of an attack as they happened, kept within a bound of memory so that they can be looked at again. */

import type { StepReport } from "../evaluation/steps.ts";
import type { Image } from "../segmenter/segmenter.ts";
import { tensor } from "../tensor.ts";
import type { Reached } from "./messages.ts";

/** Memory of the kept steps, in bytes. A step takes a byte for each value of the picture and one for each label. */
export const HISTORY_BYTES = 64 * 2 ** 20;

export interface Step extends Reached {
  readonly report: StepReport;
}

interface Kept {
  readonly report: StepReport;
  readonly labels: Reached["labels"];
  /** The perturbation in `unit`s of a grey level, −127..127. */
  readonly moved: Int8Array;
  readonly unit: number;
}

const keep = (report: StepReport, { image, labels }: Reached, clean: Image): Kept => {
  let most = 0;
  for (let i = 0; i < clean.data.length; i++) most = Math.max(most, Math.abs(image.data[i]! - clean.data[i]!));
  const unit = most / 127 || 1;
  const moved = Int8Array.from(clean.data, (value, i) => Math.round((image.data[i]! - value) / unit));
  return { report, labels, moved, unit };
};

export interface History {
  /** Keeps a step, or leaves it out where the bound has no room for every one: then every second, fourth … is kept. */
  readonly add: (report: StepReport, reached: Reached) => void;
  readonly count: () => number;
  /** A kept step. Its image is the one that the step had reached within max |δ| / 254 of a grey level. */
  readonly at: (index: number) => Step;
  /** Bytes that are held. */
  readonly bytes: () => number;
}

/** @param clean the picture before the attack. @param bound of the memory, in bytes. */
export const createHistory = (clean: Image, bound = HISTORY_BYTES): History => {
  const [, height, width] = clean.shape as readonly [number, number, number];
  const bytesOfOne = clean.data.length + height * width;
  const room = Math.floor(bound / bytesOfOne);
  let steps: Kept[] = [];
  let stride = 1;
  return {
    add: (report, reached) => {
      if (room < 2 || report.step % stride !== 0) return;
      steps.push(keep(report, reached, clean));
      if (steps.length < room) return;
      stride *= 2;
      steps = steps.filter((kept) => kept.report.step % stride === 0);
    },
    count: () => steps.length,
    at: (index) => {
      const { report, labels, moved, unit } = steps[index]!;
      const data = Float32Array.from(clean.data, (value, i) => value + unit * moved[i]!);
      return { report, labels, image: tensor("float32", clean.shape, data) };
    },
    bytes: () => steps.length * bytesOfOne,
  };
};
