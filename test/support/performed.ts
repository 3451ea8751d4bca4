/** Groups of units on one picture of noise: one after another, or in lock step. */

import { settingsOf, settle } from "../../src/evaluation/settings.ts";
import type { EvaluationSpec } from "../../src/evaluation/spec.ts";
import type { Group } from "../../src/evaluation/units.ts";
import { createPerformer, type Outcome } from "../../src/jobs/perform.ts";
import type { Network } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import type { SessionCache } from "../../src/segmenter/session-cache.ts";
import { noiseImage, noiseLabels } from "./networks/image.ts";

/** What is carried out, and the rows and columns of the picture. */
export interface Work {
  readonly spec: EvaluationSpec;
  readonly groups: readonly Group[];
  readonly network: Network;
  readonly size: readonly [height: number, width: number];
}

export const performed = async (
  { spec, groups, network, size }: Work,
  cache: SessionCache,
  together: boolean,
): Promise<readonly Outcome[]> => {
  const base = createSegmenter(network, cache);
  const perform = createPerformer({
    segmenterOf: (setting, seed) => Promise.resolve(settle(base, settingsOf(spec).all[setting]!, seed)),
    read: () => Promise.resolve({ image: noiseImage(...size, 1), truth: noiseLabels(...size, 4, 1, true) }),
    nameOf: () => "one",
    seed: 0,
    small: 0.01,
    version: "0",
    gather: together ? cache.gather : undefined,
  });
  return perform(groups);
};
