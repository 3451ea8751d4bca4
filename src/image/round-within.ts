/** 8-bit images within a ball of grey levels around the clean image, where one lies in it. */
import { tensor, type Tensor } from "../tensor.ts";
import { quantise, roundToUint8 } from "./encode.ts";

/**
 * As `roundToUint8`, and no further from `centre` than `radius` in any value wherever an integer lies that near: where rounding would
 * leave the ball, the next integer towards the centre is taken. At ε = 0.5 rounding to the nearest would change an 8-bit image by 1.
 */
export const roundWithinLinf = (
  image: Tensor<"float32">,
  centre: Tensor<"float32">,
  radius: number,
): Tensor<"float32"> => {
  let out = roundToUint8(image);
  for (let i = 0; i < out.data.length; i++) {
    const c = centre.data[i]!;
    if (Math.abs(out.data[i]! - c) <= radius) continue;
    const [lowest, highest] = [Math.max(0, Math.ceil(c - radius)), Math.min(255, Math.floor(c + radius))];
    if (lowest > highest) continue;
    if (out === image) out = tensor("float32", image.shape, image.data.slice());
    out.data[i] = Math.min(Math.max(out.data[i]!, lowest), highest);
  }
  return out;
};

/** Σ (values − centre)² over the indices. */
const squaresOf = (indices: Uint32Array, values: Float32Array, centre: Float32Array): number => {
  let sum = 0;
  for (const i of indices) sum += (values[i]! - centre[i]!) ** 2;
  return sum;
};

/**
 * As `roundToUint8`, and no further from `centre` than `radius` in L2 where an 8-bit image lies that near: the centre itself does where
 * it is of whole grey levels, for which all sums are exact.
 *
 * z(t) = round(c + t·(x − c)), clamped, minimises ‖z − x‖² + λ‖z − c‖² with t = 1/(1 + λ) value by value, so that no 8-bit image as near to the
 * centre c is nearer to the image x. It is taken for the largest t at which it lies in the ball, found by bisection over the values in
 * which both ends differ; of values that change at the same t, which cost alike, the last ones in their order are kept.
 */
export const roundWithinL2 = (
  image: Tensor<"float32">,
  centre: Tensor<"float32">,
  radius: number,
): Tensor<"float32"> => {
  const nearest = roundToUint8(image);
  const [x, c] = [image.data, centre.data];
  const all = Uint32Array.from(x, (_, i) => i);
  const isWithin = (squares: number): boolean => Math.sqrt(squares) <= radius;
  if (isWithin(squaresOf(all, nearest.data, c))) return nearest;
  const inner = c.map((value) => quantise(value, 255));
  if (!isWithin(squaresOf(all, inner, c))) return nearest;
  const outer = nearest.data.slice();
  const middle = new Float32Array(x.length);
  const isOpen = (i: number): boolean => inner[i] !== outer[i];
  let open = all.filter(isOpen);
  let settled = squaresOf(all, inner, c) - squaresOf(open, inner, c);
  for (let [low, high] = [0, 1]; ;) {
    const t = (low + high) / 2;
    if (t <= low || t >= high) break;
    for (const i of open) middle[i] = quantise(c[i]! + t * (x[i]! - c[i]!), 255);
    const within = isWithin(settled + squaresOf(open, middle, c));
    const end = within ? inner : outer;
    for (const i of open) end[i] = middle[i]!;
    [low, high] = within ? [t, high] : [low, t];
    const before = squaresOf(open, inner, c);
    open = open.filter(isOpen);
    settled += before - squaresOf(open, inner, c);
  }
  let squares = settled + squaresOf(open, outer, c);
  for (const i of open) {
    if (isWithin(squares)) break;
    squares += (inner[i]! - c[i]!) ** 2 - (outer[i]! - c[i]!) ** 2;
    outer[i] = inner[i]!;
  }
  return tensor("float32", image.shape, outer);
};
