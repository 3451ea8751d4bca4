/** A patch: any change within one square of the image, none outside. */

import { tensor } from "../../tensor.ts";
import type { Random } from "../../random.ts";
import type { Square } from "../entry.ts";
import { gradientOf, type Feeds, type Rule } from "../attack.ts";
import { project, requirePositive, withinRange, type Constraint } from "../constraint.ts";
import { adam, noMoments, type Moments } from "../moments.ts";

export interface PatchOptions {
  /** Learning rate of Adam, in grey levels. */
  readonly alpha: number;
  /** Side of the square as a share of the image's shorter side. */
  readonly side: number;
  /** Where it lies, as shares of what its place leaves above and on the left: 0 at the edge, 1 at the other. */
  readonly top: number;
  readonly left: number;
  /** How far from there it is placed at random while it is made, as a share of the same. */
  readonly jitter: number;
}

type PatchState = {
  /** [P,s,s] grey levels. */
  readonly texture: Float32Array;
  readonly moments: Moments;
  /** [P,H,W] of the image. */
  readonly shape: readonly number[];
  /** Row and column of the patch's first pixel in the image that is evaluated next. */
  readonly place: readonly number[];
};

const sideOf = ([, height = 1, width = 1]: readonly number[], share: number): number =>
  Math.max(Math.round(share * Math.min(height, width)), 1);

/** The indices of the square in the image's values, in the order of the texture's. */
const indicesOf = ({ shape, place }: Pick<PatchState, "shape" | "place">, side: number): readonly number[] => {
  const [planes = 0, height = 0, width = 0] = shape;
  const [top = 0, left = 0] = place;
  return Array.from({ length: planes * side * side }, (_, i) => {
    const [plane, y, x] = [Math.floor(i / (side * side)), Math.floor(i / side) % side, i % side];
    return (plane * height + top + y) * width + left + x;
  });
};

/** The row and the column at these shares of the room, moved by up to `jitter` of it. */
const placeOf = (
  { top, left, jitter }: Omit<PatchOptions, "alpha">,
  shape: readonly number[],
  side: number,
  random?: Random,
) =>
  [top, left].map((share, axis) => {
    const room = shape[axis + 1]! - side;
    const moved = share + (random ? jitter * (2 * random() - 1) : 0);
    return Math.round(room * Math.min(Math.max(moved, 0), 1));
  });

/** The square in its own place, in an image [P,H,W]. */
export const squareIn = (options: Omit<PatchOptions, "alpha">, shape: readonly number[]): Square => {
  const side = sideOf(shape, options.side);
  const [top, left] = placeOf(options, shape, side);
  return { top: top!, left: left!, side };
};

/** 1 outside of the patch and 0 in it, [1,H,W]: labels under the patch are not attacked. */
const outside = (indices: readonly number[], [, height = 0, width = 0]: readonly number[]): Feeds => {
  const weights = new Float32Array(height * width).fill(1);
  for (const i of indices) if (i < weights.length) weights[i] = 0;
  return { weights: tensor("float32", [1, height, width], weights) };
};

const pasted = (texture: Float32Array, clean: Float32Array, indices: readonly number[], constraint: Constraint) => {
  const image = Float32Array.from(clean);
  for (const [k, i] of indices.entries()) image[i] = texture[k]!;
  return project(image, clean, constraint, image);
};

/**
 * Adam's steps up the gradient in the square, whose content stays within the pixel range and, where it lies, within the ball. At each
 * step it is placed anew around its own place, so that in expectation it works wherever it lies there (expectation over
 * transformation, Athalye et al. 2018); the result has it in its own place. The objective takes `weights`: the labels outside of the patch
 * count alone, as in Nesti et al., Evaluating the Robustness of Semantic Segmentation for Autonomous Driving against Real-World
 * Adversarial Patch Attacks, WACV 2022.
 */
export const patchRule = (options: PatchOptions): Rule<PatchState> => {
  const { alpha, side: share, ...rest } = options;
  requirePositive({ alpha, side: share });
  return {
    kind: "patch",
    parameters: { alpha, side: share, ...rest },
    needs: "gradient",
    begin: ({ data, shape }) => {
      const side = sideOf(shape, share);
      const place = placeOf(options, shape, side);
      const indices = indicesOf({ shape, place }, side);
      const texture = Float32Array.from(indices, (i) => data[i]!);
      const moments = noMoments(texture.length);
      return { state: { texture, moments, shape, place }, x: data, feeds: outside(indices, shape) };
    },
    next: (state, seen, x, { clean, constraint, random, step, steps }) => {
      const { shape } = state;
      const side = sideOf(shape, share);
      const gradient = gradientOf(seen, x.length);
      const { moments, step: direction } = adam(
        state.moments,
        Float32Array.from(indicesOf(state, side), (i) => gradient[i]!),
      );
      const moved = state.texture.map((v, k) => v + alpha * direction[k]!);
      const texture = project(moved, moved, withinRange(constraint));
      const place = placeOf(options, shape, side, step === steps ? undefined : random());
      const indices = indicesOf({ shape, place }, side);
      const image = pasted(texture, clean, indices, constraint);
      return { state: { texture, moments, shape, place }, x: image, feeds: outside(indices, shape) };
    },
  };
};
