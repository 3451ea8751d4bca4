/** Everything that is known of an evaluation before its first attack. */

import { networksOf } from "../evaluation/settings.ts";
import { SpecError, type EvaluationSpec } from "../evaluation/spec.ts";
import { inShard, planUnits, type Group, type UnitPlan } from "../evaluation/units.ts";
import { Refusal } from "../node/failure.ts";
import { openLocated, type Located } from "../node/located.ts";
import { channelCount } from "../segmenter/manifest.ts";
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
  shard: Shard,
): Promise<UnitPlan> => {
  const manifests = located.map(({ manifest }) => manifest);
  try {
    return await planUnits(spec, manifests, names, inShard(...shard));
  } catch (cause) {
    if (cause instanceof SpecError) throw new Refusal(cause.message, { cause });
    throw cause;
  }
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

/** @throws Refusal for whatever is wrong with the networks, the attacks or the pictures. */
export const prepare = async (spec: EvaluationSpec, shard: Shard, io: Io): Promise<Prepared> => {
  const located: Located[] = [];
  for (const operand of networksOf(spec)) located.push(await locateOperand(operand));
  requireSameChannels(located);
  // What is wrong with the attacks is said before the pictures are looked at.
  await planned(spec, located, ["picture"], [0, 1]);
  const data = await evaluationItems(spec, located[0]!.manifest, io);
  const names = data.items.map(({ name }) => name);
  const plan = await planned(spec, located, names, shard);
  return { spec, located, data, plan, groups: plan.groups };
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
