/** `faultline/metrics`: scores of segmentations, and distances between images. */

export {
  confusionMatrix,
  emptyConfusion,
  iouRatio,
  mergeConfusions,
  scores,
  type Confusion,
  type Scores,
} from "./confusion.ts";
export { changedShare, distances, type Distances } from "./distances.ts";
export { ssim } from "./ssim.ts";
