/** Cross-entropy that is climbed only where the attack is not done yet: SEA's masked losses (Croce et al. 2024, arXiv 2306.12941). */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { crossEntropyTerms, weightedCrossEntropy, type CrossEntropyTerms } from "./cross-entropy.ts";
import type { Objective } from "./objective.ts";
import { unfinished } from "./pixels.ts";

type Weigh = (op: Builder, terms: CrossEntropyTerms, logits: Value) => Value;

/**
 * The cotangent is w·m·(softmax(z) − onehot(y)), m = 1 where the prediction is still the label (where labels are targeted: not
 * yet the label). The *value* is the cross-entropy over all pixels that are not void: the mask stays out of it, so that a
 * step-size control that watches the value sees progress where a masked sum would fall with each pixel that is lost.
 */
const maskedBy =
  (name: string, weigh: Weigh, mixesPixels = false) =>
  (targeted: boolean): Objective => ({
    key: targeted ? `${name} targeted` : name,
    sense: targeted ? -1 : 1,
    inputs: { target: { dtype: "int32", per: "pixel" } },
    mixesPixels,
    build: (op, logits, { inputs }) => {
      const terms = crossEntropyTerms(op, logits, inputs["target"]!);
      const mask = op.cast(unfinished(op, logits, terms, targeted), logits.dtype);
      return weightedCrossEntropy(op, terms, op.Mul(mask, weigh(op, terms, logits)));
    },
  });

/** Every pixel weighs 1. */
export const maskedCrossEntropyObjective = maskedBy("masked-cross-entropy", (_, { counted }) => counted);

/** 1 ÷ the number of pixels with the label of each pixel [N,1,h,w], over the whole batch; the labels are counted by scattering. */
const inverseCounts: Weigh = (op, { counted, own }, logits) => {
  const flat = op.ints([-1]);
  const labels = op.Reshape(own, flat);
  const none = op.zeros({ dtype: logits.dtype, shape: [logits.shape[1]!] });
  const counts = op.ScatterElements(none, labels, op.Reshape(counted, flat), { axis: 0, reduction: "add" });
  const each = op.Reciprocal(op.Max(op.Gather(counts, labels, { axis: 0 }), op.constant(1, logits.dtype)));
  return op.Reshape(each, op.ints(own.shape));
};

/** Every pixel weighs 1/N of its label's class, which occurs N times in the labels at hand: rare classes count as much as others. */
export const balancedCrossEntropyObjective = maskedBy("balanced-cross-entropy", inverseCounts, true);
