/** The ground: road, pavements, kerbs, markings and cast shadows. */

import { between, chance, integer, pick } from "../../random.ts";
import { label } from "./label.ts";
import { mix, vary, type Point, type Rgb } from "./light.ts";
import type { Paint, Stage } from "./stage.ts";

const up: Point = [0, 1, 0];
const far = 240;
const kerb = 0.12;

/** The depth of the group of shadows on the ground, which are painted over the ground and under everything else. */
export const shadows = 8e5;

/** The distances at which a curved strip of ground is sampled; they are denser near the camera. */
const stations = (from: number, to: number): number[] => {
  const count = Math.max(2, Math.ceil(8 * Math.log2((to + 2) / (from + 2))));
  return Array.from({ length: count + 1 }, (_, i) => (from + 2) * ((to + 2) / (from + 2)) ** (i / count) - 2);
};

/** A strip along the road between two lateral offsets. */
export const strip = (stage: Stage, z: readonly [number, number], t: readonly [number, number], paint: Paint): void => {
  const along = stations(z[0], z[1]);
  const edge = (offset: number) => along.map((s) => stage.road.at(s, offset));
  stage.face([...edge(t[0]), ...edge(t[1]).toReversed()], { normal: up, ...paint });
};

/** The whole ground. The verge beyond the pavements is paving, or grass, which CamVid labels as vegetation. */
export const drawGround = (stage: Stage, verges: readonly [left: boolean, right: boolean]): void => {
  const { next, road } = stage;
  const grey = between(next, 78, 118);
  const asphalt: Rgb = vary(next, [grey, grey, grey * between(next, 0.98, 1.07)], 0.04);
  const slab = vary(next, pick<Rgb>(next, [[118, 114, 112], [96, 94, 96], [132, 124, 116], [104, 92, 86]]), 0.12); // prettier-ignore
  const grass = vary(next, pick<Rgb>(next, [[88, 98, 56], [104, 100, 66], [70, 88, 50]]), 0.2); // prettier-ignore
  stage.group(1e6);
  const paving = { colour: slab, label: label.pavement };
  for (const [side, [outer, width]] of [
    [road.left, road.pavementLeft],
    [road.right, road.pavementRight],
  ].entries()) {
    const sign = side === 0 ? -1 : 1;
    const verge = verges[side] ? { colour: grass, label: label.tree } : paving;
    strip(stage, [0, far], [sign * (outer! + width!), sign * 220], verge);
    strip(stage, [0, far], [sign * outer!, sign * (outer! + width!)], paving);
    const stone = { colour: mix(slab, [190, 188, 182], between(next, 0.1, 0.6)), label: label.pavement };
    strip(stage, [0, far], [sign * outer!, sign * (outer! + kerb)], stone);
  }
  strip(stage, [0, far], [-road.left, road.right], { colour: asphalt, label: label.road });
  if (road.junction[1] > road.junction[0]) {
    const sides = pick(next, [[-120, 120], [-120, 0], [0, 120]] as const); // prettier-ignore
    strip(stage, road.junction, sides, { colour: asphalt, label: label.road });
  }
  stage.group(9e5);
  drawWear(stage, asphalt);
  drawMarkings(stage, asphalt);
};

/** Patches, gutters, manholes, worn wheel tracks. */
const drawWear = (stage: Stage, asphalt: Rgb) => {
  const { next, road } = stage;
  for (let i = integer(next, 0, 7); i > 0; i--) {
    const z = between(next, 2, 45);
    const t = between(next, -road.left, road.right - 1);
    const colour = mix(asphalt, chance(next, 0.7) ? [50, 50, 54] : [150, 148, 144], between(next, 0.1, 0.45));
    strip(stage, [z, z + between(next, 0.6, 14)], [t, Math.min(road.right, t + between(next, 0.4, 2.2))], { colour });
  }
  for (const t of [-road.left + 0.15, road.right - 0.35]) strip(stage, [0, 100], [t, t + 0.2], { colour: mix(asphalt, [40, 38, 36], 0.35) }); // prettier-ignore
  if (chance(next, 0.12)) strip(stage, [0, between(next, 20, 90)], [-road.left + 0.3, -road.left + 1.7], { colour: [142, 84, 80] }); // prettier-ignore
};

const drawMarkings = (stage: Stage, asphalt: Rgb) => {
  const { next, road } = stage;
  const white = { colour: mix([225, 225, 220], asphalt, between(next, 0, 0.5)) };
  const yellow = { colour: mix([205, 180, 85], asphalt, between(next, 0.1, 0.6)) };
  const [dash, gap] = pick(next, [[2, 4], [4, 2], [1, 5], [3, 6], [200, 1]] as const); // prettier-ignore
  const dashes = (t: number) => {
    for (let z = between(next, 0, 5); z < 110; z += dash + gap)
      strip(stage, [z, z + dash], [t - 0.06, t + 0.07], white);
  };
  if (chance(next, 0.85)) dashes(0);
  if (road.left > 5.5) dashes(-road.left / 2);
  if (road.right > 5.5) dashes(road.right / 2);
  const edging = pick(next, ["none", "yellow", "yellow", "white"]);
  for (const t of [-road.left + 0.35, road.right - 0.45]) {
    if (edging === "white") strip(stage, [0, 120], [t, t + 0.12], white);
    if (edging === "yellow") for (const d of [0, 0.2]) strip(stage, [0, 90], [t + d, t + d + 0.09], yellow);
  }
  if (chance(next, 0.25)) {
    const [z, t] = [between(next, 5, 16), pick(next, [-road.left / 2, -road.left / 2, road.right / 2])];
    const outline = [[0.12, 0], [0.12, 2.2], [0.5, 2], [0, 4], [-0.5, 2], [-0.12, 2.2], [-0.12, 0]] as const; // prettier-ignore
    stage.face(outline.map(([dt, dz]) => road.at(z + dz, t + dt)), white); // prettier-ignore
  }
  if (chance(next, 0.2)) {
    const z = between(next, 5, 30);
    const step = between(next, 0.9, 1.2);
    for (let t = -road.left + 0.3; t < road.right - 0.5; t += step)
      strip(stage, [z, z + 2.6], [t, t + step / 2], white);
  } else if (chance(next, 0.3)) {
    const z = between(next, 4, 25);
    strip(stage, [z, z + 0.3], [-road.left, chance(next, 0.5) ? 0 : road.right], white);
  }
};

/**
 * The shadow on the ground of an upright shape that stands on the line from a to b. The shadows' group is the current
 * one afterwards.
 */
export const castShadow = (stage: Stage, a: Point, b: Point, height: number): void => {
  const { sun, shadow } = stage.light;
  if (shadow === 0) return;
  stage.group(shadows);
  const reach = Math.min(25, height / sun[1]);
  const shift = ([x, y, z]: Point): Point => [x - sun[0] * reach, y, z - sun[2] * reach];
  stage.face([a, b, shift(b), shift(a)], { colour: [12, 13, 18], opacity: shadow, bright: true });
};

/** The dark ground under an object. The shadows' group is the current one afterwards. */
export const contactShadow = (stage: Stage, centre: Point, rx: number, rz: number): void => {
  const ring = (s: number) =>
    Array.from({ length: 14 }, (_, i): Point => {
      const angle = (2 * Math.PI * i) / 14;
      return [centre[0] + s * rx * Math.cos(angle), centre[1] + 0.01, centre[2] + s * rz * Math.sin(angle)];
    });
  stage.group(shadows);
  for (const s of [1.15, 0.95]) stage.face(ring(s), { colour: [14, 14, 18], opacity: 0.35, bright: true });
};
