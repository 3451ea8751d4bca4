/** Tsallis cross-entropy, whose order moves during the attack: TsallisPGD (Matyasko et al. 2026, arXiv 2605.03405). */

import { tensorOf } from "../tensor.ts";
import { crossEntropyTerms, weightedCrossEntropy } from "./cross-entropy.ts";
import type { Clock, Objective } from "./objective.ts";

const [first, last] = [-2, 1];

/** q goes from −2 at the first step to 1 at the last, in equal steps. */
export const orderAt = ({ step, steps }: Clock): number =>
  first + ((last - first) * (step - 1)) / Math.max(steps - 1, 1);

/**
 * L_q = (1 − p^(1−q))/(1 − q), p = softmax(z)[y], which is −ln p at q = 1. Its cotangent is cross-entropy's times p^(1−q): small
 * orders leave alone the pixels that are wrong already. With a = 1 − q and H = −ln p, L_q = (1 − e^(−aH))/a, and
 * 1 − e^(−u) = 2·tanh(u/2)/(1 + tanh(u/2)) does not cancel where u is small.
 */
export const tsallisObjective = (targeted: boolean): Objective => ({
  key: "tsallis",
  sense: targeted ? -1 : 1,
  inputs: { target: { dtype: "int32", per: "pixel" }, order: { dtype: "float32", per: "scalar" } },
  feeds: (at) => ({ order: tensorOf("float32", [1], [orderAt(at)]) }),
  build: (op, logits, { inputs }) => {
    const terms = crossEntropyTerms(op, logits, inputs["target"]!);
    const { losses, counted } = terms;
    const one = op.constant(1);
    const a = op.Sub(one, inputs["order"]);
    const isLimit = op.Equal(a, op.constant(0));
    const u = op.Mul(a, losses);
    const tanh = op.Tanh(op.Mul(u, op.constant(0.5)));
    const shrunk = op.Div(op.Mul(op.constant(2), tanh), op.Mul(op.Add(one, tanh), op.Where(isLimit, one, a)));
    const weights = op.Mul(counted, op.Exp(op.Neg(u)));
    return weightedCrossEntropy(op, terms, weights, op.Where(isLimit, losses, shrunk));
  },
});
