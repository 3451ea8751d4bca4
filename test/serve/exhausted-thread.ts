/** The service's thread, with a fault: asked for the model `exhaust`, it fills its heap. */

import { parentPort } from "node:worker_threads";
import type { ToService } from "../../src/node/service-messages.ts";

parentPort!.on("message", (message: ToService) => {
  if (message.kind !== "call" || message.argument !== "exhaust") return;
  const kept: number[][] = [];
  for (;;) kept.push(Array.from({ length: 2 ** 20 }, () => 0.5));
});

await import("../../src/node/service-thread.ts");
