/** `faultline/metrics`: scores of segmentations, and distances between images. */

export { countsOf, iouRatio, mergeCounts, scoresOf, type ClassCounts, type Scores } from "./counts.ts";
export { distances, type Distances } from "./distances.ts";
export { ssim } from "./ssim.ts";
