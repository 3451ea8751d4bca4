/** Synthetic street scenes with CamVid's classes, seen from a driving car. An integer seed determines everything. */

import { between, chance, integer, pick, random, type Random } from "../random.ts";
import { drawBuilding, drawSkyline } from "./street/buildings.ts";
import { drawClutter, drawFence, drawLampPost, drawPlainPole, drawSign, drawTrafficLight } from "./street/furniture.ts";
import { castShadow, drawGround } from "./street/ground.ts";
import { drawLight, type Light } from "./street/light.ts";
import { drawBicyclist, drawPedestrian } from "./street/people.ts";
import { createStage, type Camera, type Road, type Stage } from "./street/stage.ts";
import { drawHedge, drawTree, drawWoods } from "./street/trees.ts";
import { drawVehicle } from "./street/vehicles.ts";

/**
 * A scene as two SVG documents with the same geometry: one in natural colours, one in the flat colours of
 * `camvidClasses`.
 */
export interface StreetScene {
  readonly seed: number;
  readonly image: string;
  readonly labels: string;
  readonly camera: Camera;
  readonly light: Light;
}

/**
 * Draws the street of a seed. The function is pure; `renderStreet` renders the documents.
 *
 * @example const { image, labels } = streetScene(7, { width: 480, height: 360 });
 * @throws RangeError if the seed is not an integer, or the size is below 16×16.
 */
export const streetScene = (seed: number, { width, height }: { width: number; height: number }): StreetScene => {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width >= 16 && height >= 16)) {
    throw new RangeError(`streetScene: ${width}×${height} is not a size of at least 16×16`);
  }
  const next = random(seed);
  const light = drawLight(next);
  const camera = drawCamera(next, width, height);
  const road = drawRoad(next);
  const { stage, documents } = createStage(next, camera, light, road);
  const kinds = [pick(next, sides), pick(next, sides)] as const;
  drawGround(stage, [kinds[0] !== "terrace", kinds[1] !== "terrace"]);
  if (chance(next, 0.8)) drawSkyline(stage);
  drawWoods(stage, between(next, 0.05, 0.8));
  drawSide(stage, -1, kinds[0]);
  drawSide(stage, 1, kinds[1]);
  drawTraffic(stage);
  drawPeople(stage);
  return { seed, ...documents(), camera, light };
};

const sides = ["terrace", "terrace", "terrace", "houses", "park", "mixed", "mixed"] as const;
type Side = (typeof sides)[number];

const drawCamera = (next: Random, width: number, height: number): Camera => ({
  width,
  height,
  focal: width * between(next, 0.8, 1.15),
  horizon: height * between(next, 0.4, 0.54),
  elevation: between(next, 1.15, 1.75),
  roll: between(next, -0.025, 0.025),
});

const drawRoad = (next: Random): Road => {
  const lane = between(next, 2.7, 3.8);
  const lanes = pick(next, [1, 1, 1, 2]);
  const offset = lane * between(next, 0.3, 0.7) + (lanes === 2 ? pick(next, [0, lane]) : 0);
  const yaw = between(next, -0.13, 0.13);
  const bend = chance(next, 0.4) ? between(next, -0.0025, 0.0025) : between(next, -0.0005, 0.0005);
  const rise = between(next, -0.00008, 0.00025);
  const from = between(next, 8, 40);
  return {
    at: (z, t, above = 0) => {
      const drop = Math.min(z, 120);
      const x = offset + Math.tan(yaw) * z + bend * drop * drop + 2 * bend * drop * Math.max(0, z - 120);
      return [x + t, rise * z * z + above, z];
    },
    left: lane * lanes + between(next, 0, 0.8),
    right: lane * pick(next, [1, lanes]) + between(next, 0, 1.6),
    pavementLeft: between(next, 1.6, 4.8),
    pavementRight: between(next, 1.6, 4.8),
    junction: chance(next, 0.4) ? [from, from + between(next, 5, 11)] : [0, 0],
  };
};

/** Draws one side of the street: the buildings or trees beyond the pavement, and the pavement itself. */
const drawSide = (stage: Stage, side: -1 | 1, kind: Side): void => {
  const { next, road } = stage;
  const kerb = side < 0 ? road.left : road.right;
  const edge = kerb + (side < 0 ? road.pavementLeft : road.pavementRight);
  let setback = kind === "terrace" ? between(next, 0, 1.2) : between(next, 2.5, 9);
  let z = between(next, -6, 6);
  while (z < 170) {
    const length = Math.min(between(next, 6, 24), 24);
    const crossing = z < road.junction[1] && z + length > road.junction[0];
    const built = kind === "terrace" ? 0.96 : kind === "houses" ? 0.8 : kind === "mixed" ? 0.55 : 0.12;
    if (crossing) {
      z = road.junction[1] + 0.5;
      continue;
    }
    if (chance(next, built)) drawPlot(stage, side, edge + setback, z, length, kind !== "houses" && kind !== "park");
    else drawGrove(stage, side, edge, z, length);
    if (kind !== "terrace") drawFront(stage, side * (edge + 0.1), z, length);
    if (chance(next, 0.25)) setback = Math.max(0, setback + between(next, -1, 1.5));
    z += length + (kind === "terrace" ? pick(next, [0, 0, 0, 0, 1.5]) : between(next, 0, 8));
  }
  drawPavement(stage, side, kerb, edge);
};

const drawPlot = (stage: Stage, side: -1 | 1, t: number, z: number, length: number, dense: boolean) => {
  const { road, next } = stage;
  drawBuilding(stage, side, t, z, length, dense);
  if (stage.light.sun[0] * side > 0)
    castShadow(stage, road.at(z, side * t), road.at(z + length, side * t), between(next, 6, 12));
};

const drawGrove = (stage: Stage, side: number, edge: number, z: number, length: number) => {
  const { next, road } = stage;
  for (let i = integer(next, 2, 5); i > 0; i--) {
    const at = road.at(Math.max(5, z + next() * length), side * (edge + between(next, 1, 14)));
    drawTree(stage, at, between(next, 5, 15));
  }
};

const drawFront = (stage: Stage, t: number, z: number, length: number) => {
  const kind = pick(stage.next, ["fence", "fence", "hedge", "none"]);
  if (kind === "fence") drawFence(stage, t, z, length);
  if (kind === "hedge") drawHedge(stage, t, Math.max(1, z), length);
};

/** Poles, signs, trees, railings and clutter on one pavement. */
const drawPavement = (stage: Stage, side: -1 | 1, kerb: number, edge: number) => {
  const { next, road } = stage;
  const clear = (z: number) => z < road.junction[0] - 0.5 || z > road.junction[1] + 0.5;
  const at = (z: number, s: number) => road.at(z, side * (kerb + 0.3 + s * (edge - kerb - 0.5)));
  const spacing = between(next, 14, 34);
  for (let z = between(next, 6, 6 + spacing); z < 150; z += spacing) {
    if (clear(z)) drawLampPost(stage, at(z, 0), -side * between(next, 0.4, 2));
  }
  const scatter = (count: number, reach: number, draw: (z: number) => void) => {
    for (let i = 0; i < count; i++) {
      const z = 6 + (reach - 6) * next() ** 1.3;
      if (clear(z)) draw(z);
    }
  };
  scatter(integer(next, 0, 3), 50, (z) => drawPlainPole(stage, at(z, next())));
  scatter(integer(next, 0, 4), 45, (z) => drawSign(stage, at(z, 0.1 * next())));
  scatter(integer(next, 0, 2), 40, (z) => drawClutter(stage, at(z, next())));
  if (chance(next, 0.45))
    scatter(integer(next, 2, 8), 90, (z) => drawTree(stage, at(z + 3, 0.1), between(next, 4, 11)));
  const [from] = road.junction;
  if (from > 0 || chance(next, 0.2)) drawTrafficLight(stage, at(Math.max(6, from - between(next, 0.8, 2.5)), 0.05));
  if (chance(next, 0.35)) drawFence(stage, side * (kerb + 0.25), between(next, 2, 25), between(next, 8, 30));
};

const drawTraffic = (stage: Stage): void => {
  const { next, road } = stage;
  const place = (z: number, t: number, heading: number) => {
    const [a, b] = [road.at(z - 1, t), road.at(z + 1, t)];
    drawVehicle(stage, road.at(z, t), heading + Math.atan((b[0] - a[0]) / 2) + between(next, -0.05, 0.05));
  };
  const lane = (t: number, heading: number, first: number, gap: number, likely: number) => {
    for (let z = first; z < 120; z += gap * between(next, 0.85, 1.8)) if (chance(next, likely)) place(z, t, heading);
  };
  lane(-road.left / 2 + 0.3, 0, between(next, 7, 34), between(next, 9, 22), between(next, 0.3, 0.8));
  lane(road.right / 2, Math.PI, between(next, 5.5, 22), between(next, 8, 20), between(next, 0.3, 0.85));
  if (road.left > 5.4 && chance(next, 0.5)) lane(-road.left + 1, pick(next, [0, Math.PI]), between(next, 5, 15), 6, between(next, 0.3, 0.9)); // prettier-ignore
  if (chance(next, 0.4))
    lane(road.right - 0.9, pick(next, [0, Math.PI]), between(next, 5, 15), 5.8, between(next, 0.3, 0.9));
  if (road.junction[0] > 0 && chance(next, 0.5)) {
    const z = (road.junction[0] + road.junction[1]) / 2;
    const t = chance(next, 0.5) ? between(next, -20, -road.left) : between(next, road.right, 20);
    place(z, t, pick(next, [Math.PI / 2, -Math.PI / 2]));
  }
};

const drawPeople = (stage: Stage): void => {
  const { next, road } = stage;
  const walkers = chance(next, 0.2) ? integer(next, 8, 20) : integer(next, 1, 8);
  for (let i = 0; i < walkers; i++) {
    const z = 5 + 50 * next() ** 1.5;
    const on = chance(next, 0.5) ? -road.left - next() * road.pavementLeft : road.right + next() * road.pavementRight;
    const t = chance(next, 0.08) ? between(next, -road.left, road.right) : on;
    drawPedestrian(stage, road.at(z, t));
    if (chance(next, 0.35)) drawPedestrian(stage, road.at(z + between(next, -0.3, 0.6), t + between(next, 0.5, 0.8)));
  }
  for (let i = pick(next, [0, 1, 2, 2, 3, 4]); i > 0; i--) {
    drawBicyclist(stage, road.at(4.5 + 24 * next() ** 1.6, pick(next, [-road.left + between(next, 0.5, 1.6), road.right - between(next, 0.4, 1.5)]))); // prettier-ignore
  }
};
