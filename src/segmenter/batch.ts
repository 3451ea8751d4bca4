/** Which batches there are of the images that wait for one graph. */

import type { AscentOptions, AscentSession, Session } from "../runtime/session.ts";
import type { SessionSource } from "./session-source.ts";

/** The graph for a batch of that many; null where there is none, or where it is not faster. */
export type SourceOf<S extends SessionSource = SessionSource> = (batch: number) => S | null;

/** A graph that is ascended, and how. */
export type AscentSource = SessionSource & AscentOptions;

/** What has the sessions. */
export interface Sessions {
  readonly session: (source: SessionSource) => Promise<Session>;
  readonly ascent: (source: AscentSource) => Promise<AscentSession>;
  /** Whether the memory suffices for it, as it is predicted, and the device takes its largest tensor. */
  readonly fits: (source: SessionSource) => boolean;
  /** Whether attacks stay on a device: what a run costs there beside its arithmetic is the same for a batch as for one image. */
  readonly isOnDevice: boolean;
}

export const LARGEST_BATCH = 8;

/** The largest batch of those that wait for one graph. */
export const largestBatch = <S extends SessionSource>(
  sourceOf: SourceOf<S>,
  waiting: number,
  fits: Sessions["fits"],
): readonly [batch: number, source: S] => {
  for (let batch = LARGEST_BATCH; batch > 1; batch /= 2) {
    const source = batch <= waiting ? sourceOf(batch) : null;
    if (source && fits(source)) return [batch, source];
  }
  return [1, sourceOf(1)!];
};
