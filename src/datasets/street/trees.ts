/** Trees (leafy, bare, conifers), hedges and bushes. */

import { between, chance, integer, pick, type Random } from "../../random.ts";
import { label } from "./label.ts";
import { castShadow, shadows } from "./ground.ts";
import { mix, scale, vary, type Point, type Rgb } from "./light.ts";
import type { Stage } from "./stage.ts";

const leaves: readonly Rgb[] = [[70, 84, 44], [92, 100, 52], [58, 72, 48], [104, 92, 52], [122, 96, 54], [84, 92, 64]]; // prettier-ignore
const bark: readonly Rgb[] = [[84, 74, 64], [66, 60, 56], [98, 90, 80]]; // prettier-ignore

/** A ragged patch of foliage parallel to the image plane. */
const blob = (next: Random, [x, y, z]: Point, r: number, corners = 11): Point[] =>
  Array.from({ length: corners }, (_, i): Point => {
    const angle = (2 * Math.PI * (i + 0.6 * next())) / corners;
    const reach = r * between(next, 0.65, 1.2);
    return [x + reach * Math.cos(angle), y + reach * Math.sin(angle), z];
  });

/** A tree with its foot at the given point. */
export const drawTree = (stage: Stage, foot: Point, height: number): void => {
  const { next } = stage;
  castShadow(stage, [foot[0] - 0.2, foot[1], foot[2]], [foot[0] + 0.2, foot[1], foot[2]], height * 0.4);
  drawCrownShadow(stage, foot, height);
  stage.group(foot[2]);
  const kind = pick(next, ["leafy", "leafy", "bare", "bare", "conifer"]);
  if (kind === "bare") drawBare(stage, foot, height);
  else drawLeafy(stage, foot, height, kind === "conifer");
};

const drawCrownShadow = (stage: Stage, foot: Point, height: number) => {
  const { sun, shadow } = stage.light;
  if (shadow === 0) return;
  stage.group(shadows);
  const reach = Math.min(25, (0.7 * height) / sun[1]);
  for (let i = 0; i < 7; i++) {
    const flat = blob(stage.next, [0, 0, 0], height * 0.16);
    const [dx, dz] = [between(stage.next, -0.2, 0.2) * height, between(stage.next, -0.2, 0.2) * height];
    const centre = [foot[0] - sun[0] * reach + dx, foot[2] - sun[2] * reach + dz] as const;
    stage.face(flat.map(([x, y]): Point => [centre[0] + x, foot[1], centre[1] + y]), { colour: [14, 15, 18], opacity: shadow * 0.55, bright: true }); // prettier-ignore
  }
};

const drawLeafy = (stage: Stage, foot: Point, height: number, conifer: boolean) => {
  const { next, light } = stage;
  const trunk = { colour: vary(next, pick(next, bark), 0.2), label: label.tree, normal: [0, 0, -1] as const };
  const lean = between(next, -0.04, 0.04) * height;
  stage.line([foot, [foot[0] + lean, foot[1] + 0.5 * height, foot[2]]], between(next, 0.025, 0.045) * height, trunk);
  const colour = vary(next, conifer ? [46, 62, 46] : pick(next, leaves), 0.25);
  const spread = conifer ? 0.16 : between(next, 0.2, 0.34);
  const base = between(next, 0.2, 0.4);
  const count = Math.round(Math.max(10, Math.min(46, 900 / foot[2])));
  for (let i = 0; i < count; i++) {
    const level = (i + next()) / count;
    const reach = conifer ? spread * (1.15 - level) : spread * Math.sqrt(Math.max(0.05, 1 - (2 * level - 1) ** 2));
    const side = between(next, -1, 1);
    const at: Point = [
      foot[0] + lean + side * reach * height,
      foot[1] + (base + (0.95 - base) * level) * height,
      foot[2],
    ];
    const tone = 0.62 + 0.45 * level + 0.25 * side * Math.sign(light.sun[0]) * light.shadow + between(next, -0.2, 0.2);
    const size = height * (conifer ? 0.08 : between(next, 0.05, 0.12));
    stage.face(blob(next, at, size), { colour: scale(colour, tone), label: label.tree });
  }
};

/**
 * A tree without leaves. Its label covers the whole crown including the gaps between the twigs, as in CamVid's
 * annotation.
 */
const drawBare = (stage: Stage, foot: Point, height: number) => {
  const { next } = stage;
  const colour = vary(next, pick(next, bark), 0.25);
  const tips: Point[] = [];
  const branches: { points: Point[]; width: number }[] = [];
  const grow = (from: Point, angle: number, length: number, width: number, level: number) => {
    const to: Point = [from[0] + length * Math.sin(angle), from[1] + length * Math.cos(angle), from[2]];
    branches.push({ points: [from, to], width });
    if (level === 0) tips.push(to);
    const forks = level === 0 ? 0 : integer(next, 2, 3);
    for (let i = 0; i < forks; i++) {
      const turn = angle + between(next, -0.75, 0.75);
      grow(to, turn * 0.92, length * between(next, 0.6, 0.85), width * 0.62, level - 1);
    }
  };
  grow(foot, between(next, -0.06, 0.06), height * 0.28, height * 0.035, foot[2] < 40 ? 5 : 4);
  const opacity = between(next, 0.12, 0.4);
  const sparse = tips.filter((_, i) => i % 2 === 0);
  for (const tip of sparse) stage.face(blob(next, tip, height * between(next, 0.025, 0.055), 9), { colour: scale(colour, 1.1), label: label.tree, opacity }); // prettier-ignore
  for (const { points, width } of branches) stage.line(points, width, { colour, label: label.tree });
};

/** A hedge or row of bushes along the road, at lateral offset t (signed), from z to z + length. */
export const drawHedge = (stage: Stage, t: number, z: number, length: number): void => {
  const { next, road } = stage;
  const colour = vary(next, pick(next, leaves), 0.3);
  const height = between(next, 0.9, 2.4);
  const wild = chance(next, 0.5);
  for (let s = z + length; s > z; s -= 1.2) {
    stage.group(s);
    const at = (dz: number, y: number) => road.at(s + dz, t, y);
    const tone = between(next, 0.75, 1.1);
    stage.face([at(-1.3, 0), at(0, 0), at(0, height), at(-1.3, height)], { colour: scale(colour, tone), label: label.tree, normal: [-Math.sign(t), 0, 0] }); // prettier-ignore
    for (let i = 0; i < (s < 50 ? 5 : 2); i++) {
      const centre = road.at(s - 1.2 * next(), t, height * between(next, 0.2, wild ? 1.15 : 0.98));
      stage.face(blob(next, centre, between(next, 0.2, 0.45), 8), { colour: scale(colour, between(next, 0.6, 1.3)), label: label.tree }); // prettier-ignore
    }
  }
};

/** Woods at the horizon. */
export const drawWoods = (stage: Stage, density: number): void => {
  const { next, road, light } = stage;
  stage.group(4e5);
  for (let x = -200; x < 200; x += 6) {
    if (!chance(next, density)) continue;
    const [cx, cy, z] = road.at(between(next, 150, 200), 0);
    const size = between(next, 3, 9);
    const colour = mix(vary(next, pick(next, leaves), 0.3), light.haze, 0.1);
    for (const lift of [0, 0.8])
      stage.face(blob(next, [cx + x, cy + size * lift, z], size), { colour, label: label.tree });
  }
};
