/** Transformations before a network as a request states them: plain data. */

import type { TransformSpec } from "../transforms/pipeline.ts";

/**
 * How an attack takes the transformations before a network: `differentiable`, through their gradients; `bpda`, with them in the
 * forward pass and the identity in place of their gradient (Athalye et al. 2018, section 4.1); `naive`, the gradient of the network
 * alone. What is scored always goes through them.
 */
export const throughs = ["differentiable", "bpda", "naive"] as const;
export type Through = (typeof throughs)[number];

export interface Defence {
  readonly transform: readonly TransformSpec[];
  /** Of all draws, of predictions and of the attack, which are independent of each other. */
  readonly seed: number;
  readonly through: Through;
  /** Draws over which the gradient of each step is averaged: expectation over transformation (Athalye et al. 2018, section 4.2). */
  readonly draws: number;
}

export const MAX_DRAWS = 1024;
