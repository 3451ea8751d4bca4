/**
 * The stage on which a street scene is drawn: a pinhole camera, a light, and a list of shapes, which are painted from
 * far to near.
 */

import type { Random } from "../../random.ts";
import { camvidClasses } from "../camvid-classes.ts";
import type { Light, Point, Rgb } from "./light.ts";

/** A pinhole camera. `focal`, `horizon` (row) are in pixels, `height` in metres, `roll` in radians. */
export interface Camera {
  readonly width: number;
  readonly height: number;
  readonly focal: number;
  readonly horizon: number;
  readonly elevation: number;
  readonly roll: number;
}

/**
 * The road: its centre line x(z), the height of the ground y(z), and its cross section in metres from the centre line.
 */
export interface Road {
  /** The point at distance z, t metres to the right of the centre line and `above` metres over the ground. */
  at(z: number, t: number, above?: number): Point;
  readonly left: number;
  readonly right: number;
  readonly pavementLeft: number;
  readonly pavementRight: number;
  /** The opening of a side road, [from, to] in z; empty if from = to. */
  readonly junction: readonly [from: number, to: number];
}

/**
 * How a shape is painted. Without a label it appears in the image only; without a normal it receives diffuse light
 * only.
 */
export interface Paint {
  readonly colour: Rgb;
  readonly label?: number | undefined;
  readonly normal?: Point | undefined;
  readonly opacity?: number | undefined;
  /** The colour is painted as it is, without shading and haze. */
  readonly bright?: boolean | undefined;
  /** The shape appears in the label map only. */
  readonly hidden?: boolean | undefined;
}

export interface Stage {
  readonly next: Random;
  readonly camera: Camera;
  readonly light: Light;
  readonly road: Road;
  /** Starts a group of shapes at this depth in metres; deeper groups are painted first. */
  group(depth: number): void;
  face(points: readonly Point[], paint: Paint): void;
  /** A stroke with round ends; `width` is in metres. */
  line(points: readonly Point[], width: number, paint: Paint): void;
}

const near = 0.7;

/** Clips a polygon to z ≥ near (Sutherland and Hodgman, 1974). */
const clip = (points: readonly Point[]): Point[] => {
  const kept: Point[] = [];
  for (const [i, b] of points.entries()) {
    const a = points[(i + points.length - 1) % points.length]!;
    if (a[2] < near !== b[2] < near) {
      const s = (near - a[2]) / (b[2] - a[2]);
      kept.push([a[0] + s * (b[0] - a[0]), a[1] + s * (b[1] - a[1]), near]);
    }
    if (b[2] >= near) kept.push(b);
  }
  return kept;
};

/** The pixel position of a point in front of the camera. */
export const project = (camera: Camera, [x, y, z]: Point): readonly [u: number, v: number] => {
  const u = (camera.focal * x) / z;
  const v = (camera.focal * (camera.elevation - y)) / z;
  const [sin, cos] = [Math.sin(camera.roll), Math.cos(camera.roll)];
  return [camera.width / 2 + cos * u - sin * v, camera.horizon + sin * u + cos * v];
};

const css = ([r, g, b]: Rgb) => `#${((1 << 24) | (byte(r) << 16) | (byte(g) << 8) | byte(b)).toString(16).slice(1)}`;
const byte = (v: number) => Math.max(0, Math.min(255, Math.round(v)));

interface Mark {
  readonly image: string;
  readonly label: string;
}

/** Creates an empty stage, and a function that returns the painted shapes as a pair of SVG documents (image and labels). */
export const createStage = (next: Random, camera: Camera, light: Light, road: Road) => {
  const groups: { depth: number; marks: Mark[] }[] = [];
  const outside = 4 * (camera.width + camera.height);

  const path = (points: readonly Point[]) => {
    let d = "";
    for (const point of points) {
      const [u, v] = project(camera, point).map((c) => Math.max(-outside, Math.min(outside, c)));
      d += `${d === "" ? "M" : "L"}${u!.toFixed(1)} ${v!.toFixed(1)}`;
    }
    return d;
  };
  const mark = (points: readonly Point[], paint: Paint, draw: (colour: string) => string) => {
    const depth = points.reduce((sum, p) => sum + p[2], 0) / points.length;
    const colour = css(paint.bright ? paint.colour : light.shade(paint.colour, paint.normal, depth));
    const alpha = paint.opacity?.toFixed(2);
    const opacity = alpha === undefined ? "" : ` fill-opacity="${alpha}" stroke-opacity="${alpha}"`;
    const flat = paint.label === undefined ? "" : draw(css(camvidClasses[paint.label]?.color ?? [0, 0, 0]));
    groups.at(-1)!.marks.push({
      image: paint.hidden ? "" : `<path${opacity} ${draw(colour)}/>`,
      label: flat === "" ? "" : `<path ${flat}/>`,
    });
  };
  const stage: Stage = {
    next,
    camera,
    light,
    road,
    group: (depth) => void groups.push({ depth, marks: [] }),
    face: (points, paint) => {
      const visible = clip(points);
      if (visible.length < 3) return;
      const d = path(visible);
      mark(visible, paint, (colour) => `d="${d}Z" fill="${colour}"`);
    },
    line: (points, width, paint) => {
      if (points.some((p) => p[2] < near)) return;
      const d = path(points);
      const pixels = ((width * camera.focal) / points[0]![2]).toFixed(2);
      mark(points, paint, (colour) => {
        const stroke = `fill="none" stroke="${colour}" stroke-width="${pixels}"`;
        return `d="${d}" ${stroke} stroke-linecap="round" stroke-linejoin="round"`;
      });
    },
  };
  const documents = () => {
    const marks = groups.toSorted((a, b) => b.depth - a.depth).flatMap((g) => g.marks);
    const { width, height } = camera;
    const open = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
    const sky = `<rect width="${width}" height="${height}" fill=`;
    const stops = `<stop offset="0" stop-color="${css(light.zenith)}"/><stop offset="1" stop-color="${css(light.haze)}"/>`;
    const gradient = `<linearGradient id="sky" gradientUnits="userSpaceOnUse" x1="0" y1="0" x2="0" y2="${camera.horizon}">${stops}</linearGradient>`;
    return {
      image: `${open}>${gradient}${sky}"url(#sky)"/>${marks.map((m) => m.image).join("")}</svg>`,
      labels: `${open} shape-rendering="crispEdges">${sky}"${css(camvidClasses[0].color)}"/>${marks.map((m) => m.label).join("")}</svg>`,
    };
  };
  return { stage, documents };
};
