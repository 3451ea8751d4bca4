/** What an attack is, and the projected ascent that all gradient attacks share. An attack knows no network. */

import { sizeOf, tensor, type Tensor } from "../tensor.ts";

/** float32 [3,H,W], grey levels 0..255. */
export type Image = Tensor<"float32">;

/** An objective at one image. */
export interface Evaluation {
  /** ∂ value / ∂ image, shaped as the image. */
  readonly gradient: Image;
  /** What is climbed. */
  readonly value: number;
}

/** A function of the image that an attack climbs. */
export type Objective<E extends Evaluation = Evaluation> = (image: Image) => Promise<E>;

/** A step that an attack has made. */
export interface Progress<E extends Evaluation = Evaluation> {
  /** Counts from 1. */
  readonly step: number;
  readonly steps: number;
  /** The objective where the step starts. */
  readonly evaluation: E;
  /** The image after the step. */
  readonly image: Image;
}

/** Who watches an attack, and may stop it. */
export interface Watch<E extends Evaluation = Evaluation> {
  /** Awaited after each step. */
  readonly onStep?: ((progress: Progress<E>) => void | Promise<void>) | undefined;
  /** Aborting it makes the attack reject with its reason before the next step. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * An attack: gives the adversarial image of a clean one, which is not changed.
 *
 * It rejects with the signal's reason where it is stopped, and with what the objective rejects with.
 */
export interface Attack {
  <E extends Evaluation>(objective: Objective<E>, image: Image, watch?: Watch<E>): Promise<Image>;
  /** What it is, where it is no more than an ascent: a backend may then do it by itself. */
  readonly ascent?: Ascent;
}

/** Lowest and highest grey level, or null for none: the released code of the paper clips to the ε-ball only. */
export type PixelRange = readonly [low: number, high: number] | null;

/** Which way to step, from the gradient: a unit step in L∞, in an array of its own. */
export type Direction = (gradient: Float32Array) => Float32Array<ArrayBuffer>;

/** Of a float32: all bits but the sign, those of 1, and the largest that are a number's. */
const [magnitude, one, infinity] = [0x7fffffff, 0x3f800000, 0x7f800000];

/** sign ∇, 0 where the gradient is 0, NaN where it is NaN. By its bits: no branch depends on a sign, which is a coin's toss. */
export const sign: Direction = (gradient) => {
  const from = new Int32Array(gradient.buffer, gradient.byteOffset, gradient.length);
  const out = new Int32Array(gradient.length);
  for (let i = 0; i < out.length; i++) {
    const g = from[i]!;
    const size = g & magnitude;
    out[i] = size === 0 || size > infinity ? g : (g & ~magnitude) | one;
  }
  return new Float32Array(out.buffer);
};

/** Radius of the L∞ ball in grey levels, and the range of pixels. */
export interface Ball {
  readonly epsilon: number;
  readonly pixelRange: PixelRange;
}

const single = new Float32Array(1);
const bits = new Int32Array(single.buffer);

/** The float32 next to the float32 `from`, on the side of `to`. */
const neighbour = (from: number, to: number): number => {
  if (from === 0) return Math.sign(to) * 2 ** -149;
  single[0] = from;
  bits[0]! += from > 0 === to > from ? 1 : -1;
  return single[0];
};

/**
 * The nearest point to `x` in the ball around `centre` and in the pixel range, element by element. The ball holds exactly
 * for the float32 values: where centre ± ε rounds to one outside, its neighbour inside is taken. The range goes before
 * the ball, should they not meet.
 *
 * @param out where to put it, which may be `x` itself.
 */
export const project = (
  x: Float32Array,
  centre: Float32Array,
  { epsilon, pixelRange }: Ball,
  out = new Float32Array(x.length),
): Float32Array => {
  const [low, high] = pixelRange ?? [-Infinity, Infinity];
  for (let i = 0; i < out.length; i++) {
    const c = centre[i]!;
    let v = x[i]!; // comparisons rather than Math.min: faster, and NaN stays NaN
    if (v < c - epsilon) v = c - epsilon;
    else if (v > c + epsilon) v = c + epsilon;
    v = Math.fround(v);
    if (v - c > epsilon || c - v > epsilon) v = neighbour(v, c);
    out[i] = v < low ? low : v > high ? high : v;
  }
  return out;
};

export interface Ascent extends Ball {
  /** Step size in grey levels. */
  readonly alpha: number;
  readonly steps: number;
  readonly direction: Direction;
  /** Where to start, in place of the image itself. */
  readonly start?: (image: Float32Array) => Float32Array;
}

/** x ← project(x + α·direction(∇ objective(x))), `steps` times. @throws RangeError for a number that cannot be. */
export const ascend = (ascent: Ascent): Attack => {
  const { alpha, steps, direction, start, ...ball } = ascent;
  requirePositive({ epsilon: ball.epsilon, alpha, steps });
  if (!Number.isInteger(steps)) throw new RangeError(`steps must be an integer, is ${steps}`);
  /** In float32, as GPUs compute. */
  const stepSize = Math.fround(alpha);
  const attack: Attack = async (objective, image, { onStep, signal } = {}) => {
    const like = (data: Float32Array): Image => tensor("float32", image.shape, data as Float32Array<ArrayBuffer>);
    const centre = image.data;
    let x = start ? project(start(centre), centre, ball) : centre;
    for (let step = 1; step <= steps; step++) {
      signal?.throwIfAborted();
      const evaluation = await objective(like(x));
      const { data } = evaluation.gradient;
      if (data.length !== sizeOf(image.shape)) throw new RangeError("the gradient has not the image's shape");
      const u = direction(data);
      for (let i = 0; i < u.length; i++) u[i] = x[i]! + stepSize * u[i]!;
      x = project(u, centre, ball, u);
      await onStep?.({ step, steps, evaluation, image: like(x) });
    }
    return like(x);
  };
  return Object.assign(attack, { ascent });
};

const requirePositive = (values: Readonly<Record<string, number>>): void => {
  for (const [name, value] of Object.entries(values)) {
    if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`${name} must be positive, is ${value}`);
  }
};
