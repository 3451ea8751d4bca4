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

/** Σ (values − centre)² over the indices, or over all. */
const squaresOf = (values: Float32Array, centre: Float32Array, indices?: Uint32Array): number => {
  let sum = 0;
  const count = indices?.length ?? values.length;
  for (let k = 0; k < count; k++) {
    const i = indices ? indices[k]! : k;
    const d = values[i]! - centre[i]!;
    sum += d * d;
  }
  return sum;
};

/** Where the values differ, among the indices or everywhere. A call of `filter`'s callback for each value would take ten times as long. */
const differing = (a: Float32Array, b: Float32Array, among?: Uint32Array): Uint32Array => {
  const count = among?.length ?? a.length;
  const found = new Uint32Array(count);
  let n = 0;
  for (let k = 0; k < count; k++) {
    const i = among ? among[k]! : k;
    if (a[i] !== b[i]) found[n++] = i;
  }
  return found.subarray(0, n);
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
  const isWithin = (squares: number): boolean => Math.sqrt(squares) <= radius;
  if (isWithin(squaresOf(nearest.data, c))) return nearest;
  const inner = roundToUint8(centre).data.slice();
  const innermost = squaresOf(inner, c);
  if (!isWithin(innermost)) return nearest;
  const outer = nearest.data.slice();
  const middle = new Float32Array(x.length);
  let open = differing(inner, outer);
  let settled = innermost - squaresOf(inner, c, open);
  for (let [low, high] = [0, 1]; ;) {
    const t = (low + high) / 2;
    if (t <= low || t >= high) break;
    for (const i of open) middle[i] = quantise(c[i]! + t * (x[i]! - c[i]!), 255);
    const within = isWithin(settled + squaresOf(middle, c, open));
    const end = within ? inner : outer;
    for (const i of open) end[i] = middle[i]!;
    [low, high] = within ? [t, high] : [low, t];
    const before = squaresOf(inner, c, open);
    open = differing(inner, outer, open);
    settled += before - squaresOf(inner, c, open);
  }
  let squares = settled + squaresOf(outer, c, open);
  for (const i of open) {
    if (isWithin(squares)) break;
    squares += (inner[i]! - c[i]!) ** 2 - (outer[i]! - c[i]!) ** 2;
    outer[i] = inner[i]!;
  }
  return tensor("float32", image.shape, outer);
};
