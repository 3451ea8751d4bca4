/**
 * Buildings: terraces, shops, offices, houses and walls along the road, drawn bay by bay so that they can be sorted by
 * depth.
 */

import { between, chance, integer, pick, type Random } from "../../random.ts";
import { label } from "./label.ts";
import { mix, scale, vary, type Point, type Rgb } from "./light.ts";
import type { Stage } from "./stage.ts";

const walls: readonly Rgb[] = [
  [150, 108, 84], [134, 92, 74], [168, 140, 106], [182, 162, 128], [190, 182, 168], [206, 200, 190], [120, 112, 106],
  [158, 148, 140], [98, 78, 68], [212, 208, 200], [140, 132, 118], [88, 88, 94], [172, 120, 92], [226, 222, 212],
]; // prettier-ignore
const roofs: readonly Rgb[] = [[84, 78, 78], [104, 74, 62], [70, 72, 80], [122, 88, 70], [92, 88, 86]]; // prettier-ignore
const shops: readonly Rgb[] = [[110, 34, 36], [30, 48, 88], [34, 70, 50], [40, 38, 40], [200, 196, 188], [150, 110, 40], [44, 84, 110]]; // prettier-ignore
const prints: readonly Rgb[] = [[230, 228, 220], [220, 190, 70], [190, 50, 44], [40, 60, 130], [30, 34, 34]]; // prettier-ignore

interface Style {
  readonly wall: Rgb;
  readonly roof: Rgb;
  readonly trim: Rgb;
  readonly glass: Rgb;
  readonly kind: "terrace" | "office" | "blank";
  readonly floors: number;
  readonly storey: number;
  readonly bay: number;
  readonly pitch: number;
  readonly shop: Rgb | undefined;
  readonly windows: number;
}

const drawStyle = (next: Random, dense: boolean): Style => {
  const kind = chance(next, 0.04) ? "blank" : dense && chance(next, 0.3) ? "office" : "terrace";
  return {
    kind,
    wall: vary(next, pick(next, walls), 0.2),
    roof: vary(next, pick(next, roofs), 0.2),
    trim: chance(next, 0.75) ? [232, 228, 220] : [70, 64, 60],
    glass: vary(next, pick<Rgb>(next, [[42, 46, 54], [24, 26, 30], [74, 84, 96], [130, 142, 154]]), 0.2), // prettier-ignore
    floors: dense ? integer(next, 2, kind === "office" ? 8 : 5) : integer(next, 1, 3),
    storey: between(next, 2.7, 3.6),
    bay: between(next, 2.6, 5.5),
    pitch: chance(next, 0.65) ? between(next, 1.2, 3.6) : 0,
    shop: dense && chance(next, 0.5) ? vary(next, pick(next, shops), 0.25) : undefined,
    windows: integer(next, 1, 2),
  };
};

/** A facade's local frame: s metres along it from its near end, y metres above ground, `out` metres in front of it. */
type Frame = (s: number, y: number, out?: number) => Point;

const rectangle = (frame: Frame, s: readonly [number, number], y: readonly [number, number], out = 0): Point[] => [
  frame(s[0], y[0], out),
  frame(s[1], y[0], out),
  frame(s[1], y[1], out),
  frame(s[0], y[1], out),
];

/**
 * One building on the left (side -1) or right (+1): its facade at lateral distance `t`, from z to z + length.
 * Faces that cannot be seen from the road are omitted, except the end that faces the camera.
 */
export const drawBuilding = (
  stage: Stage,
  side: -1 | 1,
  t: number,
  z: number,
  length: number,
  dense: boolean,
): void => {
  const { next, road } = stage;
  const style = drawStyle(next, dense);
  const depth = between(next, 7, 16);
  const eaves = style.floors * style.storey + (style.shop ? 0.8 : 0.2);
  const bays = Math.max(1, Math.round(length / style.bay));
  const width = length / bays;
  for (let i = bays - 1; i >= 0; i--) {
    const near = z + i * width;
    stage.group(near + width);
    const frame: Frame = (s, y, out = 0) => road.at(near + s, side * (t - out), y);
    drawBay(stage, style, frame, width, eaves, side);
    if (style.pitch > 0) drawRoof(stage, style, frame, width, eaves, depth, side);
  }
  stage.group(z);
  const end = { colour: scale(style.wall, 0.92), label: label.building, normal: [0, 0, -1] as const };
  const gable: Point[] = [road.at(z, side * t), road.at(z, side * (t + depth))];
  const top: Point[] = [road.at(z, side * (t + depth), eaves), road.at(z, side * t, eaves)];
  const ridge = style.pitch > 0 ? [road.at(z, side * (t + depth / 2), eaves + style.pitch)] : [];
  stage.face([...gable, top[0]!, ...ridge, top[1]!], end);
  if (chance(next, 0.75)) drawEndWindows(stage, style, z, side, t, depth);
};

const drawEndWindows = (stage: Stage, style: Style, z: number, side: number, t: number, depth: number) => {
  const count = integer(stage.next, 1, 3);
  for (let floor = 0; floor < style.floors; floor++) {
    for (let i = 0; i < count; i++) {
      const at = t + (depth * (i + 0.35)) / count;
      const frame: Frame = (s, y) => stage.road.at(z, side * (at + s), floor * style.storey + y);
      const glass = { colour: style.glass, label: label.building, normal: [0, 0, -1] as const };
      stage.face(rectangle(frame, [0, 1.1], [1, 2.3]), glass);
    }
  }
};

const drawRoof = (
  stage: Stage,
  style: Style,
  frame: Frame,
  width: number,
  eaves: number,
  depth: number,
  side: number,
) => {
  const paint = { colour: style.roof, label: label.building, normal: [-0.6 * side, 0.8, 0] as const };
  const ridge = eaves + style.pitch;
  stage.face([frame(0, eaves, 0.3), frame(width, eaves, 0.3), frame(width, ridge, -depth / 2), frame(0, ridge, -depth / 2)], paint); // prettier-ignore
  if (chance(stage.next, 0.25)) {
    const brick = { ...paint, colour: scale(style.wall, 0.85) };
    stage.face(rectangle(frame, [0.2, 1.1], [ridge - 0.8, ridge + 1.3], -depth / 2), brick);
  }
};

const drawBay = (stage: Stage, style: Style, frame: Frame, width: number, eaves: number, side: number) => {
  const { next } = stage;
  const normal: Point = [-side, 0, 0];
  const paint = (colour: Rgb) => ({ colour, label: label.building, normal });
  stage.face(rectangle(frame, [0, width], [0, eaves]), paint(style.wall));
  const distance = frame(0, 0)[2];
  if (distance < 25 && style.kind === "terrace") {
    for (let y = 0.3; y < eaves; y += distance < 10 ? 0.3 : 0.6) {
      stage.face(rectangle(frame, [0, width], [y, y + 0.04]), { ...paint(scale(style.wall, 0.78)), opacity: 0.5 });
    }
  }
  const first = style.shop ? 1 : 0;
  if (style.shop) drawShop(stage, style, style.shop, frame, width, normal);
  if (style.kind === "blank" || distance > 110) return;
  const count = style.kind === "office" ? 1 : style.windows;
  const fill = style.kind === "office" ? 0.88 : 0.48;
  for (let floor = first; floor < style.floors; floor++) {
    const base = floor * style.storey + (style.shop ? 0.8 : 0.2) + (style.kind === "office" ? 0.9 : 0.8);
    const height = style.storey * (style.kind === "office" ? 0.6 : 0.5);
    for (let i = 0; i < count; i++) {
      const s = ((i + (1 - fill) / 2) * width) / count;
      const e = s + (fill * width) / count;
      const lit = chance(next, 0.12) ? mix(style.glass, [190, 180, 150], 0.5) : vary(next, style.glass, 0.35);
      stage.face(rectangle(frame, [s - 0.08, e + 0.08], [base - 0.15, base + height + 0.08]), paint(style.trim));
      stage.face(rectangle(frame, [s, e], [base, base + height]), paint(lit));
      if (distance > 60) continue;
      stage.face(rectangle(frame, [(s + e) / 2 - 0.03, (s + e) / 2 + 0.03], [base, base + height]), paint(style.trim));
      stage.face(rectangle(frame, [s, e], [base + height / 2, base + height / 2 + 0.05]), paint(style.trim));
    }
  }
  if (first === 0 && chance(next, 0.5)) {
    stage.face(
      rectangle(frame, [width * 0.08, width * 0.08 + 0.95], [0, 2.1]),
      paint(vary(next, pick(next, shops), 0.4)),
    );
  }
  stage.face(rectangle(frame, [0, width], [eaves - 0.25, eaves], 0.2), paint(mix(style.wall, style.trim, 0.4)));
};

const drawShop = (stage: Stage, style: Style, colour: Rgb, frame: Frame, width: number, normal: Point) => {
  const { next } = stage;
  const paint = (c: Rgb) => ({ colour: c, label: label.building as number, normal });
  stage.face(rectangle(frame, [0, width], [0, 3.4]), paint(scale(colour, 0.8)));
  const glass = vary(next, style.glass, 0.4);
  stage.face(rectangle(frame, [0.2, width - 0.2], [0.5, 2.5]), paint(glass));
  for (let i = integer(next, 0, 5); i > 0; i--) {
    const [s, y] = [between(next, 0.3, width - 0.8), between(next, 0.6, 1.7)];
    stage.face(rectangle(frame, [s, s + between(next, 0.2, 0.6)], [y, y + between(next, 0.2, 0.8)]), paint(vary(next, pick(next, prints), 0.5))); // prettier-ignore
  }
  stage.face(rectangle(frame, [0, width], [2.65, 3.4], 0.1), paint(colour));
  if (chance(next, 0.35)) drawLettering(stage, frame, width, normal);
  if (chance(next, 0.15)) {
    const board = { colour: vary(next, pick(next, shops), 0.3), label: label.sign, normal: [0, 0, -1] as const };
    const corner = (out: number, y: number) => frame(width / 2, y, out);
    stage.face([corner(0.1, 3.2), corner(1, 3.2), corner(1, 4.1), corner(0.1, 4.1)], board);
    stage.face([corner(0.3, 3.5), corner(0.8, 3.5), corner(0.8, 3.8), corner(0.3, 3.8)], { ...board, colour: pick(next, prints) }); // prettier-ignore
  }
};

/** A shop's name above its window, which CamVid labels as sign. */
const drawLettering = (stage: Stage, frame: Frame, width: number, normal: Point) => {
  const { next } = stage;
  const colour = vary(next, pick(next, prints), 0.1);
  stage.face(rectangle(frame, [width * 0.15, width * 0.85], [2.75, 3.3], 0.12), {
    colour,
    label: label.sign,
    hidden: true,
  });
  for (let s = width * 0.17; s < width * 0.8; s += between(next, 0.24, 0.36)) {
    const [low, high] = [between(next, 2.8, 2.86), between(next, 3.1, 3.26)];
    stage.face(rectangle(frame, [s, s + between(next, 0.1, 0.2)], [low, high], 0.13), { colour, normal });
  }
};

/** The far end of the street: a skyline across the vanishing point. */
export const drawSkyline = (stage: Stage): void => {
  const { next, road } = stage;
  stage.group(5e5);
  for (let x = -260; x < 260; x += between(next, 8, 26)) {
    const z = between(next, 200, 235);
    const [w, h] = [between(next, 8, 30), between(next, 4, chance(next, 0.12) ? 34 : 15)];
    const at = (dx: number, y: number): Point => {
      const [cx, cy] = road.at(z, 0, y);
      return [cx + x + dx, cy, z];
    };
    const paint = { colour: vary(next, pick(next, walls), 0.3), label: label.building, normal: [0, 0, -1] as const };
    stage.face([at(0, -8), at(w, -8), at(w, h), at(w / 2, h + pick(next, [0, 0, 3])), at(0, h)], paint);
  }
};
