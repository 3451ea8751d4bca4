/** `faultline/segmenter`: a network one can attack, and `lossGradient`, which needs no more than an ONNX file. */

export type { Aim, Labels } from "./aim.ts";
export { GradientError } from "./differentiate/gradient-error.ts";
export { lossGradient, type LossGradient, type LossGradientOptions } from "./differentiate/loss-gradient.ts";
export { ManifestError, parseManifest, type Manifest } from "./manifest.ts";
export { openNetwork } from "./network.ts";
export { createSegmenter, type Prediction, type Segmenter } from "./segmenter.ts";
export { MemoryBudgetError, SessionCache } from "./session-cache.ts";
