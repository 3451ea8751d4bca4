/** Renders a street scene with exact labels, surface texture, and the defects of a cheap camera. */

import { between, normal, random, type Random } from "../../random.ts";
import { tensor, type Tensor } from "../../tensor.ts";
import { streetScene, type StreetScene } from "../street.ts";
import { camvidClasses } from "../camvid-classes.ts";
import { label } from "./label.ts";
import { textureOf } from "./texture.ts";

/** Renders an SVG document at its own size to RGBA bytes, row by row from the top of the picture. */
export type Rasterise = (svg: string) => Uint8Array | Uint8ClampedArray;

export interface StreetSample {
  /** [3, H, W], RGB, whole grey levels 0..255. */
  readonly image: Tensor<"float32">;
  /** [H, W], class indices; 255 is void. */
  readonly labels: Tensor<"uint8">;
}

/**
 * The image and the label map of a seed; they are the same for the same seed, size and renderer.
 *
 * @throws RangeError if the seed or the size is invalid, or if the renderer's image has another size or other colours.
 */
export const renderStreet = (
  seed: number,
  size: { width: number; height: number },
  rasterise: Rasterise,
): StreetSample => {
  const scene = streetScene(seed, size);
  const labels = decodeLabels(rasterise(scene.labels), size);
  const painted = rasterise(scene.image);
  if (painted.length !== 4 * size.width * size.height) throw new RangeError(`renderStreet: ${painted.length} bytes are not ${size.width}×${size.height} RGBA pixels`); // prettier-ignore
  const planes = applyTexture(scene, painted, labels.data);
  return { image: photograph(planes, scene), labels };
};

const codes = new Map(camvidClasses.map(({ color: [r, g, b] }, i) => [(r << 16) | (g << 8) | b, i]));
codes.set(0, label.none);

/** Class indices from the flat colours of `camvidClasses`; black is void. @throws RangeError for any other colour. */
export const decodeLabels = (
  rgba: ArrayLike<number>,
  { width, height }: { width: number; height: number },
): Tensor<"uint8"> => {
  const data = new Uint8Array(width * height);
  if (rgba.length !== 4 * data.length) throw new RangeError(`decodeLabels: ${rgba.length} bytes are not ${width}×${height} RGBA pixels`); // prettier-ignore
  for (let i = 0; i < data.length; i++) {
    const colour = (rgba[4 * i]! << 16) | (rgba[4 * i + 1]! << 8) | rgba[4 * i + 2]!;
    const index = codes.get(colour);
    if (index === undefined) throw new RangeError(`decodeLabels: #${colour.toString(16).padStart(6, "0")} at (${i % width}, ${Math.floor(i / width)}) is no class's colour`); // prettier-ignore
    data[i] = index;
  }
  return tensor("uint8", [height, width], data);
};

const applyTexture = (scene: StreetScene, rgba: ArrayLike<number>, labels: Uint8Array): Float32Array => {
  const area = labels.length;
  const { width } = scene.camera;
  const planes = new Float32Array(3 * area);
  const texture = textureOf(scene);
  for (let i = 0; i < area; i++) {
    const [gain, lift] = texture(labels[i]!, i % width, (i / width) | 0);
    for (let c = 0; c < 3; c++) planes[c * area + i] = rgba[4 * i + c]! * gain + lift;
  }
  return planes;
};

/** Applies softness, exposure, contrast, vignette and grain, in this order. */
const photograph = (planes: Float32Array, { seed, camera }: StreetScene): Tensor<"float32"> => {
  const { width, height } = camera;
  const next = random(seed ^ 0x5eed);
  const soft = blur(
    blur(planes, width, height, 1, between(next, 0.05, 0.3)),
    width,
    height,
    width,
    between(next, 0.05, 0.3),
  );
  const [gain, gamma, veil] = [between(next, 0.9, 1.12), between(next, 0.88, 1.14), between(next, 0, 10)];
  const vignette = between(next, 0, 0.22);
  const cast = [between(next, 0.97, 1.03), 1, between(next, 0.96, 1.05)];
  const grain = makeGrain(next, between(next, 1, 5));
  const area = width * height;
  const curves = cast.map((tone) => Float32Array.from({ length: 1024 }, (_, i) => veil + (255 - veil) * Math.min(1, (gain * tone * i) / 1023) ** gamma)); // prettier-ignore
  const data = new Float32Array(3 * area);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const dark = 1 - vignette * ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) * 2;
      const luma = 0.7 * grain();
      for (let c = 0; c < 3; c++) {
        const i = c * area + y * width + x;
        const level = curves[c]![Math.max(0, Math.min(1023, Math.round(soft[i]! * 4.01)))]!;
        data[i] = Math.max(0, Math.min(255, Math.round(level * dark + luma + 0.5 * grain())));
      }
    }
  }
  return tensor("float32", [3, height, width], data);
};

/** Normal noise with the given standard deviation, drawn from a table. */
const makeGrain = (next: Random, deviation: number) => {
  const table = Float32Array.from({ length: 4096 }, () => deviation * normal(next));
  return () => table[(next() * 4096) | 0]!;
};

/**
 * A three-tap blur (s, 1 − 2s, s) along one axis, which is given by the distance between neighbours; values at the
 * edges are repeated.
 */
const blur = (planes: Float32Array, width: number, height: number, step: number, s: number): Float32Array => {
  const out = new Float32Array(planes.length);
  const last = step === 1 ? width - 1 : height - 1;
  for (let row = 0; row < 3 * height; row++) {
    const y = row % height;
    for (let x = 0; x < width; x++) {
      const i = row * width + x;
      const at = step === 1 ? x : y;
      const centre = planes[i]!;
      const before = at > 0 ? planes[i - step]! : centre;
      const after = at < last ? planes[i + step]! : centre;
      out[i] = centre + s * (before + after - 2 * centre);
    }
  }
  return out;
};
