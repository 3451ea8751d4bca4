/** The least-likely class of each pixel, as a graph fragment. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { crossEntropyTerms, weightedCrossEntropy } from "./cross-entropy.ts";
import type { Objective } from "./objective.ts";

/**
 * The least-likely class of each pixel: argmin over the scored classes, from the logits of this very run, so that it is
 * determined anew at every step of an iterative attack.
 *
 * @param logits float32 [N,C,H,W]
 * @param scored how many of the C outputs are classes; the rest are never chosen.
 * @returns int32 [N,H,W]
 */
export const leastLikely = (op: Builder, logits: Value, scored: number): Value => {
  const all = logits.shape[1] === scored;
  const classes = all ? logits : op.Slice(logits, op.ints([0]), op.ints([scored]), op.ints([1]));
  return op.cast(op.ArgMin(classes, { axis: 1, keepdims: 0 }), "int32");
};

/** Cross-entropy to the least-likely class of each pixel, descended: FGSM II and Iterative FGSM II (Kurakin et al. 2017). */
export const leastLikelyObjective = (): Objective => ({
  key: "least-likely",
  sense: -1,
  inputs: {},
  build: (op, logits, { classes, visible }) => {
    const against = visible(leastLikely(op, logits, classes));
    const terms = crossEntropyTerms(op, logits, against);
    return weightedCrossEntropy(op, terms, terms.counted);
  },
});
