/** Ascents on a device that are made together: as many as fit into one batch, each as far as it goes. */

import type { AscentAnswer, AscentRequest, AscentsWatch, AscentWatch, ClimbedAscent } from "../runtime/session.ts";
import { largestBatch, type AscentSource, type Sessions, type SourceOf } from "./batch.ts";
import type { Carry, Waiting } from "./lock-step.ts";

interface Ascent {
  readonly sourceOf: SourceOf<AscentSource>;
  readonly request: AscentRequest;
  readonly watch: AscentWatch;
}

type Climbing = Waiting<Ascent, ClimbedAscent>;

const stepsLeft = ({ work: { request } }: Climbing): number => request.steps - (request.from?.step ?? 0);

/** Each watcher is asked about its own image. One that throws ends its own ascent. */
const watching = (now: readonly Climbing[], feeds: AscentRequest["feeds"][]): AscentsWatch["onSteps"] => {
  const answered = async (
    i: number,
    step: Parameters<NonNullable<AscentWatch["onStep"]>>[0],
  ): Promise<AscentAnswer> => {
    const { work, reject } = now[i]!;
    try {
      work.watch.signal?.throwIfAborted();
      const answer = (await work.watch.onStep!(step)) ?? {};
      feeds[i] = { ...feeds[i], ...answer.feeds };
      return answer;
    } catch (cause) {
      reject(cause);
      return { isOver: true };
    }
  };
  return (steps) => Promise.all(steps.map(async (step, i) => (step ? answered(i, step) : undefined)));
};

/**
 * All of them wait for one graph. Those with the most steps are taken first. When half of a batch is done, the others go on in a smaller
 * one, so that less than half of the work is for images that have ended.
 */
export const ascendTogether =
  ({ ascent, fits }: Sessions): Carry<Ascent, ClimbedAscent> =>
  async (group) => {
    for (let left: readonly Climbing[] = group; left.length > 0;) {
      const [batch, source] = largestBatch(left[0]!.work.sourceOf, left.length, fits);
      const ordered = left.toSorted((a, b) => stepsLeft(b) - stepsLeft(a));
      const now = ordered.slice(0, batch);
      const feeds = now.map(({ work }) => work.request.feeds);
      const { signal, onStep } = now[0]!.work.watch;
      const ends = await (
        await ascent(source)
      ).ascend(
        now.map(({ work }) => work.request),
        {
          onSteps: onStep && watching(now, feeds),
          signal: now.every(({ work }) => work.watch.signal === signal) ? signal : undefined,
          rounds: batch === 1 ? undefined : stepsLeft(now[batch / 2]!),
        },
      );
      const further = now.flatMap((own, i): Climbing[] => {
        const end = ends[i]!;
        if (end.kind === "done") own.resolve(end);
        if (end.kind !== "left") return [];
        return [{ ...own, work: { ...own.work, request: { ...own.work.request, feeds: feeds[i]!, from: end.state } } }];
      });
      left = [...further, ...ordered.slice(batch)];
    }
  };
