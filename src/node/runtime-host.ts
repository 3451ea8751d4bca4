/** Where a runtime lives beside the event loop: in a thread, or in a process. Both are spoken to by messages. */

import { fork } from "node:child_process";
import type { Asked, RuntimeData, Told } from "./runtime-messages.ts";
import { loaderFlags, startWorker } from "./worker.ts";

export interface Host {
  readonly post: (message: Asked) => void;
  readonly end: () => Promise<unknown>;
  /** Of a process. */
  readonly processId?: number | undefined;
}

export interface HostEvents {
  readonly onMessage: (message: Told) => void;
  /** It answers no more. */
  readonly onDown: (reason: string) => void;
}

export type StartHost = (entry: URL, data: RuntimeData, events: HostEvents) => Host;

export const inThread: StartHost = (entry, data, { onMessage, onDown }) => {
  const worker = startWorker(entry, data);
  worker.on("message", onMessage);
  worker.on("error", (error) => onDown(`the runtime's thread failed: ${error.message}`));
  worker.on("exit", () => onDown("the runtime's thread has ended"));
  // Nothing is transferred: the caller keeps it.
  return { post: (message) => worker.postMessage(message, []), end: () => worker.terminate() };
};

export const inProcess: StartHost = (entry, _, { onMessage, onDown }) => {
  const child = fork(entry, {
    serialization: "advanced",
    execArgv: loaderFlags() ?? ["--import", import.meta.resolve("tsx")],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  // What drivers say is told where it may be the reason for something.
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (said = `${said}${text}`.slice(-1000)));
  child.on("message", (message) => onMessage(message as Told));
  child.on("error", (error) => onDown(`the runtime's process failed: ${error.message}`));
  child.on("exit", (code, signal) =>
    onDown(`the runtime's process has ended (${signal ?? code})${said && `: ${said.trim()}`}`),
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
