/** The light of a scene: time of day, direction of the sun, clouds, and haze that grows with distance. */

import { between, chance, type Random } from "../../random.ts";

/** A position in metres: x to the right, y up from the ground under the camera, z ahead. */
export type Point = readonly [x: number, y: number, z: number];

/** Red, green, blue, 0..255. */
export type Rgb = readonly [r: number, g: number, b: number];

export interface Light {
  /** Unit vector towards the sun. */
  readonly sun: Point;
  /** Darkness of cast shadows, 0 (overcast) to 1. */
  readonly shadow: number;
  readonly zenith: Rgb;
  readonly haze: Rgb;
  /** 0 (no clouds) to 1. */
  readonly clouds: number;
  /** The colour of a surface with this albedo and normal, z metres ahead. */
  shade(albedo: Rgb, normal: Point | undefined, z: number): Rgb;
}

export const mix = (a: Rgb, b: Rgb, s: number): Rgb => [
  a[0] + s * (b[0] - a[0]),
  a[1] + s * (b[1] - a[1]),
  a[2] + s * (b[2] - a[2]),
];

export const scale = (a: Rgb, s: number): Rgb => [a[0] * s, a[1] * s, a[2] * s];

/** The colour with a random change of brightness and of each channel. */
export const vary = (next: Random, colour: Rgb, amount: number): Rgb => {
  const gain = 1 + amount * (2 * next() - 1);
  const jitter = () => gain * (1 + 0.35 * amount * (2 * next() - 1));
  return [colour[0] * jitter(), colour[1] * jitter(), colour[2] * jitter()];
};

/** Bright day, overcast day or dusk, about as often as in CamVid's sequences. */
export const drawLight = (next: Random): Light => {
  const dusk = chance(next, 0.25);
  const overcast = dusk || chance(next, 0.3);
  const azimuth = between(next, 0, 2 * Math.PI);
  const elevation = between(next, 0.3, 1);
  const flat = Math.cos(elevation);
  const sun: Point = [flat * Math.sin(azimuth), Math.sin(elevation), flat * Math.cos(azimuth)];
  const exposure = dusk ? between(next, 0.25, 0.5) : between(next, 0.6, 1.1);
  const direct = overcast ? between(next, 0.02, 0.15) : between(next, 0.35, 0.75);
  const ambient = overcast ? between(next, 0.75, 0.95) : between(next, 0.45, 0.65);
  const warm = between(next, -0.06, 0.07);
  const tint: Rgb = [1 + warm, 1, 1 - warm];
  const pale = dusk ? between(next, 95, 190) : between(next, 215, 255);
  const haze: Rgb = vary(next, [pale, pale * 1.01, pale * 1.02], 0.03);
  const blue = overcast ? between(next, 0, 0.25) : between(next, 0.1, 1);
  const zenith = mix(scale(haze, dusk ? 0.8 : 0.98), dusk ? [100, 115, 135] : [120, 175, 232], blue);
  const range = between(next, 120, 420);
  const veil = between(next, 0, 0.06);
  return {
    sun,
    shadow: overcast ? 0 : Math.min(0.65, direct),
    zenith,
    haze,
    clouds: overcast ? between(next, 0.2, 1) : between(next, 0, 0.6),
    shade: (albedo, facing, z) => {
      const cosine = facing ? Math.max(0, facing[0] * sun[0] + facing[1] * sun[1] + facing[2] * sun[2]) : 0.25;
      const lit = exposure * (ambient + direct * cosine);
      const colour: Rgb = [albedo[0] * tint[0] * lit, albedo[1] * tint[1] * lit, albedo[2] * tint[2] * lit];
      return mix(colour, haze, veil + (1 - veil) * (1 - Math.exp(-z / range)) * 0.8);
    },
  };
};
