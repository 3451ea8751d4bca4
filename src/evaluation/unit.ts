/** The unit that a measurement is of: what identifies its network, its attack and its image. */

import { attackEntry, effectiveOptions } from "../attacks/catalogue.ts";
import { sha256Of } from "../digest.ts";
import type { Crf } from "../segmenter/refinement.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Labels, Segmenter } from "../segmenter/segmenter.ts";
import type { AttackPlan } from "./plan.ts";
import type { RegionGoal } from "./region-goal.ts";
import { isUniversal, type UniversalPlan } from "./universal.ts";
import { canonicalJson, type Around, type Json, type Unit } from "./row.ts";

/** What a unit depends on. */
export interface Identified {
  readonly segmenter: Pick<Segmenter, "manifest" | "crf" | "defence">;
  /** The network whose objective is climbed; the scored one itself where the attack is white-box. */
  readonly source: Pick<Segmenter, "manifest" | "crf" | "defence">;
  readonly item: string;
  readonly truth?: Labels | undefined;
}

const asJson = (value: object): Json => JSON.parse(JSON.stringify(value)) as Json;

const crfOf = (crf: Crf | null): Json => (crf ? asJson({ ...crf.parameters, attacked: crf.attacked }) : null);

/** What stands around a network beyond its manifest, and which manifest that is where others share the file; undefined for nothing. */
export const aroundOf = (
  { manifest, crf, defence }: Pick<Segmenter, "manifest" | "crf" | "defence">,
  unitSeed: number,
): Around | undefined => {
  const own = manifest.crf ? crfOf({ parameters: manifest.crf, attacked: true }) : null;
  const transform = (defence?.transform ?? []).map(asJson);
  const ownTransform = (manifest.transform ?? []).map(asJson);
  const around: Around = {
    ...(manifest.network === undefined ? {} : { variant: manifest.name }),
    ...(canonicalJson(crfOf(crf)) === canonicalJson(own) ? {} : { crf: crfOf(crf) }),
    ...(canonicalJson(transform) === canonicalJson(ownTransform) ? {} : { transform }),
    ...(defence && defence.through !== "differentiable" ? { through: defence.through } : {}),
    ...(defence && defence.draws !== 1 ? { draws: defence.draws } : {}),
    ...(defence && defence.seed !== unitSeed ? { seed: defence.seed } : {}),
  };
  return Object.keys(around).length === 0 ? undefined : around;
};

/** The digest of a label map with its size. */
const digestOfMap = async ({ shape, data }: Labels): Promise<Json> => ({
  height: shape[0]!,
  width: shape[1]!,
  sha256: await sha256Of(data),
});

/** The region with its classes by their names. */
const goalAsJson = async ({ place, to, outside = "keep" }: RegionGoal, classes: Manifest["classes"]): Promise<Json> => {
  const nameOf = (index: number): string => classes[index]!.name;
  return {
    kind: to === undefined ? "hide" : "swap",
    ...("classes" in place
      ? { classes: place.classes.map(nameOf) }
      : "mask" in place
        ? { mask: await digestOfMap(place.mask) }
        : { ...place }),
    ...(to === undefined ? {} : { to: nameOf(to) }),
    outside,
  };
};

/** The attack with the options that it runs with; label maps that the item does not imply are named by their digests. */
const attackAsJson = async (
  { attack, epsilon, norm, pixelRange, source, target, goal, classWeights, ...given }: AttackPlan,
  truth: Labels | undefined,
  classes: Manifest["classes"],
): Promise<Json> => ({
  attack,
  ...(epsilon === undefined ? {} : { epsilon }),
  ...(norm && norm !== attackEntry(attack).distance ? { norm } : {}),
  ...effectiveOptions(attack, { epsilon, norm }, given),
  pixelRange,
  ...(classWeights && { classWeights }),
  ...(attackEntry(attack).covers ? { scored: "outside" } : {}),
  label: source === undefined ? "prediction" : source === truth ? "ground-truth" : await digestOfMap(source),
  ...(goal
    ? { targeted: await goalAsJson(goal, classes) }
    : target === undefined
      ? {}
      : { target: typeof target === "number" ? target : await digestOfMap(target) }),
});

const universalAsJson = async ({ attack, delta, epsilon, pixelRange }: UniversalPlan): Promise<Json> => {
  const { buffer, byteOffset, byteLength } = delta.data;
  const sha256 = await sha256Of(new Uint8Array(buffer, byteOffset, byteLength));
  return { attack, epsilon, pixelRange, delta: { shape: delta.shape, sha256 } };
};

const planAsJson = async (plan: AttackPlan | UniversalPlan | null, { truth, segmenter }: Identified): Promise<Json> => {
  if (plan === null) return null;
  return isUniversal(plan) ? universalAsJson(plan) : attackAsJson(plan, truth, segmenter.manifest.classes);
};

/** @param plan null where the clean image alone is scored. */
export const unitOf = async (identified: Identified, plan: AttackPlan | UniversalPlan | null): Promise<Unit> => {
  const { segmenter, source, item } = identified;
  const seed = plan?.seed ?? 0;
  const isTransfer = plan !== null && source !== segmenter;
  const around = aroundOf(segmenter, seed);
  const sourceAround = isTransfer ? aroundOf(source, seed) : undefined;
  return {
    networkSha256: segmenter.manifest.sha256,
    ...(isTransfer ? { source: source.manifest.sha256 } : {}),
    attack: await planAsJson(plan, identified),
    ...(around ? { around } : {}),
    ...(sourceAround ? { sourceAround } : {}),
    item,
    seed,
    ...(plan && "repeat" in plan && plan.repeat !== undefined ? { repeat: plan.repeat } : {}),
  };
};
