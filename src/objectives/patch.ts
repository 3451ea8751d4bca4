/** The loss of Nesti et al. 2022 (arXiv 2108.06179), for patches. */

import { weighted, weightedSum } from "./combine.ts";
import { crossEntropyObjective } from "./cross-entropy.ts";
import { maskedCrossEntropyObjective } from "./masked.ts";
import type { Objective } from "./objective.ts";

/** γ, as in the released code. */
const RIGHT = 0.8;

/**
 * Over the pixels with weight 1, those outside of the patch: climbs γ·cross-entropy on the pixels that are still right + (1 − γ)·cross-entropy
 * on those that are wrong, which is (1 − γ) times cross-entropy on all + (2γ − 1) times cross-entropy on the right ones. Its
 * value is γ·cross-entropy over all of them.
 */
export const patchObjective = (targeted: boolean): Objective =>
  weighted(
    weightedSum([
      { objective: crossEntropyObjective(targeted), weight: 1 - RIGHT },
      { objective: maskedCrossEntropyObjective(targeted), weight: 2 * RIGHT - 1 },
    ]),
  );
