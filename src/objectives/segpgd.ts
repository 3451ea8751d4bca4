/** The loss of SegPGD (Gu et al. 2022, arXiv 2207.12391). */

import { tensorOf } from "../tensor.ts";
import { crossEntropyTerms, weightedCrossEntropy } from "./cross-entropy.ts";
import type { Objective } from "./objective.ts";
import { unfinished } from "./pixels.ts";

/**
 * (1 − λ)·cross-entropy on the pixels that are still right + λ·cross-entropy on those that are wrong, λ = (t − 1)/2T at step t
 * of T. Where labels are targeted, the weights are swapped: the larger is that of pixels which are not yet at their target.
 */
export const segpgdObjective = (targeted: boolean): Objective => ({
  key: targeted ? "segpgd targeted" : "segpgd",
  sense: targeted ? -1 : 1,
  inputs: { target: { dtype: "int32", per: "pixel" }, lambda: { dtype: "float32", per: "scalar" } },
  feeds: ({ step, steps }) => ({ lambda: tensorOf("float32", [1], [(step - 1) / (2 * steps)]) }),
  build: (op, logits, { inputs }) => {
    const terms = crossEntropyTerms(op, logits, inputs["target"]!);
    const lambda = inputs["lambda"]!;
    const rest = op.Sub(op.constant(1), lambda);
    const weights = op.Mul(terms.counted, op.Where(unfinished(op, logits, terms, targeted), rest, lambda));
    return weightedCrossEntropy(op, terms, weights, op.Mul(weights, terms.losses));
  },
});
