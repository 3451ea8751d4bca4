/** An evaluation's thread, with faults: at the item "crash" its WASM memory is overwritten, at "exit" it ends. */

import { parentPort, workerData } from "node:worker_threads";
import type { EvaluationData, ToThread } from "../../src/node/evaluation-messages.ts";

let memory: WebAssembly.Memory | undefined;
const instantiate = WebAssembly.instantiate.bind(WebAssembly) as (...args: readonly unknown[]) => Promise<unknown>;
const seen = (source: unknown, imports: WebAssembly.Imports): Promise<unknown> => {
  const given = Object.values(imports).flatMap((space) => Object.values(space as object));
  memory ??= given.find((value) => value instanceof WebAssembly.Memory);
  return instantiate(source, imports);
};
Object.assign(WebAssembly, { instantiate: seen });

const { items } = workerData as EvaluationData;
parentPort!.on("message", (message: ToThread) => {
  const name = message.kind === "group" ? items[message.group.item]!.name : "";
  if (name.startsWith("crash")) new Uint8Array(memory!.buffer).fill(0xff);
  if (name.startsWith("exit")) process.exit(3);
});

await import("../../src/node/evaluation-thread.ts");
