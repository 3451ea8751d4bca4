/** Worker threads and processes of this folder's modules, compiled or as sources. */

import nodeModule, { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker, type ResourceLimits } from "node:worker_threads";

/** "js" in the compiled package, "ts" where the sources run. */
const extension = import.meta.url.slice(-2);

/** A module of this folder that a thread or a process starts with. */
export const entryOf = (name: string): URL => new URL(`${name}.${extension}`, import.meta.url);

const isSource = (entry: URL): boolean => entry.pathname.endsWith(".ts");

/** The flags by which Node below 20.6 compiles TypeScript; null for later versions, where hooks are registered instead. */
const loaderFlags = (): string[] | null =>
  "register" in nodeModule
    ? null
    : ["--no-warnings", "--loader", pathToFileURL(createRequire(import.meta.url).resolve("tsx/esm")).href];

/** The flags of a process that runs the entry. */
export const processFlags = (entry: URL): string[] =>
  isSource(entry) ? (loaderFlags() ?? ["--import", import.meta.resolve("tsx")]) : [];

/** Starts a thread. One that runs a source does not inherit the hooks that compile TypeScript, and so registers its own first. */
export const startWorker = (entry: URL, workerData: unknown, resourceLimits: ResourceLimits = {}): Worker => {
  if (!isSource(entry)) return new Worker(entry, { workerData, resourceLimits });
  const flags = loaderFlags();
  if (flags) return new Worker(entry, { workerData, execArgv: flags, resourceLimits });
  const lines = [
    `import { register } from ${JSON.stringify(import.meta.resolve("tsx/esm/api"))};`,
    "register();",
    `await import(${JSON.stringify(entry)});`,
  ];
  const script = new URL(`data:text/javascript,${encodeURIComponent(lines.join("\n"))}`);
  return new Worker(script, { workerData, execArgv: [], resourceLimits });
};
