/** The thread or process that a runtime runs in, off the event loop. Both communicate by messages. */

import { fork } from "node:child_process";
import type { Asked, RuntimeData, Told } from "./runtime-messages.ts";
import { processFlags, startWorker } from "./worker.ts";

export interface Host {
  readonly post: (message: Asked) => void;
  readonly end: () => Promise<unknown>;
  /** Id of the process; absent for a thread. */
  readonly processId?: number | undefined;
}

export interface HostEvents {
  readonly onMessage: (message: Told) => void;
  /** Called once the host no longer answers. */
  readonly onDown: (reason: string) => void;
}

export type StartHost = (entry: URL, data: RuntimeData, events: HostEvents) => Host;

export const inThread: StartHost = (entry, data, { onMessage, onDown }) => {
  const worker = startWorker(entry, data);
  worker.on("message", onMessage);
  worker.on("error", (error) => onDown(`the runtime's thread failed: ${error.message}`));
  worker.on("exit", () => onDown("the runtime's thread has ended"));
  // The transfer list is empty: the caller keeps its buffers.
  return { post: (message) => worker.postMessage(message, []), end: () => worker.terminate() };
};

export const inProcess: StartHost = (entry, data, { onMessage, onDown }) => {
  const child = fork(entry, [JSON.stringify(data)], {
    serialization: "advanced",
    execArgv: processFlags(entry),
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  // The last output of the drivers is added to the reason of a crash.
  let log = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (log = `${log}${text}`.slice(-1000)));
  child.on("message", (message) => onMessage(message as Told));
  child.on("error", (error) => onDown(`the runtime's process failed: ${error.message}`));
  child.on("exit", (code, signal) =>
    onDown(`the runtime's process has ended (${signal ?? code})${log && `: ${log.trim()}`}`),
  );
  return {
    processId: child.pid,
    post: (message) => void child.send(message),
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      await ended;
    },
  };
};
