/** Processor time of workerd, read from outside on Linux: its own clock stands still while code runs. */

import { readdirSync, readFileSync } from "node:fs";

/** Processes of workerd that this one has started. */
export const workerds = (): readonly string[] =>
  readdirSync("/proc").filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      const [, name = "", parent = ""] = /\((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, "utf8")) ?? [];
      return name === "workerd" && Number(parent) === process.pid;
    } catch {
      return false; // It has ended.
    }
  });

/** In milliseconds: of processor time, and of waiting for a processor that others had. */
export interface ThreadTimes {
  readonly ran: number;
  readonly waited: number;
}

/** Of each thread of these processes, by its name. */
const timesByThread = (processes: readonly string[]): readonly (readonly [thread: string, times: ThreadTimes])[] =>
  processes.flatMap((id) =>
    readdirSync(`/proc/${id}/task`).map((thread) => {
      const [ran, waited] = readFileSync(`/proc/${id}/task/${thread}/schedstat`, "utf8").split(" ");
      return [`${id}/${thread}`, { ran: Number(ran) / 1e6, waited: Number(waited) / 1e6 }] as const;
    }),
  );

/** Milliseconds of processor time that each thread of these processes has had. */
export const ranByThread = (processes: readonly string[]): ReadonlyMap<string, number> =>
  new Map(timesByThread(processes).map(([thread, { ran }]) => [thread, ran]));

/** Of all threads of these processes. */
export const timesOf = (processes: readonly string[]): ThreadTimes => {
  let [ran, waited] = [0, 0];
  for (const [, times] of timesByThread(processes)) {
    ran += times.ran;
    waited += times.waited;
  }
  return { ran, waited };
};
