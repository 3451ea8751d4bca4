/**
 * The runtime in a thread of its own: the event loop stays free while a network runs, and a crash takes the thread alone,
 * which is then started anew.
 */

import nodeModule, { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { RuntimeCrash, RuntimeError, type Runtime, type Session } from "../runtime/session.ts";
import type { Answer, Asked, Call, Given, Ready, ThreadData } from "./runtime-messages.ts";

export interface ThreadOptions {
  /** That share the work of a run; default 1. */
  readonly threads?: number | undefined;
  /** Told of each crash. */
  readonly onCrash?: (reason: string) => void;
  /** What the thread runs, if not `runtime-thread.ts`. */
  readonly entry?: URL;
}

export interface ThreadRuntime extends Runtime {
  /** Ends the thread; what it still runs is lost. */
  readonly stop: () => Promise<void>;
}

interface Pending {
  readonly resolve: (given: Given[Call["kind"]]) => void;
  readonly reject: (reason: RuntimeError) => void;
}

/** One thread, until it crashes or is stopped. */
interface Thread {
  readonly ask: <C extends Call>(call: C) => Promise<Given[C["kind"]]>;
  readonly end: () => Promise<unknown>;
  readonly version: string;
  readonly memoryBytes: () => number;
}

/** Threads take no hooks over that compile TypeScript: each begins by setting up its own. Node below 20.6 takes them as a flag. */
const startWorker = (entry: URL, workerData: ThreadData): Worker => {
  if (!("register" in nodeModule)) {
    const hooks = pathToFileURL(createRequire(import.meta.url).resolve("tsx/esm")).href;
    return new Worker(entry, { workerData, execArgv: ["--no-warnings", "--loader", hooks] });
  }
  const lines = [
    `import { register } from ${JSON.stringify(import.meta.resolve("tsx/esm/api"))};`,
    "register();",
    `await import(${JSON.stringify(entry)});`,
  ];
  const script = new URL(`data:text/javascript,${encodeURIComponent(lines.join("\n"))}`);
  return new Worker(script, { workerData, execArgv: [] });
};

/** @param onDown called once, when no call will be answered any more. @throws RuntimeCrash where it does not start. */
const startThread = (entry: URL, data: ThreadData, onDown: (reason: string) => void): Promise<Thread> =>
  new Promise((started, failed) => {
    const worker = startWorker(entry, data);
    const pending = new Map<number, Pending>();
    let [asked, memoryBytes, down] = [0, 0, ""];
    const goDown = (reason: string): void => {
      if (down !== "") return;
      down = reason;
      for (const { reject } of pending.values()) reject(new RuntimeCrash(reason));
      failed(new RuntimeCrash(reason));
      void worker.terminate();
      onDown(reason);
    };
    const ask: Thread["ask"] = (call) =>
      new Promise((resolve, reject) => {
        if (down !== "") return reject(new RuntimeCrash(down));
        asked += 1;
        pending.set(asked, { resolve: resolve as Pending["resolve"], reject });
        return worker.postMessage({ id: asked, call } satisfies Asked, []); // nothing is transferred: the caller keeps it
      });
    const answered = ({ id, ...answer }: Answer): void => {
      const { resolve, reject } = pending.get(id)!;
      pending.delete(id);
      ({ memoryBytes } = answer);
      if ("given" in answer) return resolve(answer.given);
      const { message, cause, crashed } = answer.fault;
      reject(new (crashed ? RuntimeCrash : RuntimeError)(message, { cause }));
      if (crashed) goDown(message);
    };
    worker.on("message", (message: Ready | Answer) => {
      if ("id" in message) return answered(message);
      const { version } = message;
      return started({ version, ask, memoryBytes: () => memoryBytes, end: () => worker.terminate() });
    });
    worker.on("error", (error) => goDown(`the runtime's thread failed: ${error.message}`));
    worker.on("exit", () => goDown("the runtime's thread has ended"));
  });

/** Starts onnxruntime's WASM in a thread; after a crash the next session starts another. */
export const startThreadRuntime = async ({
  threads = 1,
  onCrash = () => {},
  entry = new URL("runtime-thread.ts", import.meta.url),
}: ThreadOptions = {}): Promise<ThreadRuntime> => {
  let [restarts, made, stopped] = [0, 0, false];
  let current: Promise<Thread> | undefined;
  const thread = (): Promise<Thread> =>
    (current ??= startThread(entry, { threads }, (reason) => {
      current = undefined;
      restarts += 1;
      if (!stopped) onCrash(reason);
    }));
  let latest = await thread();

  const createSession = async (model: Uint8Array): Promise<Session> => {
    const { ask } = (latest = await thread());
    made += 1;
    const session = made;
    const { inputs, outputs } = await ask({ kind: "create", session, model });
    return {
      inputs,
      outputs,
      run: (feeds) => ask({ kind: "run", session, feeds }),
      release: async () => void (await ask({ kind: "release", session })),
    };
  };
  return {
    backend: "wasm",
    version: latest.version,
    createSession,
    memoryBytes: () => latest.memoryBytes(),
    restarts: () => restarts,
    stop: async () => {
      stopped = true;
      await latest.end();
    },
  };
};
