/** Regions on a command line: what is to be hidden, or swapped for a class. */

import { classIndex, RegionError, type Place, type RegionGoal } from "../evaluation/region-goal.ts";
import type { AttackPlan } from "../evaluation/plan.ts";
import { attackEntry } from "../attacks/catalogue.ts";
import { UsageError } from "../node/failure.ts";
import type { Options, Values } from "../node/options.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Image } from "../segmenter/segmenter.ts";
import { numbers } from "./notation.ts";
import { readLabelMap } from "./pictures.ts";

export const regionFlags = {
  hide: {
    type: "string",
    value: "WHAT",
    help: "hide classes (car,9), box:X,Y,WIDTH,HEIGHT, polygon:X,Y;… or mask:FILE behind the labels around",
  },
  swap: { type: "string", value: "WHAT:CLASS", help: "make such a region a class: car:road" },
  outside: { type: "string", value: "HOW", help: "what becomes of the other labels: keep (the default) or free" },
} as const satisfies Options;

type RegionValues = Partial<Values<typeof regionFlags>>;

/** A place with its mask, where it has one, as a file. */
type Written = Exclude<Place, { readonly mask: unknown }> | { readonly file: string };

/** A goal whose mask, if any, has not been read. */
export interface WrittenGoal extends Omit<RegionGoal, "place"> {
  readonly place: Written;
}

const classOf = (flag: string, text: string, { classes }: Manifest): number => {
  try {
    return classIndex(classes, /^\d+$/.test(text) ? Number(text) : text);
  } catch (cause) {
    if (cause instanceof RegionError) throw new UsageError(`--${flag}: ${cause.message}`, { cause });
    throw cause;
  }
};

const placeFrom = (flag: string, text: string, manifest: Manifest): Written => {
  const [, kind, rest = ""] = /^(box|polygon|mask):(.*)$/.exec(text) ?? [];
  if (kind === "mask") return { file: rest };
  if (kind === "box") {
    const [left, top, width, height, ...more] = numbers(flag, rest);
    if (left !== undefined && top !== undefined && width! > 0 && height! > 0 && more.length === 0)
      return { box: [left, top, width!, height!] };
    throw new UsageError(`--${flag}: a box is LEFT,TOP,WIDTH,HEIGHT in pixels, not "${rest}"`);
  }
  if (kind === "polygon") {
    const corners = rest.split(";").map((corner) => numbers(flag, corner));
    if (corners.length >= 3 && corners.every(({ length }) => length === 2))
      return { polygon: corners.map(([x, y]) => [x!, y!] as const) };
    throw new UsageError(`--${flag}: a polygon is at least three corners X,Y;X,Y;X,Y in pixels, not "${rest}"`);
  }
  return { classes: text.split(",").map((name) => classOf(flag, name, manifest)) };
};

const outsideFrom = (text: string | undefined, { attack }: Pick<AttackPlan, "attack">): RegionGoal["outside"] => {
  if (text !== undefined && text !== "keep" && text !== "free")
    throw new UsageError(`--outside must be keep or free, not "${text}"`);
  if (attackEntry(attack).type === "minimum-norm" && text !== "free")
    throw new UsageError(`${attack} ends at a share of all pixels: --hide and --swap go with --outside free there`);
  return text;
};

/** The region of a command line; undefined where it names none. @throws UsageError */
export const goalFrom = (
  { hide, swap, outside }: RegionValues,
  manifest: Manifest,
  plan: Pick<AttackPlan, "attack">,
): WrittenGoal | undefined => {
  if (hide !== undefined && swap !== undefined) throw new UsageError("--hide and --swap exclude each other");
  if (hide !== undefined) return { place: placeFrom("hide", hide, manifest), outside: outsideFrom(outside, plan) };
  if (swap === undefined) {
    if (outside !== undefined) throw new UsageError("--outside goes with --hide or --swap");
    return undefined;
  }
  const [, what, to] = /^(.+):([^:]+)$/.exec(swap) ?? [];
  if (what === undefined || to === undefined)
    throw new UsageError(`--swap must be WHAT:CLASS, as in car:road, not "${swap}"`);
  const place = placeFrom("swap", what, manifest);
  return { place, to: classOf("swap", to, manifest), outside: outsideFrom(outside, plan) };
};

/** The goal on a picture, with its mask. @throws Refusal for a mask that is none of this picture. */
export const goalOn = async (
  { place, ...goal }: WrittenGoal,
  manifest: Manifest,
  image: Image,
): Promise<RegionGoal> => ({
  ...goal,
  place: "file" in place ? { mask: await readLabelMap(place.file, manifest, image) } : place,
});
