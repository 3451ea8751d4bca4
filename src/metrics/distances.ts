/** Distances between two images or two label maps. Images are [C,H,W] with grey levels 0..255. */
import { sameShape, type Tensor } from "../tensor.ts";
import { ssim } from "./ssim.ts";

type Image = Tensor<"float32">;

/** How far apart two images [C,H,W] of grey levels 0..255 are. */
export interface Distances {
  /** The number of pixels in which any channel differs. */
  readonly l0Pixels: number;
  /** The number of values (pixels × channels) that differ. */
  readonly l0Values: number;
  /** Euclidean norm of the difference in grey levels. */
  readonly l2: number;
  /** Largest absolute difference in grey levels. */
  readonly linf: number;
  /** Mean absolute difference in grey levels. */
  readonly meanAbs: number;
  /** Peak signal-to-noise ratio in dB: 10·log10(255² / MSE). `Infinity` for equal images, which is null in JSON. */
  readonly psnr: number;
  /** Structural similarity; `null` for images that are smaller than its window. */
  readonly ssim: number | null;
}

const equal = (a: Float32Array, b: Float32Array): boolean => {
  if (a === b) return true;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

/** All distances except SSIM. */
const norms = ({ data: a, shape }: Image, { data: b }: Image): Omit<Distances, "ssim"> => {
  const size = shape[1]! * shape[2]!;
  const changed = new Uint8Array(size);
  let [l0Values, squares, absolutes, linf] = [0, 0, 0, 0];
  for (let from = 0; from < a.length; from += size) {
    for (let i = 0; i < size; i++) {
      const d = Math.abs(a[from + i]! - b[from + i]!);
      // No branch on whether it is 0, which the processor could not predict.
      const differs = d === 0 ? 0 : 1;
      changed[i]! |= differs;
      l0Values += differs;
      squares += d * d;
      absolutes += d;
      linf = Math.max(linf, d);
    }
  }
  let l0Pixels = 0;
  for (let i = 0; i < size; i++) l0Pixels += changed[i]!;
  return {
    l0Pixels,
    l0Values,
    l2: Math.sqrt(squares),
    linf,
    meanAbs: absolutes / a.length,
    psnr: 10 * Math.log10((255 * 255 * a.length) / squares),
  };
};

/**
 * `distances` from one image to several others. An image that equals the one before is not measured again, as an
 * adversarial image of whole grey levels equals its rounded form.
 */
export const distancesFrom = (a: Image): ((b: Image) => Distances) => {
  let last: { readonly data: Float32Array; readonly result: Distances } | null = null;
  return (b) => {
    if (!sameShape(a.shape, b.shape) || a.shape.length !== 3) {
      throw new RangeError(
        `distances: images [${a.shape.join(", ")}] and [${b.shape.join(", ")}] must both be [C, H, W]`,
      );
    }
    if (!last || !equal(last.data, b.data)) last = { data: b.data, result: { ...norms(a, b), ssim: ssim(a, b) } };
    return last.result;
  };
};

/** Every distance between two images of one shape. @throws RangeError if the shapes differ. */
export const distances = (a: Image, b: Image): Distances => distancesFrom(a)(b);

/**
 * The share of pixels whose label differs between two maps. Pixels that are void (255) in either map, or in `reference` if it is
 * given, are ignored; `null` if all are. @throws RangeError if the shapes differ.
 */
export const changedShare = (
  before: Tensor<"uint8">,
  after: Tensor<"uint8">,
  reference: Tensor<"uint8"> = before,
): number | null => {
  if (!sameShape(before.shape, after.shape) || !sameShape(before.shape, reference.shape)) {
    throw new RangeError(`changedShare: maps [${before.shape.join(", ")}] and [${after.shape.join(", ")}] differ`);
  }
  let [counted, changed] = [0, 0];
  for (let i = 0; i < before.data.length; i++) {
    if (before.data[i] === 255 || after.data[i] === 255 || reference.data[i] === 255) continue;
    counted += 1;
    if (before.data[i] !== after.data[i]) changed += 1;
  }
  return counted === 0 ? null : changed / counted;
};
