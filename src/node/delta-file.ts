/** Perturbations that were made beforehand, in files. */

import type { ReadDelta } from "../evaluation/plan-on.ts";
import { deltaFault } from "../evaluation/universal.ts";
import { readDelta } from "../image/npy.ts";
import type { Image } from "../segmenter/segmenter.ts";
import { at, Refusal } from "./failure.ts";
import { readBytes } from "./files.ts";

/** @throws Refusal that names the file, where it is no perturbation. */
export const readDeltaFile = async (path: string, epsilon = Infinity): Promise<Image> => {
  const bytes = await readBytes(path);
  const delta = await at(path, () => readDelta(bytes));
  const fault = deltaFault(delta, delta.shape, epsilon);
  if (fault === null) return delta;
  throw new Refusal(`${path}: ${fault}`);
};

/** Reads each file once. */
export const deltaReader = (): ReadDelta => {
  const known = new Map<string, Promise<Image>>();
  return (path) => {
    const delta = known.get(path) ?? readDeltaFile(path);
    known.set(path, delta);
    return delta;
  };
};
