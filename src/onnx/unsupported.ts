/** The operators of the standard domain that a network cannot be loaded with, each with the reason that its refusal gives. */

import type { Node } from "./graph.ts";

/** Of an output, as of a node that has it. */
export const DATA_DEPENDENT = "has an output whose size depends on the data; every size must be fixed by the input's";

const operatorsByReason: Readonly<Record<string, string>> = {
  "control flow: the data decide which of its nodes run, and how often": "If Loop Scan",
  "recurrent: its steps are not unrolled": "GRU LSTM RNN",
  [DATA_DEPENDENT]: "NonMaxSuppression Unique",
  "sequences and optional values are not read, only tensors":
    "ConcatFromSequence Optional OptionalGetElement OptionalHasElement SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap SplitToSequence",
  "for text, not for images": "RegexFullMatch StringConcat StringNormalizer StringSplit TfIdfVectorizer",
  "decodes a file: the network must begin at the pixels": "ImageDecoder",
  "its result is random: no run could be repeated":
    "Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike",
  "a loss for training: losses are appended to the logits": "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss",
  "spectra and their windows are not written yet": "BlackmanWindow DFT HammingWindow HannWindow MelWeightMatrix STFT",
  "pooling of regions, as detectors have it, is not written yet": "MaxRoiPool RoiAlign",
  "neither its shape nor its gradient is written yet": "Det",
  "of the bits of numbers there is no derivative": "BitCast",
  "a cache that is written in place, as language models have it": "TensorScatter",
};

const reasons: ReadonlyMap<string, string> = new Map(
  Object.entries(operatorsByReason).flatMap(([reason, names]) => names.split(" ").map((op) => [op, reason] as const)),
);

/** Operators that are known to be unsupported. */
export const unsupportedOperators: readonly string[] = [...reasons.keys()];

/** Why an operator is not supported, or undefined for one that is, and for one that is not known at all. */
export const reasonAgainst = ({ op, domain }: Pick<Node, "op" | "domain">): string | undefined =>
  domain === "" ? reasons.get(op) : undefined;
