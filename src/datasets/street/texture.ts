/** Surface texture per pixel: value noise, in metres on the ground and in pixels on upright surfaces. */

import type { StreetScene } from "../street.ts";
import { label } from "./label.ts";

/** Multiplies a pixel by `gain`, then adds `lift` grey levels. */
type Texture = (label: number, x: number, y: number) => readonly [gain: number, lift: number];

/** A hash of a lattice point, in [-1, 1). */
const lattice = (x: number, y: number, seed: number): number => {
  let h = (Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1)) | 0;
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 31 - 1;
};

/** Value noise in [-1, 1] of unit wavelength, smooth (cubic) between the points of the lattice. */
export const valueNoise = (x: number, y: number, seed: number): number => {
  const [i, j] = [Math.floor(x), Math.floor(y)];
  const [u, v] = [x - i, y - j];
  const s = u * u * (3 - 2 * u);
  const t = v * v * (3 - 2 * v);
  const a = lattice(i, j, seed);
  const c = lattice(i, j + 1, seed);
  const top = a + s * (lattice(i + 1, j, seed) - a);
  const bottom = c + s * (lattice(i + 1, j + 1, seed) - c);
  return top + t * (bottom - top);
};

/** The texture of a scene's surfaces. Wavelengths in pixels scale with the picture's width (480 is the reference). */
export const textureOf = ({ seed, camera, light }: StreetScene): Texture => {
  const k = 480 / camera.width;
  const [sin, cos] = [Math.sin(camera.roll), Math.cos(camera.roll)];
  const noise = (x: number, y: number, wavelength: number, salt: number) =>
    valueNoise(x / wavelength, y / wavelength, seed + salt);
  return (kind, px, py) => {
    const [x, y] = [px * k, py * k];
    if (kind === label.sky) {
      const bands = noise(x, 2.5 * y, 140, 1) + 0.5 * noise(x, 2.5 * y, 55, 2) + 0.25 * noise(x, 2 * y, 22, 3);
      return [1 + 0.14 * light.clouds * bands, 0];
    }
    if (kind === label.road || kind === label.pavement) {
      const [dx, dy] = [px - camera.width / 2, py - camera.horizon];
      const below = Math.max(1, cos * dy - sin * dx);
      const z = (camera.focal * camera.elevation) / below;
      const across = ((cos * dx + sin * dy) * z) / camera.focal;
      const fade = Math.min(1, 12 / z);
      const stain = 0.08 * noise(across, z / 3, 1.3, 4) + 0.06 * noise(across, z / 8, 0.35, 5);
      const grit = 0.1 * fade * lattice(px, py, seed + 6);
      const slabs = kind === label.pavement && z < 25 && (mod(across, 0.6) < 0.03 || mod(z, 0.7) < 0.05) ? -0.14 : 0;
      return [1 + stain + grit + slabs, 0];
    }
    if (kind === label.tree) {
      const leaf = noise(x, y, 2.2, 7) + 0.8 * noise(x, y, 5, 8) + 0.5 * noise(x, y, 16, 9);
      return [1 + 0.3 * leaf, leaf > 1.1 ? 18 : 0];
    }
    if (kind === label.building || kind === label.fence) {
      const grime = 0.1 * noise(x, y / 2, 24, 10) + 0.07 * noise(x, y, 6, 11) + 0.07 * noise(x, y, 1.6, 12);
      return [1 + grime, 0];
    }
    return [1 + 0.1 * noise(x, y, 6, 13) + 0.08 * noise(x, y, 2, 14), 0];
  };
};

const mod = (a: number, b: number) => a - b * Math.floor(a / b);
