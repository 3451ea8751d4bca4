/** Resampling of images; pixel centres are at half-integers. */
import { tensor, type Tensor } from "../tensor.ts";

interface Tap {
  readonly low: number;
  readonly high: number;
  /** Weight of `high`. */
  readonly weight: number;
}

/** For each output position, the source position s = (i + 1/2)·from/to − 1/2, clamped to the image, as a weighted pair of neighbours. */
const linearTaps = (from: number, to: number): Tap[] =>
  Array.from({ length: to }, (_, i) => {
    const s = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    const low = Math.floor(s);
    return { low, high: Math.min(from - 1, low + 1), weight: s - low };
  });

/**
 * Resizes [C,H,W] to [C,height,width], bilinear with half-pixel centres and without antialiasing: ONNX Resize `linear`, `half_pixel`;
 * PyTorch `interpolate(mode="bilinear", align_corners=False)`.
 */
export const resizeBilinear = (
  image: Tensor<"float32">,
  size: readonly [height: number, width: number],
): Tensor<"float32"> => {
  const [channels, height, width] = image.shape as [number, number, number];
  if (image.shape.length !== 3) throw new RangeError(`resizeBilinear: [${image.shape.join(", ")}] is not [C, H, W]`);
  if (!size.every((d) => Number.isInteger(d) && d > 0))
    throw new RangeError(`resizeBilinear: the size ${size.join(" x ")} is not positive`);
  const [rows, columns] = [linearTaps(height, size[0]), linearTaps(width, size[1])];
  const out = new Float32Array(channels * size[0] * size[1]);
  let at = 0;
  for (let c = 0; c < channels; c++) {
    const plane = image.data.subarray(c * height * width, (c + 1) * height * width);
    for (const y of rows) {
      const [upper, lower] = [y.low * width, y.high * width];
      for (const x of columns) {
        const top = plane[upper + x.low]! * (1 - x.weight) + plane[upper + x.high]! * x.weight;
        const bottom = plane[lower + x.low]! * (1 - x.weight) + plane[lower + x.high]! * x.weight;
        out[at++] = top * (1 - y.weight) + bottom * y.weight;
      }
    }
  }
  return tensor("float32", [channels, ...size], out);
};
