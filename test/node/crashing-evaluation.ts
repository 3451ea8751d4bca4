/** An evaluation's thread, with faults: at the item "crash" its WASM memory is overwritten, at "exit" it ends. */

import { parentPort } from "node:worker_threads";
import type { ToThread } from "../../src/node/evaluation-messages.ts";
import { overwriteMemory } from "./wasm-memory.ts";

parentPort!.on("message", (message: ToThread) => {
  const name = message.kind === "groups" ? message.item.name : "";
  if (name.startsWith("crash")) overwriteMemory();
  if (name.startsWith("exit")) process.exit(3);
});

await import("../../src/node/evaluation-thread.ts");
