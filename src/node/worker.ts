/** Worker threads that run TypeScript. */

import nodeModule, { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker, type ResourceLimits } from "node:worker_threads";

/**
 * The flags by which Node below 20.6 compiles TypeScript; null for later versions, where hooks are registered instead.
 */
export const loaderFlags = (): string[] | null =>
  "register" in nodeModule
    ? null
    : ["--no-warnings", "--loader", pathToFileURL(createRequire(import.meta.url).resolve("tsx/esm")).href];

/** Starts a thread. It does not inherit the hooks that compile TypeScript, and so registers its own first. */
export const startWorker = (entry: URL, workerData: unknown, resourceLimits: ResourceLimits = {}): Worker => {
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
