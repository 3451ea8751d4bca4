/** The scores of one adversarial image, as curves and tables of transfers have them. */

import type { PointScores } from "../contract/robustness.ts";
import { iouRatio, type Scores } from "../metrics/counts.ts";

export const pointScores = (after: Scores, clean: Scores): PointScores => ({
  iouRatio: iouRatio(after, clean),
  miou: after.miou,
  pixelAccuracy: after.pixelAccuracy,
});
