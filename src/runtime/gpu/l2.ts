/** The typed form of the kernels of a step in an L2 ball. */

import { copy, sequence, type Gpu, type Launch } from "./gpu.ts";
import { partialGroups, releasing, requireLength, type Floats, type Grid } from "./kernels.ts";

export interface L2Step extends Grid {
  /** Replaced by the image after the step. */
  readonly x: Floats;
  /** Centre of the ε-ball. */
  readonly centre: Floats;
  readonly gradient: Floats;
  /** Length of the step, negative to descend. */
  readonly alpha: number;
  readonly epsilon: number;
  /** Lowest and highest value of a pixel, or null for none. */
  readonly pixelRange: readonly [low: number, high: number] | null;
}

/** Sections of the interval that a round of the projection chooses one of. */
const sections = 7;

/**
 * Rounds in which the projection finds its t in 0..1 to 24 bits. A step of α from a point of the ball ends within ε + |α| of the
 * centre, so that t ≥ ε/(ε + |α|), and each round makes the interval seven times shorter: its length of 7⁻ᵏ has to be at most 2⁻²⁴·t.
 */
export const ballRounds = ({ alpha, epsilon }: Pick<L2Step, "alpha" | "epsilon">): number =>
  Math.ceil((24 + Math.log2(1 + Math.abs(alpha) / epsilon)) / Math.log2(sections));

/**
 * y = x + α·g / ‖g‖₂ (a gradient of zeros moves nothing), and then the nearest point to y of the ball met with the range: clip(centre +
 * t·(y − centre)), whose t is found in rounds that depend on α/ε alone. t is right to 24 bits and to what sums in float32 tell of it: to
 * η/2φ of itself where they are wrong by η, and values that the range does not stop have the share φ of ε². The image may so lie
 * outside of the ball by rounding.
 */
export const l2Step = async (gpu: Gpu, step: L2Step): Promise<Launch> => {
  const { x, gradient, alpha, groups } = step;
  const count = x.length;
  requireLength("l2_step", count, { centre: step.centre, gradient });
  const used = partialGroups(count, groups);
  const sums = await gpu.allocate("float32", 2 * used);
  const norm = await gpu.launch("l2_sums", {
    buffers: { gradient, sums },
    parameters: { count },
    items: count,
    groups: used,
  });
  const moved = await gpu.launch("l2_step", {
    buffers: { x, gradient, sums },
    parameters: { count, alpha, partials: used },
    items: count,
    groups: groups ?? stepGroups,
  });
  return releasing(sequence(norm, moved, await l2Ball(gpu, step)), sums);
};

/** Workgroups of the step. Each first adds up all partial sums, and so should have many items. */
const stepGroups = 1024;

/** The largest finite float32: WGSL has no infinity. */
const largestFloat = (2 - 2 ** -23) * 2 ** 127;

const l2Ball = async (gpu: Gpu, { x, centre, alpha, epsilon, pixelRange, groups }: L2Step): Promise<Launch> => {
  const count = x.length;
  const used = partialGroups(count, groups);
  const [low, high] = pixelRange ?? [-largestFloat, largestFloat];
  const sums = await gpu.allocate("float32", 8 * used);
  const whole = await gpu.upload("float32", Float32Array.of(0, 1, 1, 0));
  const interval = await gpu.allocate("float32", 4);
  const evaluate = await gpu.launch("l2_ball_sums", {
    buffers: { x, centre, interval, sums },
    parameters: { count, epsilon, low, high },
    items: count,
    groups: used,
  });
  const narrow = await gpu.launch("l2_ball_narrow", {
    buffers: { sums, interval },
    parameters: { partials: used },
    items: 1,
  });
  const project = await gpu.launch("l2_ball", {
    buffers: { x, centre, interval },
    parameters: { count, low, high },
    items: count,
    groups,
  });
  const rounds = Array.from({ length: ballRounds({ alpha, epsilon }) }, () => sequence(evaluate, narrow));
  const all = sequence(copy(whole, interval), ...rounds, project);
  return releasing({ ...all, release: sequence(evaluate, narrow, project).release }, sums, whole, interval);
};
