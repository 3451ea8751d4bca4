/** Regions on a command line: what is to be hidden, or swapped for a class. */

import type { AttackName } from "../attacks/catalogue.ts";
import { RegionError, type RegionGoal } from "../evaluation/region-goal.ts";
import { goalOf, targetFaults, type RegionTarget } from "../evaluation/targeted.ts";
import { UsageError } from "../node/failure.ts";
import type { Options, Values } from "../node/options.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Image } from "../segmenter/segmenter.ts";
import { tensorOf } from "../tensor.ts";
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

/** A target whose mask, if any, is a file that has not been read. */
export interface WrittenTarget {
  readonly target: RegionTarget;
  readonly file?: string | undefined;
}

type Where = Pick<RegionTarget, "classes" | "box" | "polygon" | "mask">;

const classFrom = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text);

const placeFrom = (flag: string, kind: string | undefined, rest: string): Where => {
  if (kind === "mask") return { mask: true };
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
  return { classes: rest.split(",").map(classFrom) };
};

const outsideFrom = (text: string | undefined): RegionGoal["outside"] => {
  if (text === undefined || text === "keep" || text === "free") return text;
  throw new UsageError(`--outside must be keep or free, not "${text}"`);
};

/** The region of a command line; undefined where it names none. @throws UsageError */
export const targetFrom = ({ hide, swap, outside: how }: RegionValues): WrittenTarget | undefined => {
  const outside = outsideFrom(how);
  if (hide !== undefined && swap !== undefined) throw new UsageError("--hide and --swap exclude each other");
  const written = (
    flag: string,
    text: string,
    made: { readonly kind: "hide" } | { readonly kind: "swap"; readonly to: number | string },
  ): WrittenTarget => {
    const [, kind, rest = text] = /^(box|polygon|mask):(.*)$/.exec(text) ?? [];
    const target = { ...made, ...placeFrom(flag, kind, rest), ...(outside && { outside }) };
    return kind === "mask" ? { target, file: rest } : { target };
  };
  if (hide !== undefined) return written("hide", hide, { kind: "hide" });
  if (swap === undefined) {
    if (outside !== undefined) throw new UsageError("--outside goes with --hide or --swap");
    return undefined;
  }
  const [, what, to] = /^(.+):([^:]+)$/.exec(swap) ?? [];
  if (what === undefined || to === undefined)
    throw new UsageError(`--swap must be WHAT:CLASS, as in car:road, not "${swap}"`);
  return written("swap", what, { kind: "swap", to: classFrom(to) });
};

/** Stands for a mask that has not been read. */
const unread = tensorOf("uint8", [1, 1], [1]);

/** @throws UsageError for a class that the network has not, and for an attack that has no such target. */
export const requireTarget = ({ target }: WrittenTarget, { classes }: Manifest, attack: AttackName): void => {
  const [fault] = targetFaults(attack, target);
  if (fault?.field === "outside")
    throw new UsageError(`${attack} ends at a share of all pixels: --hide and --swap go with --outside free there`);
  try {
    goalOf(target, classes, unread);
  } catch (cause) {
    if (cause instanceof RegionError) throw new UsageError(`--${target.kind}: ${cause.message}`, { cause });
    throw cause;
  }
};

/** The goal on a picture, with its mask. @throws Refusal for a mask that is none of this picture. */
export const goalOn = async ({ target, file }: WrittenTarget, manifest: Manifest, image: Image): Promise<RegionGoal> =>
  goalOf(target, manifest.classes, file === undefined ? undefined : await readLabelMap(file, manifest, image));
