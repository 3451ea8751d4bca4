/** Pedestrians and bicyclists: jointed flat figures parallel to the image plane. */

import { between, chance, pick } from "../../random.ts";
import { label } from "./label.ts";
import { castShadow, contactShadow } from "./ground.ts";
import { scale, vary, type Point, type Rgb } from "./light.ts";
import type { Stage } from "./stage.ts";

const clothes: readonly Rgb[] = [
  [34, 36, 42], [46, 44, 46], [52, 56, 74], [70, 62, 54], [98, 92, 86], [120, 34, 38], [40, 66, 110], [60, 84, 60],
  [150, 140, 124], [196, 190, 182], [88, 48, 74], [28, 28, 30],
]; // prettier-ignore
const vivid: readonly Rgb[] = [[210, 220, 50], [220, 110, 40], [190, 40, 40], [60, 120, 190]]; // prettier-ignore
const skins: readonly Rgb[] = [[214, 172, 148], [190, 140, 112], [132, 92, 70], [92, 64, 50]]; // prettier-ignore
const hairs: readonly Rgb[] = [[36, 28, 24], [70, 50, 36], [120, 96, 66], [130, 128, 126], [24, 24, 26]]; // prettier-ignore

/**
 * The drawing functions of one figure: x and y are metres (times `size`) from its foot, parallel to the image plane.
 */
const brush = (stage: Stage, foot: Point, size: number, kind: number) => {
  const at = (x: number, y: number): Point => [foot[0] + x * size, foot[1] + y * size, foot[2]];
  const normal: Point = [0, 0, -1];
  return {
    limb: (points: readonly (readonly [number, number])[], width: number, colour: Rgb) =>
      stage.line(points.map(([x, y]) => at(x, y)), width * size, { colour, label: kind, normal }), // prettier-ignore
    patch: (points: readonly (readonly [number, number])[], colour: Rgb, opacity?: number) =>
      stage.face(points.map(([x, y]) => at(x, y)), { colour, label: kind, normal, opacity }), // prettier-ignore
    disc: (x: number, y: number, rx: number, ry: number, colour: Rgb, opacity?: number) =>
      stage.face(ellipse(x, y, rx, ry).map(([a, b]) => at(a, b)), { colour, label: kind, normal, opacity }), // prettier-ignore
  };
};

const ellipse = (x: number, y: number, rx: number, ry: number) =>
  Array.from({ length: 14 }, (_, i): readonly [number, number] => {
    const angle = (Math.PI * i) / 7;
    return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)];
  });

/** A standing or walking adult or child, seen from any side. */
export const drawPedestrian = (stage: Stage, foot: Point): void => {
  const { next } = stage;
  const size = chance(next, 0.12) ? between(next, 0.55, 0.8) : between(next, 0.92, 1.08);
  castShadow(stage, [foot[0] - 0.2, foot[1], foot[2]], [foot[0] + 0.2, foot[1], foot[2]], 1.7 * size);
  contactShadow(stage, foot, 0.3, 0.25);
  stage.group(foot[2]);
  const { limb, patch, disc } = brush(stage, foot, size, label.pedestrian);
  const profile = chance(next, 0.5);
  const turn = chance(next, 0.5) ? 1 : -1;
  const stride = chance(next, 0.75) ? between(next, 0.05, profile ? 0.36 : 0.1) : 0.04;
  const coat = vary(next, chance(next, 0.15) ? pick(next, vivid) : pick(next, clothes), 0.25);
  const legs = vary(next, pick(next, clothes), 0.25);
  const skin = pick(next, skins);
  const wide = (profile ? 0.13 : 0.2) * between(next, 0.9, 1.25);
  const bend = between(next, 0, 0.1) * turn;
  limb([[-0.06, 0.88], [-stride / 2 + bend, 0.46], [-stride, 0.05]], 0.15, scale(legs, 0.85)); // prettier-ignore
  limb([[0.06, 0.88], [stride / 2 + bend, 0.46], [stride, 0.05]], 0.16, legs); // prettier-ignore
  for (const x of [-stride, stride]) limb([[x, 0.04], [x + (profile ? 0.12 * turn : 0), 0.04]], 0.08, [30, 28, 28]); // prettier-ignore
  const hem = pick(next, [0.8, 0.85, 0.6, 0.45]);
  const flare = hem < 0.7 ? wide * 1.15 : wide * 0.9;
  const swing = between(next, 0.02, 0.22);
  limb([[-wide, 1.4], [-wide - swing * 0.5, 1.12], [-wide - (profile ? swing : 0.04), 0.85]], 0.1, scale(coat, 0.82)); // prettier-ignore
  patch([[-flare, hem], [flare, hem], [wide * 1.05, 1.15], [wide, 1.42], [0.07, 1.5], [-0.07, 1.5], [-wide, 1.42], [-wide * 1.05, 1.15]], coat); // prettier-ignore
  limb([[wide * 0.9, 1.4], [wide + swing * 0.5, 1.12], [wide + (profile ? swing : 0.04), 0.87]], 0.1, scale(coat, 1.1)); // prettier-ignore
  disc(0, 1.62, 0.095, 0.13, chance(next, 0.4) ? pick(next, hairs) : skin);
  disc(profile ? -0.02 * turn : 0, 1.69, 0.1, 0.085, chance(next, 0.15) ? pick(next, clothes) : pick(next, hairs));
  if (chance(next, 0.35)) {
    const bag = vary(next, pick(next, [...clothes, ...vivid]), 0.3);
    const x = pick(next, [-wide - 0.12, wide, profile ? -0.22 * turn : -0.12]);
    const y = pick(next, [0.6, 0.8, 1.08]);
    patch([[x, y], [x + 0.22, y], [x + 0.2, y + 0.34], [x + 0.02, y + 0.34]], bag); // prettier-ignore
  }
};

/** A bicycle and its rider, seen from behind, from the front or from the side. */
export const drawBicyclist = (stage: Stage, foot: Point): void => {
  const { next } = stage;
  contactShadow(stage, foot, 0.35, 0.6);
  castShadow(stage, [foot[0] - 0.2, foot[1], foot[2]], [foot[0] + 0.2, foot[1], foot[2]], 1.6);
  stage.group(foot[2]);
  const look = {
    coat: vary(next, chance(next, 0.35) ? pick(next, vivid) : pick(next, clothes), 0.25),
    legs: vary(next, pick(next, clothes), 0.25),
    metal: vary(next, pick<Rgb>(next, [[40, 40, 44], [120, 30, 32], [36, 60, 110], [140, 142, 146]]), 0.3), // prettier-ignore
    head: chance(next, 0.5) ? pick<Rgb>(next, [[220, 220, 216], [30, 30, 34], [180, 40, 40]]) : pick(next, hairs), // prettier-ignore
    skin: pick(next, skins),
  };
  const draw = brush(stage, foot, between(next, 0.92, 1.06), label.bicyclist);
  if (chance(next, 0.25)) drawSideways(stage, draw, look);
  else drawEndOn(stage, draw, look);
};

type Look = Readonly<Record<"coat" | "legs" | "metal" | "head" | "skin", Rgb>>;

const drawSideways = ({ next }: Stage, { limb, patch, disc }: ReturnType<typeof brush>, look: Look) => {
  const d = chance(next, 0.5) ? 1 : -1;
  const tyre: Rgb = [28, 28, 30];
  for (const x of [-0.52, 0.52]) {
    disc(x, 0.34, 0.34, 0.34, [60, 60, 62], 0.25);
    limb([...ellipse(x, 0.34, 0.33, 0.33), [x + 0.33, 0.34]], 0.045, tyre);
  }
  limb([[-0.52 * d, 0.34], [-0.05 * d, 0.32], [-0.18 * d, 0.84], [-0.52 * d, 0.34]], 0.04, look.metal); // prettier-ignore
  limb([[-0.05 * d, 0.32], [0.38 * d, 0.82], [-0.16 * d, 0.78]], 0.04, look.metal); // prettier-ignore
  limb([[0.52 * d, 0.34], [0.36 * d, 0.98], [0.46 * d, 1.02]], 0.04, look.metal); // prettier-ignore
  const pedal = between(next, -0.14, 0.14);
  for (const [p, tone] of [[-pedal, 0.8], [pedal, 1]] as const) limb([[-0.16 * d, 0.95], [(0.14 + 0.3 * p) * d, 0.68 + p], [(-0.05 + p) * d, 0.32 + p]], 0.13, scale(look.legs, tone)); // prettier-ignore
  patch([[-0.3 * d, 0.92], [-0.02 * d, 0.92], [0.26 * d, 1.36], [0.12 * d, 1.48], [-0.08 * d, 1.38]], look.coat); // prettier-ignore
  limb([[0.16 * d, 1.38], [0.26 * d, 1.14], [0.44 * d, 1.05]], 0.09, scale(look.coat, 0.9)); // prettier-ignore
  disc(0.26 * d, 1.58, 0.1, 0.13, look.skin);
  disc(0.25 * d, 1.65, 0.12, 0.09, look.head);
};

const drawEndOn = ({ next }: Stage, { limb, patch, disc }: ReturnType<typeof brush>, look: Look) => {
  const lean = between(next, -0.06, 0.06);
  disc(0, 0.34, 0.04, 0.34, [28, 28, 30]);
  limb([[0, 0.5], [lean, 0.95]], 0.06, look.metal); // prettier-ignore
  const pedal = between(next, -0.14, 0.14);
  for (const s of [-1, 1]) limb([[lean + 0.1 * s, 0.95], [0.14 * s, 0.6 + s * pedal], [0.11 * s, 0.22 + s * pedal]], 0.13, scale(look.legs, 0.95 + 0.1 * s)); // prettier-ignore
  limb([[-0.27, 1.02], [0.27, 1.02]], 0.035, look.metal); // prettier-ignore
  for (const s of [-1, 1]) limb([[lean + 0.17 * s, 1.42], [0.28 * s, 1.22], [0.25 * s, 1.04]], 0.09, scale(look.coat, 0.85)); // prettier-ignore
  patch([[lean - 0.17, 0.86], [lean + 0.17, 0.86], [lean + 0.21, 1.42], [lean, 1.5], [lean - 0.21, 1.42]], look.coat); // prettier-ignore
  disc(lean, 1.6, 0.09, 0.12, look.skin);
  disc(lean, 1.65, 0.115, 0.1, look.head);
  if (chance(next, 0.4)) patch([[lean - 0.14, 1], [lean + 0.14, 1], [lean + 0.13, 1.38], [lean - 0.13, 1.38]], scale(look.metal, 0.8)); // prettier-ignore
};
