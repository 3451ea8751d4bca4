/** The typed form of the kernels of a step in an L2 ball. */

import { copy, sequence, type Gpu, type Launch } from "./gpu.ts";
import { lengthPerImage, partialGroups, releasing, requireLength, type Floats, type Grid } from "./kernels.ts";

/** Of an image. */
export interface L2Ball {
  /** Length of the step, negative to descend. */
  readonly alpha: number;
  readonly epsilon: number;
  /** Lowest and highest value of a pixel, or null for none. */
  readonly pixelRange: readonly [low: number, high: number] | null;
}

export interface L2Step extends Grid {
  /** Replaced by the image after the step. */
  readonly x: Floats;
  /** Centre of the ε-ball. */
  readonly centre: Floats;
  readonly gradient: Floats;
  /** One for each image. */
  readonly balls: readonly L2Ball[];
}

/** Sections of the interval that a round of the projection chooses one of. */
const sections = 7;

/**
 * Rounds in which the projection finds its t in 0..1 to 24 bits. A step of α from a point of the ball ends within ε + |α| of the
 * centre, so that t ≥ ε/(ε + |α|), and each round makes the interval seven times shorter: its length of 7⁻ᵏ has to be at most 2⁻²⁴·t.
 */
export const ballRounds = ({ alpha, epsilon }: Pick<L2Ball, "alpha" | "epsilon">): number =>
  Math.ceil((24 + Math.log2(1 + Math.abs(alpha) / epsilon)) / Math.log2(sections));

/**
 * y = x + α·g / ‖g‖₂ (a gradient of zeros moves nothing), and then the nearest point to y of the ball met with the range: clip(centre +
 * t·(y − centre)), whose t is found in rounds that depend on α/ε alone. t is right to 24 bits and to what sums in float32 tell of it: to
 * η/2φ of itself where they are wrong by η, and values that the range does not stop have the share φ of ε². The image may so lie
 * outside of the ball by rounding.
 */
export const l2Step = async (gpu: Gpu, step: L2Step): Promise<Launch> => {
  const { x, gradient, balls, groups } = step;
  const layers = balls.length;
  const count = lengthPerImage("l2_step", x, layers);
  requireLength("l2_step", x.length, { centre: step.centre, gradient });
  const used = partialGroups(count, groups);
  const sums = await gpu.allocate("float32", 2 * used * layers);
  const alphas = await gpu.upload(
    "float32",
    Float32Array.from(balls, ({ alpha }) => alpha),
  );
  const norm = await gpu.launch("l2_sums", {
    buffers: { gradient, sums },
    parameters: { count },
    items: count,
    layers,
    groups: used,
  });
  const moved = await gpu.launch("l2_step", {
    buffers: { x, gradient, sums, alpha: alphas },
    parameters: { count, partials: used },
    items: count,
    layers,
    groups: groups ?? stepGroups,
  });
  return releasing(sequence(norm, moved, await l2Ball(gpu, step)), sums, alphas);
};

/** Workgroups of the step. Each first adds up all partial sums, and so should have many items. */
const stepGroups = 1024;

/** The largest finite float32: WGSL has no infinity. */
const largestFloat = (2 - 2 ** -23) * 2 ** 127;
const everyNumber = [-largestFloat, largestFloat] as const;

/** Each image has as many rounds as it would have alone: further ones would move its t by rounding. */
const l2Ball = async (gpu: Gpu, { x, centre, balls, groups }: L2Step): Promise<Launch> => {
  const layers = balls.length;
  const count = x.length / layers;
  const used = partialGroups(count, groups);
  const rounds = balls.map(ballRounds);
  const limits = balls.flatMap(({ epsilon, pixelRange }) => [epsilon, ...(pixelRange ?? everyNumber), 0]);
  const ball = await gpu.upload("float32", Float32Array.from(limits));
  const sums = await gpu.allocate("float32", 8 * used * layers);
  const whole = await gpu.upload("float32", Float32Array.from(rounds.flatMap((left) => [0, 1, 1, left])));
  const interval = await gpu.allocate("float32", 4 * layers);
  const evaluate = await gpu.launch("l2_ball_sums", {
    buffers: { x, centre, interval, sums, ball },
    parameters: { count },
    items: count,
    layers,
    groups: used,
  });
  const narrow = await gpu.launch("l2_ball_narrow", {
    buffers: { sums, interval },
    parameters: { partials: used },
    items: 1,
    layers,
  });
  const project = await gpu.launch("l2_ball", {
    buffers: { x, centre, interval, ball },
    parameters: { count },
    items: count,
    layers,
    groups,
  });
  const round = sequence(evaluate, narrow);
  const all = sequence(copy(whole, interval), ...Array.from({ length: Math.max(...rounds) }, () => round), project);
  return releasing({ ...all, release: sequence(round, project).release }, sums, whole, interval, ball);
};
