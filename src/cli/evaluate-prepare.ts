/** Everything that is known of an evaluation before its first attack. */

import { deltasOf } from "../evaluation/attacks-of.ts";
import { networksOf } from "../evaluation/settings.ts";
import type { EvaluationSpec } from "../evaluation/spec.ts";
import { planPicture, totalOfAlike, type PicturePlan } from "../evaluation/picture-plan.ts";
import { alikeOn, groupsOn, type AlikeOnPictures } from "../evaluation/plan-units.ts";
import { leastUnits, tooManyUnits, type UnitCount } from "../evaluation/served.ts";
import { inShard, type Group } from "../evaluation/units.ts";
import { deltaFault } from "../evaluation/universal.ts";
import { readDeltaFile } from "../node/delta-file.ts";
import { Refusal, type UsageError } from "../node/failure.ts";
import { openLocated, type Located } from "../node/located.ts";
import { channelCount, type Manifest } from "../segmenter/manifest.ts";
import { readingNotes } from "../segmenter/reads.ts";
import type { Image } from "../segmenter/segmenter.ts";
import type { Choice } from "../runtime/choose.ts";
import { gpuFaults } from "../segmenter/compile.ts";
import { startAt, type Place } from "./backend.ts";
import type { Io } from "./command.ts";
import { checkedItems, foundItems, type EvaluationItems } from "./evaluate-data.ts";
import { locateOperand } from "./open-network.ts";

export interface Prepared {
  readonly spec: EvaluationSpec;
  /** Those of `networksOf(spec)`. */
  readonly located: readonly Located[];
  readonly data: EvaluationItems;
  /** Perturbations by the paths of their files. */
  readonly deltas: ReadonlyMap<string, Image>;
  readonly plan: PicturePlan;
  /** The groups of the shard, counted. */
  readonly alike: () => Iterable<AlikeOnPictures>;
  /** The groups of the shard, made. */
  readonly groups: () => Promise<readonly Group[]>;
}

/** From 0 on, of how many. */
export type Shard = readonly [index: number, count: number];

export interface UnitLimit {
  readonly most: number;
  /** Who sets it, in words. */
  readonly told: string;
  /** A limit of the command line is at fault as an option, one of the machine is not. */
  readonly fault: typeof Refusal | typeof UsageError;
}

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

/** @throws Refusal for whatever is wrong with the networks, the attacks or the pictures; UsageError for more units than the command line takes. */
export const prepare = async (
  spec: EvaluationSpec,
  { shard, limit }: { readonly shard: Shard; readonly limit: UnitLimit },
  io: Io,
): Promise<Prepared> => {
  const requireFew = (units: number, has: UnitCount): void => {
    if (units > limit.most) throw new limit.fault(tooManyUnits(has, limit.told).message);
  };
  const least = leastUnits(spec, 1);
  requireFew(least, { atLeast: least });
  const located: Located[] = [];
  for (const operand of networksOf(spec)) located.push(await locateOperand(operand));
  requireSameChannels(located);
  // What is wrong with the attacks is said before the pictures are looked at.
  const deltas = await readDeltas(spec);
  const manifests = located.map(({ manifest }) => manifest);
  const plan = await planPicture(spec, manifests, { deltas });
  const isOwn = inShard(...shard);
  const found = await foundItems(spec, manifests[0]!, io);
  const alike = () => alikeOn(plan, found.items.length, isOwn);
  const { units } = totalOfAlike(alike());
  requireFew(units, { exactly: units });
  const data = await checkedItems(found, manifests[0]!, io);
  requireSizeOf(deltas, data, manifests[0]!);
  const { largest } = data.checked;
  const notes = largest ? readingNotes(located, { shape: [largest.height, largest.width] }) : [];
  for (const note of notes) io.stderr(`warning: the largest picture ${note}\n`);
  const names = data.items.map(({ name }) => name);
  return { spec, located, data, deltas, plan, alike, groups: () => groupsOn(plan, names, isOwn) };
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
