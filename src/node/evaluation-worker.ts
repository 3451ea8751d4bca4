/** A worker of an evaluation in a thread of its own, which is started again after a crash. */

import type { Worker as Thread } from "node:worker_threads";
import type { Item } from "../evaluation/items.ts";
import type { StepTimes } from "../jobs/step-times.ts";
import type { Outcome } from "../jobs/perform.ts";
import type { Group } from "../evaluation/units.ts";
import type { Worker, WorkHooks } from "../jobs/worker.ts";
import type { EvaluationData, FromThread, ToThread } from "./evaluation-messages.ts";
import { entryOf, startWorker } from "./worker.ts";

export interface EvaluationWorker extends Worker {
  /** Durations of one run of a setting on an item. */
  readonly time: (setting: number, item: number) => Promise<StepTimes>;
  readonly end: () => Promise<void>;
}

/** What a call waits for. */
interface Waiting {
  readonly resolve: (message: FromThread) => void;
  readonly reject: (cause: unknown) => void;
  readonly onSteps: (steps: number) => void;
}

interface Running {
  readonly thread: Thread;
  readonly ask: (message: ToThread, onSteps?: Waiting["onSteps"]) => Promise<FromThread>;
}

/** @throws Error, saying why, where the thread does not start. */
const startThread = async (data: EvaluationData, entry: URL, onExit: () => void): Promise<Running> => {
  const thread = startWorker(entry, data);
  let waiting: Waiting | undefined;
  const settled = (act: (call: Waiting) => void): void => {
    const call = waiting;
    waiting = undefined;
    if (call) act(call);
  };
  const waitFor = (onSteps: Waiting["onSteps"], begin: () => void): Promise<FromThread> =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject, onSteps };
      begin();
    });
  thread.on("message", (message: FromThread) => {
    if (message.kind === "steps") waiting?.onSteps(message.steps);
    else settled(({ resolve }) => resolve(message));
  });
  let isDown = false;
  const down = (reason: string): void => {
    if (isDown) return; // An error is followed by an exit, and by then another thread may run.
    isDown = true;
    onExit();
    settled(({ reject }) => reject(new Error(`the worker's thread has ended: ${reason}`)));
  };
  thread.on("error", (error) => down(error.message));
  thread.on("exit", (code) => down(`exit code ${code}`));
  const ready = await waitFor(
    () => undefined,
    () => undefined,
  );
  if (ready.kind === "failed") {
    await thread.terminate();
    throw new Error(ready.error);
  }
  const ask: Running["ask"] = (message, onSteps = () => undefined) =>
    waitFor(onSteps, () => thread.postMessage(message, []));
  return { thread, ask };
};

/** Groups that a thread is given at a time: as many as the largest batch has images. */
const TOGETHER = 8;

export interface EvaluationOptions extends EvaluationData {
  /** By the places that groups name. */
  readonly items: Readonly<Record<number, Item>>;
}

/** @param entry the file that the thread runs. */
export const startEvaluationWorker = (
  { items, ...data }: EvaluationOptions,
  entry: URL = entryOf("evaluation-thread"),
): EvaluationWorker => {
  let running: Promise<Running> | undefined;
  const current = (): Promise<Running> => {
    if (running) return running;
    const started: Promise<Running> = startThread(data, entry, () => {
      if (running === started) running = undefined;
    });
    running = started;
    return started;
  };
  const end = async (): Promise<void> => {
    const last = running;
    running = undefined;
    await last?.then(
      ({ thread }) => thread.terminate(),
      () => undefined,
    );
  };
  const answered = (message: FromThread): FromThread => {
    if (message.kind === "failed") throw new Error(message.error);
    return message;
  };
  /** Of one item. Where the backend crashes under several groups, it is not known under which. */
  const performed = async (groups: readonly Group[], { signal, onSteps }: WorkHooks): Promise<readonly Outcome[]> => {
    signal.throwIfAborted();
    const { thread, ask } = await current();
    const stop = (): void => thread.postMessage({ kind: "stop" } satisfies ToThread, []);
    signal.addEventListener("abort", stop, { once: true });
    try {
      signal.throwIfAborted();
      const message = answered(await ask({ kind: "groups", groups, item: items[groups[0]!.item]! }, onSteps));
      if (message.kind === "done") {
        if (message.last) await end();
        if (message.last && groups.length > 1) throw new Error("the backend has crashed");
        return message.outcomes;
      }
      signal.throwIfAborted();
      throw new Error(`an unexpected answer: ${message.kind}`);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  };
  return {
    perform: async (parcel, hooks) => {
      const outcomes: Outcome[] = [];
      for (let i = 0; i < parcel.length; i += TOGETHER)
        outcomes.push(...(await performed(parcel.slice(i, i + TOGETHER), hooks)));
      return outcomes;
    },
    time: async (setting, item) => {
      const { ask } = await current();
      const message = answered(await ask({ kind: "time", setting, item: items[item]! }));
      if (message.kind === "timed") return message.times;
      throw new Error(`an unexpected answer: ${message.kind}`);
    },
    end,
  };
};
