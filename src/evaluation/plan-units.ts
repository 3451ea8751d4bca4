/** The groups of a plan on all pictures, in their order. */

import type { Manifest } from "../segmenter/manifest.ts";
import type { Image } from "../segmenter/segmenter.ts";
import { planPicture, type Alike, type PicturePlan } from "./picture-plan.ts";
import type { Setting } from "./settings.ts";
import type { EvaluationSpec } from "./spec.ts";
import type { Group } from "./units.ts";

/** Which batches are planned: one is a source on a picture. */
export type IsOwn = (batch: number) => boolean;

const all: IsOwn = () => true;

/** The pictures of a source's batches, by their places. */
function* ownPictures(source: number, pictures: number, isOwn: IsOwn): Generator<number> {
  for (let item = 0; item < pictures; item++) if (isOwn(source * pictures + item)) yield item;
}

/** Groups that take the same, on all pictures. */
export interface AlikeOnPictures extends Alike {
  /** The first of their pictures. */
  readonly item: number;
}

/** The groups of so many pictures, counted and not made: as few entries as of one picture. */
export function* alikeOn({ alike }: PicturePlan, pictures: number, isOwn = all): Generator<AlikeOnPictures> {
  let [last, item, own] = [-1, 0, 0];
  for (const each of alike()) {
    if (each.source !== last) {
      [last, own] = [each.source, 0];
      for (const picture of ownPictures(each.source, pictures, isOwn)) if (own++ === 0) item = picture;
    }
    if (own > 0) yield { ...each, groups: own * each.groups, item };
  }
}

/** @param items the names of the pictures. */
export const groupsOn = async (
  { sources, groupAt }: PicturePlan,
  items: readonly string[],
  isOwn = all,
): Promise<readonly Group[]> => {
  const groups: Group[] = [];
  for (const [source, { from, to }] of sources.entries())
    for (const item of ownPictures(source, items.length, isOwn)) {
      const on = { batch: source * items.length + item, item, name: items[item]! };
      for (let number = from; number < to; number++) groups.push(await groupAt(number, on));
    }
  return groups;
};

export interface UnitPlan {
  readonly settings: readonly Setting[];
  readonly groups: readonly Group[];
}

/**
 * The units in the order of the settings, the items and the attacks. What a network is attacked with on an image stands together, the
 * clean image first.
 *
 * @param manifests those of `networksOf(spec)`.
 * @param items the names of the pictures.
 * @param options `isOwn`: which batches are planned; the others take neither time nor memory. `deltas`: perturbations by their files.
 * @throws SpecError for what only shows when it is put together.
 */
export const planUnits = async (
  spec: EvaluationSpec,
  manifests: readonly Manifest[],
  items: readonly string[],
  { isOwn, deltas }: { readonly isOwn?: IsOwn; readonly deltas?: ReadonlyMap<string, Image> } = {},
): Promise<UnitPlan> => {
  const plan = await planPicture(spec, manifests, { deltas });
  return { settings: plan.settings, groups: await groupsOn(plan, items, isOwn) };
};
