/**
 * The process of `runtime.ts`: WebGPU. Its WebAssembly is compiled without optimisation (`runtime/webgpu/node.ts`), which would slow a
 * WASM runtime of the same process down; and a driver that fails takes this process alone.
 */

import { adapterOf } from "../runtime/gpu/device.ts";
import { startGpuRuntime } from "../runtime/gpu/runtime.ts";
import { openAdapter } from "../runtime/gpu/node.ts";
import { openNodeDevice } from "../runtime/webgpu/node.ts";
import { answering } from "./runtime-calls.ts";
import type { Asked, Ready, Told } from "./runtime-messages.ts";
import { reasonOf } from "../reason.ts";

const post = (message: Told): void => void process.send!(message);

/** Without its parent it has nothing to do. */
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
