/** The unsupported operators of the standard domain, each with the reason that the error message states. */

import type { Node } from "./graph.ts";

/** The reason for an output whose size depends on the data, and for a node that has such an output. */
export const DATA_DEPENDENT = "has an output whose size depends on the data; every size must be fixed by the input's";

const operatorsByReason: Readonly<Record<string, string>> = {
  "control flow, in which the data determine which nodes run and how often": "Loop Scan",
  "its condition depends on the data; one that the sizes alone decide is resolved": "If",
  "recurrent operator, which is not unrolled": "GRU LSTM RNN",
  [DATA_DEPENDENT]: "NonMaxSuppression Unique",
  "sequences and optional values are not supported, only tensors":
    "ConcatFromSequence Optional OptionalGetElement OptionalHasElement SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap SplitToSequence",
  "operates on text, not on images": "RegexFullMatch StringConcat StringNormalizer StringSplit TfIdfVectorizer",
  "decodes a file; the input of the network must be pixels": "ImageDecoder",
  "its result is random, so that runs are not reproducible":
    "Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike",
  "a training loss; Faultline appends its own losses to the logits":
    "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss",
  "spectral transforms and window functions are not implemented":
    "BlackmanWindow DFT HammingWindow HannWindow MelWeightMatrix STFT",
  "neither its shape inference nor its gradient is implemented": "Det",
  "reinterprets bits, which has no derivative": "BitCast",
  "updates a cache in place, which is not supported": "TensorScatter",
  "carries a state along a sequence, which is not implemented": "CausalConvWithState LinearAttention",
};

const reasons: ReadonlyMap<string, string> = new Map(
  Object.entries(operatorsByReason).flatMap(([reason, names]) => names.split(" ").map((op) => [op, reason] as const)),
);

/** Operators that are known to be unsupported. */
export const unsupportedOperators: readonly string[] = [...reasons.keys()];

/** The reason why an operator is not supported; undefined for supported and for unknown operators. */
export const reasonAgainst = ({ op, domain }: Pick<Node, "op" | "domain">): string | undefined =>
  domain === "" ? reasons.get(op) : undefined;
