/** The Jensen–Shannon divergence between softmax and label, the third loss of SEA (arXiv 2306.12941). */

import { crossEntropyTerms, weightedCrossEntropy } from "./cross-entropy.ts";
import type { Objective } from "./objective.ts";

/**
 * With p = softmax(z)[y]: ½[p ln(2p/(1+p)) + (1−p) ln 2 + ln(2/(1+p))] = ln 2 + ½[p ln p − (1+p) ln(1+p)], which is 0 at p = 1
 * and ln 2 at p = 0. Its cotangent is ½ p ln((1+p)/p)·(softmax(z) − onehot(y)): pixels that are wrong for certain weigh nothing.
 * −ln p is the cross-entropy, which stays finite where p underflows.
 */
export const jensenShannonObjective = (targeted: boolean): Objective => ({
  key: "jensen-shannon",
  sense: targeted ? -1 : 1,
  inputs: { target: { dtype: "int32", per: "pixel" } },
  build: (op, logits, { inputs }) => {
    const terms = crossEntropyTerms(op, logits, inputs["target"]!);
    const { losses, counted } = terms;
    const constant = (value: number) => op.constant(value, logits.dtype);
    const half = constant(0.5);
    const p = op.Exp(op.Neg(losses));
    const more = op.Add(p, constant(1));
    const log = op.Log(more);
    const inner = op.Add(op.Mul(p, losses), op.Mul(more, log));
    const divergence = op.Mul(counted, op.Sub(constant(Math.LN2), op.Mul(half, inner)));
    const weights = op.Mul(counted, op.Mul(half, op.Mul(p, op.Add(log, losses))));
    return weightedCrossEntropy(op, terms, weights, divergence);
  },
});
