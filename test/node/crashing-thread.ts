/** The runtime's thread, with a fault: a run that is fed `crash` finds its WASM memory overwritten. */

import { parentPort } from "node:worker_threads";
import type { Asked } from "../../src/node/runtime-messages.ts";

let memory: WebAssembly.Memory | undefined;
const instantiate = WebAssembly.instantiate.bind(WebAssembly) as (...args: readonly unknown[]) => Promise<unknown>;
const seen = (source: unknown, imports: WebAssembly.Imports): Promise<unknown> => {
  const given = Object.values(imports).flatMap((space) => Object.values(space as object));
  memory ??= given.find((value) => value instanceof WebAssembly.Memory);
  return instantiate(source, imports);
};
Object.assign(WebAssembly, { instantiate: seen });

parentPort!.on("message", ({ call }: Asked) => {
  if (call.kind === "run" && "crash" in call.feeds) new Uint8Array(memory!.buffer).fill(0xff);
});

await import("../../src/node/runtime-thread.ts");
