/** What `loops.wasm` exports: loops over vectors that lie in its memory from the second page on, in the form that `src/simd` gives them. */

export { adam } from "./adam";
export { clip, clipToBox, metricAbove, rmsStep } from "./alma";
export { ascend, exponentialsBelow, followShares, followSlopes } from "./multipliers";
export { normals } from "./normal";
export { pdpgdPull, pdpgdShrink, pdpgdStep, sizesAbove } from "./pdpgd";
export { project, sharesWithin, towards } from "./project";
export { blend, plus, plusDifference, plusSign, scale } from "./steps";
export { squash, squashAscent, unsquash } from "./squash";
export { ssimBand, ssimWork } from "./ssim";
export { cosinesOfTurns, exponentials, logarithms } from "./tables";
