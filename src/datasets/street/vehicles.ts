/** Cars, vans and buses as small meshes: profiles extruded over the width of the vehicle. */

import { between, chance, pick, type Random } from "../../random.ts";
import { label } from "./label.ts";
import { contactShadow } from "./ground.ts";
import { mix, scale, vary, type Point, type Rgb } from "./light.ts";
import type { Paint, Stage } from "./stage.ts";

const coats: readonly Rgb[] = [
  [176, 180, 184], [150, 154, 158], [222, 222, 220], [32, 34, 38], [24, 26, 30], [40, 60, 112], [52, 88, 132],
  [132, 34, 36], [168, 46, 40], [70, 74, 80], [48, 76, 60], [196, 182, 140], [100, 110, 122], [206, 150, 50],
]; // prettier-ignore

/** Outlines of the body and of the glazed upper part as [forward, up] in metres, both from the rear to the front. */
interface Shape {
  readonly length: number;
  readonly width: number;
  readonly body: readonly (readonly [number, number])[];
  readonly cabin: readonly (readonly [number, number])[];
  readonly wheel: number;
  readonly axles: readonly [number, number];
}

const drawShape = (next: Random): Shape => {
  const kind = next();
  const h = between(next, 0.94, 1.08);
  if (kind < 0.12) {
    const l = between(next, 4.6, 5.6);
    const body = [[0, 0.3], [0, 1.15], [l - 0.9, 1.15], [l - 0.1, 0.9], [l, 0.3]] as const; // prettier-ignore
    return { length: l, width: 1.95, body, cabin: [[0.02, 1.15], [0.06, 2.2 * h], [l - 1.6, 2.2 * h], [l - 0.85, 1.15]], wheel: 0.33, axles: [0.9, l - 0.9] }; // prettier-ignore
  }
  if (kind < 0.17) {
    const l = between(next, 8.5, 11);
    const body = [[0, 0.35], [0, 1.3], [l, 1.3], [l, 0.35]] as const; // prettier-ignore
    const top = pick(next, [3, 3.1, 4.3]);
    return { length: l, width: 2.5, body, cabin: [[0.02, 1.3], [0.05, top], [l - 0.1, top], [l - 0.02, 1.3]], wheel: 0.48, axles: [2.2, l - 2.4] }; // prettier-ignore
  }
  const l = between(next, 3.6, 4.7);
  const estate = chance(next, 0.6);
  const boot = estate ? 0.05 : 0.75;
  const body = [[0, 0.28], [0.02, 0.62], [0.12, 0.92 * h], [l - 1.15, 0.9 * h], [l - 0.15, 0.72], [l, 0.55], [l - 0.05, 0.25]] as const; // prettier-ignore
  const cabin = [[boot + 0.1, 0.91 * h], [boot + (estate ? 0.3 : 0.65), 1.43 * h], [l - 2, 1.45 * h], [l - 1.2, 0.9 * h]] as const; // prettier-ignore
  return { length: l, width: between(next, 1.62, 1.8), body, cabin, wheel: 0.31, axles: [0.7, l - 0.8] };
};

/**
 * The position of a point of the vehicle: `a` metres from its rear, `b` metres to the right of its centre line, `y` above ground.
 */
type Frame = (a: number, y: number, b: number) => Point;

/**
 * A vehicle whose middle stands at `centre`. `heading` is in radians, clockwise from straight ahead: 0 shows its rear,
 * π its front.
 */
export const drawVehicle = (stage: Stage, centre: Point, heading: number): void => {
  const { next } = stage;
  const shape = drawShape(next);
  const coat = vary(next, pick(next, coats), 0.2);
  const [sin, cos] = [Math.sin(heading), Math.cos(heading)];
  const frame: Frame = (a, y, b) => {
    const forward = a - shape.length / 2;
    return [centre[0] + forward * sin + b * cos, centre[1] + y, centre[2] + forward * cos - b * sin];
  };
  const half = shape.width / 2;
  const [along, across] = [Math.abs(cos), Math.abs(sin)];
  contactShadow(stage, centre, (across * shape.length) / 2 + along * half, (along * shape.length) / 2 + across * half);
  stage.group(centre[2]);
  const middle = frame(shape.length / 2, 0.8, 0);
  const facet = (points: readonly Point[], paint: Omit<Paint, "normal">): boolean => {
    const facing = outward(points, middle);
    const [p] = points;
    const { elevation } = stage.camera;
    if (facing[0] * p![0] + facing[1] * (p![1] - elevation) + facing[2] * p![2] >= 0) return false;
    stage.face(points, { label: label.car, ...paint, normal: facing });
    return true;
  };
  drawWheels(shape, frame, half, facet);
  extrude(shape.body, half, half, frame).forEach((points) => facet(points, { colour: coat }));
  const tall = shape.cabin[1]![1] > 2;
  const top = half * (tall ? 0.97 : 0.8);
  const glass = scale(mix(stage.light.zenith, [20, 24, 28], 0.82), 0.9);
  for (const [i, points] of extrude(shape.cabin, half * 0.97, top, frame).entries()) {
    if (!facet(points, { colour: coat })) continue;
    const roof = i === 2;
    if (!roof) facet(inset(points, 0.8, 0.72), { colour: vary(next, glass, 0.25) });
  }
  drawSideDetails(shape, frame, half, coat, facet);
  drawEnds(stage, shape, frame, half, facet);
};

type Facet = (points: readonly Point[], paint: Omit<Paint, "normal">) => boolean;

/**
 * An outline extruded to both sides, by `low` at its base and by `high` at its top: its sides, and the faces between
 * them from rear to front.
 */
const extrude = (outline: Shape["body"], low: number, high: number, frame: Frame): Point[][] => {
  const base = Math.min(...outline.map((p) => p[1]));
  const peak = Math.max(...outline.map((p) => p[1]));
  const at = ([a, y]: readonly [number, number], side: number) =>
    frame(a, y, side * (low + ((high - low) * (y - base)) / (peak - base)));
  const sides = [-1, 1].map((side) => outline.map((p) => at(p, side)));
  const strips = outline.slice(1).map((p, i) => {
    const q = outline[i]!;
    return [at(q, -1), at(q, 1), at(p, 1), at(p, -1)];
  });
  return [strips[0]!, ...sides.slice(0, 1), ...strips.slice(1, 2), ...sides.slice(1), ...strips.slice(2)];
};

/** Unit normal of a polygon, pointing away from the vehicle's middle. */
const outward = (points: readonly Point[], middle: Point): Point => {
  const [a, b, c] = [points[0]!, points[1]!, points[Math.min(2, points.length - 1)]!];
  const [u, v] = [[b[0] - a[0], b[1] - a[1], b[2] - a[2]] as const, [c[0] - a[0], c[1] - a[1], c[2] - a[2]] as const];
  const n: Point = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
  const away = n[0] * (a[0] - middle[0]) + n[1] * (a[1] - middle[1]) + n[2] * (a[2] - middle[2]);
  const size = (Math.hypot(...n) || 1) * (away < 0 ? -1 : 1);
  return [n[0] / size, n[1] / size, n[2] / size];
};

/** The polygon scaled about its centroid, by `s` along the ground and by `sy` upwards. */
const inset = (points: readonly Point[], s: number, sy: number): Point[] => {
  const mean = [0, 1, 2].map((k) => points.reduce((sum, p) => sum + p[k]!, 0) / points.length);
  return points.map(([x, y, z]) => [mean[0]! + s * (x - mean[0]!), mean[1]! + sy * (y - mean[1]!), mean[2]! + s * (z - mean[2]!)]); // prettier-ignore
};

const drawWheels = (shape: Shape, frame: Frame, half: number, facet: Facet) => {
  const tyre = { colour: [26, 26, 28] as const };
  for (const a of [-0.28, 0.28]) {
    for (const axle of shape.axles) {
      for (const b of [-half + 0.02, half - 0.24]) {
        facet([frame(axle + a, 0, b), frame(axle + a, 0, b + 0.22), frame(axle + a, 0.5, b + 0.22), frame(axle + a, 0.5, b)], tyre); // prettier-ignore
      }
    }
  }
  for (const a of [0.1, shape.length - 0.1]) facet([frame(a, 0.16, -half * 0.9), frame(a, 0.16, half * 0.9), frame(a, 0.4, half * 0.9), frame(a, 0.4, -half * 0.9)], tyre); // prettier-ignore
};

const drawSideDetails = (shape: Shape, frame: Frame, half: number, coat: Rgb, facet: Facet) => {
  const side = (a: number, b: number, y0: number, y1: number, s: number) =>
    [frame(a, y0, s), frame(b, y0, s), frame(b, y1, s), frame(a, y1, s)] as const;
  for (const s of [-half - 0.01, half + 0.01]) {
    const centre = shape.length * 0.48;
    facet(side(centre, centre + 0.03, 0.35, 0.9, s), { colour: scale(coat, 0.5) });
    facet(side(0.1, shape.length - 0.1, 0.28, 0.36, s), { colour: scale(coat, 0.45) });
    for (const axle of shape.axles) {
      for (const [r, colour] of [
        [1.18, [16, 16, 18]],
        [1, [34, 34, 36]],
        [0.62, [142, 144, 148]],
        [0.2, [60, 60, 62]],
      ] as const) {
        // prettier-ignore
        const ring = Array.from({ length: 16 }, (_, i) => {
          const angle = (Math.PI * i) / 8;
          return frame(axle + r * shape.wheel * Math.cos(angle), Math.max(0, shape.wheel + r * shape.wheel * Math.sin(angle)), s);
        });
        facet(ring, { colour });
      }
    }
  }
};

/** Lights, number plates and bumpers: red lamps and a yellow plate behind, white ones in front. */
const drawEnds = (stage: Stage, shape: Shape, frame: Frame, half: number, facet: Facet) => {
  const { next } = stage;
  const lit = chance(next, 0.3);
  const ends = [
    { a: -0.02, lamp: (lit ? [255, 70, 50] : [150, 30, 30]) as Rgb, plate: [214, 190, 70] as Rgb, low: 0.62 },
    {
      a: shape.length + 0.02,
      lamp: (lit ? [255, 250, 225] : [196, 200, 204]) as Rgb,
      plate: [226, 226, 220] as Rgb,
      low: 0.52,
    },
  ];
  for (const { a, lamp, plate, low } of ends) {
    const panel = (b: number, w: number, y: number, h: number) =>
      [frame(a, y, b), frame(a, y, b + w), frame(a, y + h, b + w), frame(a, y + h, b)] as const;
    facet(panel(-half * 0.98, half * 1.96, 0.27, 0.2), { colour: [46, 46, 50] });
    for (const b of [-half * 0.95, half * 0.95 - 0.3])
      facet(panel(b, 0.3, low, a < 0 ? 0.26 : 0.16), { colour: lamp, bright: lit });
    facet(panel(-0.26, 0.52, a < 0 ? low : 0.4, 0.12), { colour: plate });
  }
};
