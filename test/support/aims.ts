/** The paper's objectives, as tests aim with them. */

import { crossEntropyObjective } from "../../src/objectives/cross-entropy.ts";
import { leastLikelyObjective } from "../../src/objectives/least-likely.ts";
import type { Aim, Labels } from "../../src/segmenter/segmenter.ts";

/** Cross-entropy against labels that are given. */
export const given = crossEntropyObjective(false);
export const leastLikely = leastLikelyObjective();

export const awayFrom = (labels: Labels): Aim => ({ objective: given, labels });
export const towards = (labels: Labels): Aim => ({ objective: crossEntropyObjective(true), labels });
export const toLeastLikely: Aim = { objective: leastLikely };
