/** `--delta`: a perturbation that was made beforehand, in place of an attack. */

import { optionNames } from "../attacks/options.ts";
import { deltaFault, radiusOf, type UniversalPlan } from "../evaluation/universal.ts";
import { probe } from "../image/probe.ts";
import { readDeltaFile } from "../node/delta-file.ts";
import { at, Refusal, UsageError } from "../node/failure.ts";
import { readBytes } from "../node/files.ts";
import type { Options } from "../node/options.ts";
import { channelCount, type Manifest } from "../segmenter/manifest.ts";
import { radiusFrom, seedFrom, type AttackFlags } from "./attack-options.ts";
import type { Picture } from "./pictures.ts";

export const deltaFlag = {
  delta: {
    type: "string",
    value: "FILE",
    help: "add this perturbation, NPY [C, H, W], instead of making one; see universal",
  },
} as const satisfies Options;

/** What is said about how an attack is made. */
const ofAttacks = [
  "attack",
  "norm",
  ...optionNames,
  "source",
  "scales",
  "fusion",
  "through",
  "draws",
  "class-weights",
  "target",
  "hide",
  "swap",
  "outside",
] as const;

type Flags = AttackFlags & { readonly delta?: string | undefined } & {
  readonly [F in (typeof ofAttacks)[number]]?: unknown;
};

/** The plan of `--delta`; null where it is not given. @throws UsageError for flags of an attack beside it; Refusal that names the file. */
export const deltaPlan = async (flags: Flags): Promise<UniversalPlan | null> => {
  const { delta: path, epsilon, seed } = flags;
  if (path === undefined) return null;
  const other = ofAttacks.find((flag) => flags[flag] !== undefined);
  if (other !== undefined)
    throw new UsageError(`--${other} is about making an attack, and --delta adds one that is made`);
  const bound = epsilon === undefined ? undefined : radiusFrom(epsilon);
  const delta = await readDeltaFile(path, bound);
  return { attack: "universal", delta, epsilon: bound ?? radiusOf(delta), pixelRange: "clip", seed: seedFrom(seed) };
};

/**
 * By the headers of the pictures alone, so that it costs little to ask before the first is attacked.
 *
 * @throws Refusal that names the first picture whose size is not the perturbation's.
 */
export const requireSizes = async (
  { delta }: UniversalPlan,
  pictures: readonly Picture[],
  { input }: Manifest,
): Promise<void> => {
  for (const { path } of pictures) {
    const bytes = await readBytes(path);
    const { height, width } = await at(path, () => probe(bytes));
    const fault = deltaFault(delta, [channelCount(input.channels), height, width], Infinity);
    if (fault !== null) throw new Refusal(`${path}: the perturbation of --delta ${fault}`);
  }
};
