/** The runtime's thread, with a fault: a run that is fed `crash` finds its WASM memory overwritten. */

import { parentPort } from "node:worker_threads";
import type { Asked } from "../../src/node/runtime-messages.ts";
import { overwriteMemory } from "./wasm-memory.ts";

parentPort!.on("message", ({ call }: Asked) => {
  if (call.kind === "run" && "crash" in call.feeds) overwriteMemory();
});

await import("../../src/node/runtime-thread.ts");
