/** Where an attack has to stay: the ball around the clean image, met with the range of pixels. */

import { loops } from "../simd/loops.ts";
import { inPieces } from "../simd/pieces.ts";
import { distanceOf, type Norm } from "./norms.ts";
import { scratch } from "./scratch.ts";

/** Lowest and highest grey level, or null for none: the released code of the paper clips to the ε-ball only. */
export type PixelRange = readonly [low: number, high: number] | null;

/** What values are clipped to: nothing, where there is no range. */
export const endsOf = (range: PixelRange): NonNullable<PixelRange> => range ?? [-Infinity, Infinity];

/** Which of the arrays that are kept for an image (scratch.ts) a projection computes in: rules use those before it. */
const ROOM = 4;

/** A ball and the range of pixels. */
export interface Constraint {
  /** Radius in grey levels, of L2 over all values of the image; Infinity where nothing but the range of pixels bounds. */
  readonly epsilon: number;
  readonly pixelRange: PixelRange;
  /** L∞ by default. */
  readonly norm?: Norm | undefined;
}

/** The range of pixels alone. */
export const withinRange = ({ pixelRange }: Constraint): Constraint => ({ epsilon: Infinity, pixelRange });

/** The ball of a multiple of its radius. */
export const within = (constraint: Constraint, share: number): Constraint => ({
  ...constraint,
  epsilon: share * constraint.epsilon,
});

/**
 * The nearest point to `x` in the ball around `centre` and in the pixel range. The ball holds exactly for the float32 values.
 * Where the ball and the range do not meet, the range decides.
 *
 * @param out where to put it, which may be `x` itself.
 */
export const project = (
  x: Float32Array,
  centre: Float32Array,
  constraint: Constraint,
  out: Float32Array<ArrayBuffer> = new Float32Array(x.length),
): Float32Array<ArrayBuffer> =>
  constraint.norm === "l2" && constraint.epsilon < Infinity
    ? projectL2(x, centre, constraint, out)
    : projectLinf(x, centre, constraint, out);

/** Whether a point is its own projection. A NaN is nowhere. */
export const liesWithin = (x: Float32Array, centre: Float32Array, constraint: Constraint): boolean => {
  const { epsilon, norm, pixelRange } = constraint;
  const [low, high] = endsOf(pixelRange);
  const furthest = norm === "l2" ? Infinity : epsilon;
  for (let i = 0; i < x.length; i++) {
    const v = x[i]!;
    if (!(v >= low && v <= high && Math.abs(v - centre[i]!) <= furthest)) return false;
  }
  return norm !== "l2" || distanceOf(x, centre, "l2") <= epsilon;
};

/** Element by element; where centre ± ε rounds to a value outside, its neighbour inside is taken. A NaN stays one. */
const projectLinf = (
  x: Float32Array,
  centre: Float32Array,
  { epsilon, pixelRange }: Constraint,
  out: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> => {
  const [low, high] = endsOf(pixelRange);
  inPieces([x, centre], [out], (count, [at, around]) => loops().project(count, at, around, at, epsilon, low, high));
  return out;
};

/**
 * The nearest point of the L2 ball met with a box is clip(c + t·(x − c)) for one t in 0..1: by the conditions of Karush, Kuhn and
 * Tucker it is (x + λc)/(1 + λ), clipped, and t = 1/(1 + λ). Rounded to float32 that can lie outside by a few units in the last
 * place; then t is made smaller until it does not.
 */
const projectL2 = (
  x: Float32Array,
  centre: Float32Array,
  { epsilon, pixelRange }: Constraint,
  out: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> => {
  const [low, high] = endsOf(pixelRange);
  const inside = projectLinf(x, centre, { epsilon: Infinity, pixelRange }, scratch(centre, ROOM));
  if (distanceOf(inside, centre, "l2") <= epsilon) {
    out.set(inside);
    return out;
  }
  let t = shareWithin(x, centre, epsilon, low, high);
  if (out === x) inside.set(x);
  const from = out === x ? inside : x;
  for (let less = 2 ** -24; ; less *= 4) {
    const share = t;
    inPieces([from, centre], [out], (count, [at, around]) => loops().towards(count, at, around, share, low, high));
    if (t <= 0 || !(distanceOf(out, centre, "l2") > epsilon)) return out;
    t *= Math.max(1 - less, 0);
  }
};

/**
 * The t with ‖clip(c + t·(x − c)) − c‖₂ = ε. With the elements known that are clipped, t follows from a square root; each round
 * overestimates the norm by treating a clipped element as free, so t grows from round to round until no further element clips.
 */
const shareWithin = (x: Float32Array, centre: Float32Array, epsilon: number, low: number, high: number): number => {
  for (let t = 0; ;) {
    let [clipped, free] = [0, 0];
    const share = t;
    inPieces([x, centre], [], (count, [at, around], sums) => {
      loops().sharesWithin(count, at, around, share, low, high);
      clipped += sums[0]!;
      free += sums[1]!;
    });
    const next = Math.sqrt(Math.max(epsilon * epsilon - clipped, 0) / free);
    if (!(next > t && next < 1)) return Math.min(Math.max(t, Number.isNaN(next) ? 0 : next), 1);
    t = next;
  }
};

/** @throws RangeError where a number is not positive and finite. */
export const requirePositive = (values: Readonly<Record<string, number>>): void => {
  for (const [name, value] of Object.entries(values)) {
    if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`${name} must be positive, is ${value}`);
  }
};
