/** The course of a run as a Workflow: parcels are sent in windows, their return is awaited, rows are merged, the report is made. Each step may be repeated. */

import type { Run, Settled } from "./ledger.ts";
import type { Ended, Workings } from "./workings.ts";

/** The part of a Workflow's step that is used; what a step returns is plain and small. */
export interface Step {
  do<T extends Rpc.Serializable<T>>(name: string, run: () => Promise<T>): Promise<T>;
  sleep(name: string, milliseconds: number): Promise<void>;
}

/** Parcels that are sent together: at 120 s each, 10 consumers take 3.3 hours for them, and the queue keeps them for days. */
export const WINDOW = 1000;

/** Between two looks at a window, in milliseconds: at first, as a factor from one to the next, and at most. */
const PAUSE = { first: 1000, factor: 1.4, most: 300_000 } as const;

/** @param workings what the steps do. */
export const fanOut = async (run: Run, step: Step, workings: Workings): Promise<Ended> => {
  const { parcels, chunks } = await step.do("begin", () => workings.begin(run));
  let looks = 0;
  let settled: Settled = { below: 0, spentMs: 0 };
  /** Resolves when few of the parcels that have been sent, up to a number, are left: to whether the run is still wanted. */
  const returned = async (to: number, most: number): Promise<boolean> => {
    for (let pause: number = PAUSE.first; ; pause = Math.min(PAUSE.most, pause * PAUSE.factor)) {
      looks += 1;
      const before = settled;
      const { isWanted, waiting, ...seen } = await step.do(`look ${looks}`, () => workings.look(run, before, to));
      ({ settled } = seen);
      if (!isWanted) return false;
      if (waiting <= most) return true;
      await step.sleep(`wait ${looks}`, Math.round(pause));
    }
  };
  for (let from = 0; from < parcels; from += WINDOW) {
    const to = Math.min(from + WINDOW, parcels);
    await step.do(`send ${from}`, () => workings.send(run, from, to));
    if (!(await returned(to, to < parcels ? WINDOW / 2 : 0))) return "stopped";
  }
  for (let chunk = 0; chunk < chunks; chunk++) await step.do(`merge ${chunk}`, () => workings.merge(run, chunk));
  await step.do("report", () => workings.report(run));
  return step.do("end", () => workings.end(run));
};
