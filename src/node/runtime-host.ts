/** Where a runtime lives beside the event loop: in a thread, or in a process. Both are spoken to by messages. */

import { fork } from "node:child_process";
import nodeModule, { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { Asked, RuntimeData, Told } from "./runtime-messages.ts";

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

/** "js" where this is compiled, "ts" where the sources run. */
const extension = import.meta.url.slice(-2);

/** A module of this folder that a thread or a process starts with. */
export const entryOf = (name: string): URL => new URL(`${name}.${extension}`, import.meta.url);

/** Node below 20.6 takes hooks that compile TypeScript as a flag only; null where they can be registered. */
const loaderFlags = (): string[] | null =>
  "register" in nodeModule
    ? null
    : ["--no-warnings", "--loader", pathToFileURL(createRequire(import.meta.url).resolve("tsx/esm")).href];

const isSource = (entry: URL): boolean => entry.pathname.endsWith(".ts");

/** Threads do not inherit the hooks that compile TypeScript: for a source each begins by setting up its own. */
const startWorker = (entry: URL, workerData: RuntimeData): Worker => {
  if (!isSource(entry)) return new Worker(entry, { workerData });
  const flags = loaderFlags();
  if (flags) return new Worker(entry, { workerData, execArgv: flags });
  const lines = [
    `import { register } from ${JSON.stringify(import.meta.resolve("tsx/esm/api"))};`,
    "register();",
    `await import(${JSON.stringify(entry)});`,
  ];
  const script = new URL(`data:text/javascript,${encodeURIComponent(lines.join("\n"))}`);
  return new Worker(script, { workerData, execArgv: [] });
};

/** What a process is started with, so that it runs its entry. */
const processFlags = (entry: URL): string[] =>
  isSource(entry) ? (loaderFlags() ?? ["--import", import.meta.resolve("tsx")]) : [];

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
    execArgv: processFlags(entry),
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
