/** `faultline/objectives`: what an attack climbs, at the logits, as fragments of a graph. */

export { crossEntropyWithGradient } from "./cross-entropy.ts";
export { leastLikely } from "./least-likely.ts";
