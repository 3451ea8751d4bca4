/** Everything that is known of an evaluation before its first attack. */

import { deltasOf } from "../evaluation/attacks-of.ts";
import { networksOf } from "../evaluation/settings.ts";
import type { EvaluationSpec } from "../evaluation/spec.ts";
import { inShard, planUnits, type Group, type PlanOptions, type UnitPlan } from "../evaluation/units.ts";
import { deltaFault } from "../evaluation/universal.ts";
import { readDeltaFile } from "../node/delta-file.ts";
import { Refusal } from "../node/failure.ts";
import { openLocated, type Located } from "../node/located.ts";
import { channelCount, type Manifest } from "../segmenter/manifest.ts";
import type { Image } from "../segmenter/segmenter.ts";
import type { Choice } from "../runtime/choose.ts";
import { gpuFaults } from "../segmenter/compile.ts";
import { startAt, type Place } from "./backend.ts";
import type { Io } from "./command.ts";
import { evaluationItems, type EvaluationItems } from "./evaluate-data.ts";
import { locateOperand } from "./open-network.ts";

export interface Prepared {
  readonly spec: EvaluationSpec;
  /** Those of `networksOf(spec)`. */
  readonly located: readonly Located[];
  readonly data: EvaluationItems;
  /** Perturbations by the paths of their files. */
  readonly deltas: ReadonlyMap<string, Image>;
  readonly plan: UnitPlan;
  /** Of the shard. */
  readonly groups: readonly Group[];
}

/** From 0 on, of how many. */
export type Shard = readonly [index: number, count: number];

const planned = async (
  spec: EvaluationSpec,
  located: readonly Located[],
  names: readonly string[],
  options: PlanOptions,
): Promise<UnitPlan> => {
  const manifests = located.map(({ manifest }) => manifest);
  return planUnits(spec, manifests, names, options);
};

/** Each picture is read once for all networks. @throws Refusal where they take pictures of different channels. */
const requireSameChannels = (located: readonly Located[]): void => {
  const [first, ...others] = located.map(({ manifest: { name, input } }) => ({
    name,
    channels: channelCount(input.channels),
  }));
  const other = others.find(({ channels }) => channels !== first!.channels);
  if (!other) return;
  throw new Refusal(
    `${first!.name} takes pictures of ${first!.channels} channels and ${other.name} of ${other.channels}; evaluate them one after the other`,
  );
};

/** The perturbations that a specification names. @throws Refusal that names the file. */
export const readDeltas = async (spec: EvaluationSpec): Promise<ReadonlyMap<string, Image>> => {
  const deltas = new Map<string, Image>();
  for (const path of deltasOf(spec)) deltas.set(path, await readDeltaFile(path));
  return deltas;
};

/** @throws Refusal for a perturbation that is not of the size of every picture. */
const requireSizeOf = (
  deltas: Prepared["deltas"],
  { checked: { sizes }, streetSize }: EvaluationItems,
  { input }: Manifest,
): void => {
  const { width, height } = sizes ?? { width: [streetSize.width], height: [streetSize.height] };
  for (const [path, delta] of deltas)
    for (const [k, side] of height.entries()) {
      const fault = deltaFault(delta, [channelCount(input.channels), side, width[k]!], Infinity);
      if (fault !== null) throw new Refusal(`${path}: the perturbation ${fault}`);
    }
};

/** @throws Refusal for whatever is wrong with the networks, the attacks or the pictures. */
export const prepare = async (spec: EvaluationSpec, shard: Shard, io: Io): Promise<Prepared> => {
  const located: Located[] = [];
  for (const operand of networksOf(spec)) located.push(await locateOperand(operand));
  requireSameChannels(located);
  // What is wrong with the attacks is said before the pictures are looked at.
  const deltas = await readDeltas(spec);
  await planned(spec, located, ["picture"], { deltas });
  const data = await evaluationItems(spec, located[0]!.manifest, io);
  requireSizeOf(deltas, data, located[0]!.manifest);
  const names = data.items.map(({ name }) => name);
  const plan = await planned(spec, located, names, { isOwn: inShard(...shard), deltas });
  return { spec, located, data, deltas, plan, groups: plan.groups };
};

/** The backend of all workers, and the name and version of what executes there. @throws RuntimeError where it is unavailable. */
export const chooseFor = async (
  { located }: Prepared,
  place: Place,
): Promise<{ readonly choice: Choice; readonly version: string }> => {
  const missing = async (): Promise<readonly string[]> => {
    const faults = new Set<string>();
    for (const each of located) for (const fault of gpuFaults(await openLocated(each), null)) faults.add(fault);
    return [...faults];
  };
  const { choice, runtime, stop } = await startAt(place, { missing });
  await stop();
  return { choice, version: runtime.version };
};
