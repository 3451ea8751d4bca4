/**
 * Street furniture: lamp posts, traffic lights, signs, railings, board fences, walls, and clutter, which is labelled
 * void.
 */

import { between, chance, integer, pick } from "../../random.ts";
import { label } from "./label.ts";
import { castShadow, contactShadow } from "./ground.ts";
import { vary, type Point, type Rgb } from "./light.ts";
import type { Paint, Stage } from "./stage.ts";

const metals: readonly Rgb[] = [[104, 108, 110], [70, 74, 74], [48, 56, 54], [132, 134, 132]]; // prettier-ignore

const raise = ([x, y, z]: Point, dy: number, dx = 0): Point => [x + dx, y + dy, z];

const disc = (centre: Point, r: number, corners = 16): Point[] =>
  Array.from({ length: corners }, (_, i) => {
    const angle = (2 * Math.PI * (i + 0.5)) / corners - Math.PI / 2;
    return raise(centre, r * Math.sin(angle), r * Math.cos(angle));
  });

const post = (stage: Stage, foot: Point, height: number, width: number, colour: Rgb) => {
  castShadow(stage, raise(foot, 0, -width / 2), raise(foot, 0, width / 2), height);
  stage.group(foot[2]);
  const paint: Paint = { colour, label: label.pole, normal: [0, 0, -1] };
  stage.line([foot, raise(foot, height)], width, paint);
  return paint;
};

/** A lamp post whose arm reaches `reach` metres sideways (signed). */
export const drawLampPost = (stage: Stage, foot: Point, reach: number): void => {
  const { next } = stage;
  const height = between(next, 5, 10);
  const paint = post(stage, foot, height, between(next, 0.1, 0.17), vary(next, pick(next, metals), 0.2));
  stage.line([foot, raise(foot, 1.4)], 0.2, paint);
  const tip = raise(foot, height + between(next, 0, 0.5), reach);
  stage.line([raise(foot, height), tip], 0.09, paint);
  stage.line([tip, raise(tip, 0.03, 0.5 * Math.sign(reach))], 0.2, paint);
};

/** A bollard, or a plain pole such as those of wires, flags and belisha beacons. */
export const drawPlainPole = (stage: Stage, foot: Point): void => {
  const { next } = stage;
  const low = chance(next, 0.4);
  const height = low ? between(next, 0.9, 1.2) : between(next, 3, 8);
  post(
    stage,
    foot,
    height,
    low ? 0.16 : between(next, 0.08, 0.18),
    vary(next, pick(next, [...metals, [34, 34, 36]]), 0.2),
  );
};

/** A traffic light on a pole, facing the camera or turned away from it. */
export const drawTrafficLight = (stage: Stage, foot: Point): void => {
  const { next } = stage;
  const height = between(next, 2.9, 3.6);
  post(stage, foot, height - 0.2, 0.12, vary(next, pick(next, metals), 0.2));
  const box: Point[] = [raise(foot, height - 0.9, -0.24), raise(foot, height - 0.9, 0.24), raise(foot, height + 0.25, 0.24), raise(foot, height + 0.25, -0.24)]; // prettier-ignore
  stage.face(box, { colour: [28, 28, 30], label: label.sign });
  if (chance(next, 0.25)) return;
  const on = integer(next, 0, 2);
  const colours: readonly Rgb[] = [[60, 240, 130], [250, 180, 60], [250, 60, 50]]; // prettier-ignore
  for (const [i, colour] of colours.entries()) {
    const lens = disc(raise(foot, height - 0.68 + 0.35 * i), 0.13);
    stage.face(lens, { colour: i === on ? colour : [44, 40, 38], bright: i === on, label: label.sign });
  }
};

/** One or two road signs on a post: roundels, warning triangles, plates. */
export const drawSign = (stage: Stage, foot: Point): void => {
  const { next } = stage;
  let height = between(next, 1.9, 3);
  post(stage, foot, height, 0.09, vary(next, pick(next, metals), 0.2));
  for (let i = integer(next, 1, 2); i > 0; i--) {
    const centre = raise(foot, height);
    const size = between(next, 0.28, 0.46);
    const away = chance(next, 0.15);
    const paint = (colour: Rgb): Paint => ({ colour: away ? [120, 122, 122] : vary(next, colour, 0.15), label: label.sign, normal: [0, 0, -1] }); // prettier-ignore
    const kind = pick(next, ["roundel", "blue", "triangle", "plate", "plate"]);
    const corners = kind === "triangle" ? 3 : kind === "plate" ? 4 : 18;
    const [rim, field] = {
      roundel: [
        [188, 34, 36],
        [228, 226, 220],
      ] as const,
      blue: [
        [34, 74, 150],
        [44, 88, 168],
      ] as const,
      triangle: [
        [188, 34, 36],
        [230, 228, 222],
      ] as const,
      plate: [pick<Rgb>(next, [[30, 90, 66], [36, 70, 140], [226, 224, 216], [212, 190, 60]]), pick<Rgb>(next, [[226, 224, 216], [40, 60, 130]])] as const, // prettier-ignore
    }[kind as "roundel" | "blue" | "triangle" | "plate"];
    stage.face(disc(centre, size, corners), paint(rim));
    stage.face(disc(centre, size * 0.72, corners), paint(field));
    if (!away) stage.line([raise(centre, -0.1, -0.1), raise(centre, 0.1, 0.1)], 0.07, paint([40, 40, 44]));
    height -= 2 * size + 0.06;
  }
};

/** Railings, boards or a wall along the road at lateral offset t (signed), from z to z + length. */
export const drawFence = (stage: Stage, t: number, z: number, length: number): void => {
  const { next, road } = stage;
  const kind = pick(next, ["railing", "railing", "boards", "wall"]);
  const height = kind === "railing" ? between(next, 0.9, 1.3) : between(next, 0.7, 2);
  const palette: Record<string, readonly Rgb[]> = {
    railing: [[40, 44, 44], [150, 152, 150], [96, 100, 98]], // prettier-ignore
    boards: [[122, 98, 74], [96, 78, 62], [140, 126, 106]], // prettier-ignore
    wall: [[140, 100, 80], [150, 142, 128], [116, 104, 94]], // prettier-ignore
  };
  const colour = vary(next, pick(next, palette[kind]!), 0.2);
  const panel = 2;
  castShadow(stage, road.at(Math.max(1, z), t), road.at(z + length, t), kind === "railing" ? height * 0.2 : height);
  for (let s = z + length - panel; s > z - panel; s -= panel) {
    stage.group(s + panel / 2);
    const at = (dz: number, y: number) => road.at(Math.max(0.8, s + dz), t, y);
    const quad = (a: number, b: number, y0: number, y1: number) =>
      [at(a, y0), at(b, y0), at(b, y1), at(a, y1)] as const;
    const paint = {
      colour,
      label: kind === "wall" ? label.building : label.fence,
      normal: [-Math.sign(t), 0, 0] as const,
    };
    const whole = quad(0, panel, 0, height);
    if (kind !== "railing") {
      stage.face(whole, paint);
      const boards = kind === "boards" && s < 40 ? 8 : 0;
      for (let a = 0; a < boards * 0.25; a += 0.25) stage.face(quad(a, a + 0.03, 0, height), { colour: [40, 34, 30], opacity: 0.6 }); // prettier-ignore
      if (kind === "wall") stage.face(quad(0, panel, height - 0.12, height), { ...paint, colour: vary(next, [150, 146, 138], 0.1) }); // prettier-ignore
      continue;
    }
    stage.face(whole, { ...paint, opacity: s > 30 ? 0.45 : 0.12 });
    for (const y of [height, height * 0.12]) stage.face(quad(0, panel, y - 0.06, y), paint);
    const bars = s < 45 ? panel : 0;
    for (let a = 0; a < bars; a += 0.2) stage.face(quad(a, a + (a === 0 ? 0.08 : 0.035), 0, height), paint);
  }
};

/** Bins, boxes and cabinets, which CamVid labels as void. */
export const drawClutter = (stage: Stage, foot: Point): void => {
  const { next } = stage;
  const [w, h] = [between(next, 0.25, 0.6), between(next, 0.7, 1.5)];
  const colour = vary(next, pick<Rgb>(next, [[40, 60, 50], [60, 62, 64], [150, 34, 34], [34, 34, 36], [190, 160, 60]]), 0.3); // prettier-ignore
  contactShadow(stage, foot, w * 0.7, w * 0.5);
  stage.group(foot[2]);
  const box = [raise(foot, 0, -w / 2), raise(foot, 0, w / 2), raise(foot, h, w / 2), raise(foot, h, -w / 2)];
  stage.face(box, { colour, label: label.none, normal: [0, 0, -1] });
  stage.face([box[3]!, box[2]!, raise(box[2]!, 0.12, -0.06), raise(box[3]!, 0.12, 0.06)], { colour, label: label.none, normal: [0, 1, 0] }); // prettier-ignore
};
