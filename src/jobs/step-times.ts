/** What a step of a network takes. */

import type { Alike } from "../evaluation/picture-plan.ts";
import { crossEntropyObjective } from "../objectives/cross-entropy.ts";
import type { Image, Segmenter } from "../segmenter/segmenter.ts";

/** Durations in milliseconds, the least of several runs. */
export interface StepTimes {
  readonly forward: number;
  readonly backward: number;
}

/** Runs that took so long together are not repeated: they are a third of what a dry run takes, and vary less than short ones. */
const LONG_MS = 300;

/**
 * Times a prediction, and a gradient beyond it, on an image.
 *
 * @param options `runs`: at most; `now`: milliseconds.
 */
export const timeSteps = async (
  segmenter: Segmenter,
  image: Image,
  { runs, now }: { readonly runs: number; readonly now: () => number | Promise<number> },
): Promise<StepTimes> => {
  const { labels } = await segmenter.predict(image);
  const climb = segmenter.objective({ objective: crossEntropyObjective(false), labels });
  await climb(image); // The sessions are made.
  const timed = async (run: () => Promise<unknown>): Promise<number> => {
    const begun = await now();
    await run();
    return (await now()) - begun;
  };
  // Taken in turn, so that another process slows both alike.
  let [forward, both] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const begun = await now();
  for (let i = 0; i < runs && (i === 0 || (await now()) - begun < LONG_MS); i++) {
    forward = Math.min(forward, await timed(() => segmenter.predict(image)));
    both = Math.min(both, await timed(() => climb(image)));
  }
  return { forward, backward: Math.max(0, both - forward) };
};

/** Milliseconds of a group, by the times of its source. */
export const timeOf = ({ evaluations }: Pick<Alike, "evaluations">, { forward, backward }: StepTimes): number =>
  forward * evaluations.forward + backward * evaluations.backward;

/** Milliseconds of all groups on one worker, by the times of their sources. */
export const workOf = (all: Iterable<Alike>, times: Readonly<Record<number, StepTimes>>): number => {
  let sum = 0;
  for (const each of all) sum += each.groups * timeOf(each, times[each.source]!);
  return sum;
};
