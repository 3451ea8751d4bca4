/** Entry of the thread in which `runtime.ts` runs onnxruntime's WASM: one instance. */

import { parentPort, workerData } from "node:worker_threads";
import { startWasmThreads } from "../runtime/wasm/threads.ts";
import { answering } from "./runtime-calls.ts";
import type { Ready, RuntimeData } from "./runtime-messages.ts";

const { threads } = workerData as RuntimeData;
const runtime = startWasmThreads(threads);
const port = parentPort!;
port.on(
  "message",
  answering(runtime, (message) => port.postMessage(message)),
);
port.postMessage({ version: runtime.version, backend: runtime.backend } satisfies Ready);
