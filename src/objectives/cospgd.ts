/** The loss of CosPGD (Agnihotri et al. 2024, arXiv 2302.02213). */

import { crossEntropyTerms, weightedCrossEntropy } from "./cross-entropy.ts";
import type { Objective } from "./objective.ts";
import { gathered } from "./pixels.ts";

/**
 * w·cross-entropy, where w = cos(softmax(z), onehot(y)) = p[y]/‖p‖₂ is held fixed; where labels are targeted, w is 1 − cos. The
 * sum of the exponentials cancels in the cosine.
 */
export const cospgdObjective = (targeted: boolean): Objective => ({
  key: targeted ? "cospgd targeted" : "cospgd",
  sense: targeted ? -1 : 1,
  inputs: { target: { dtype: "int32", per: "pixel" } },
  build: (op, logits, { inputs }) => {
    const terms = crossEntropyTerms(op, logits, inputs["target"]!);
    const { exp, own, counted, losses } = terms;
    const cosine = op.Div(gathered(op, exp, own), op.ReduceL2(exp, op.ints([1]), { keepdims: 1 }));
    const weights = op.Mul(counted, targeted ? op.Sub(op.constant(1, logits.dtype), cosine) : cosine);
    return weightedCrossEntropy(op, terms, weights, op.Mul(weights, losses));
  },
});
