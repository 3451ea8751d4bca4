/**
 * Entry of the process in which `runtime.ts` runs WebGPU. Its WebAssembly is compiled without optimisation
 * (`runtime/webgpu/node.ts`), which would slow down a WASM runtime in the same process; and a driver that crashes ends only
 * this process.
 */

import { adapterOf } from "../runtime/gpu/device.ts";
import { startGpuRuntime } from "../runtime/gpu/runtime.ts";
import { openAdapter } from "../runtime/gpu/node.ts";
import { openNodeDevice } from "../runtime/webgpu/node.ts";
import { answering } from "./runtime-calls.ts";
import type { Asked, Ready, Told } from "./runtime-messages.ts";
import { reasonOf } from "../reason.ts";

const post = (message: Told): void => void process.send!(message);

/** The process ends with its parent. */
process.on("disconnect", () => process.exit());

try {
  const adapter = adapterOf(await openAdapter());
  const runtime = await startGpuRuntime(openNodeDevice);
  const answer = answering(runtime, post);
  process.on("message", (asked) => answer(asked as Asked));
  post({ version: runtime.version, backend: runtime.backend, adapter } satisfies Ready);
} catch (cause) {
  post({ unavailable: reasonOf(cause) } satisfies Ready);
}
