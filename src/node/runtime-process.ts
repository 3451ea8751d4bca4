/**
 * Entry of the process in which `runtime.ts` runs WebGPU or native onnxruntime; its argument is the `RuntimeData`. For WebGPU, WebAssembly is
 * compiled without optimisation (`runtime/webgpu/node.ts`), which would slow down a WASM runtime in the same process; and a driver or a
 * native kernel that crashes ends only this process.
 */

import { answering } from "./runtime-calls.ts";
import type { Asked, Ready, RuntimeData, Told } from "./runtime-messages.ts";
import type { Adapter } from "../runtime/choose.ts";
import type { Backend, Runtime } from "../runtime/session.ts";
import { reasonOf } from "../reason.ts";

interface Started {
  readonly runtime: Runtime;
  readonly adapter?: Adapter;
}

/** Each loads no other backend's package. */
const starts: Readonly<Record<Exclude<Backend, "wasm">, (data: RuntimeData) => Promise<Started>>> = {
  webgpu: async () => {
    const { adapterOf } = await import("../runtime/gpu/device.ts");
    const { openAdapter } = await import("../runtime/gpu/node.ts");
    const { startGpuRuntime } = await import("../runtime/gpu/runtime.ts");
    const { openNodeDevice } = await import("../runtime/webgpu/node.ts");
    const adapter = adapterOf(await openAdapter());
    return { runtime: await startGpuRuntime(openNodeDevice), adapter };
  },
  native: async ({ threads, optimisation }) => {
    const { startExactNative } = await import("./native-integers.ts");
    return { runtime: await startExactNative({ threads, optimisation }) };
  },
};

const post = (message: Told): void => void process.send!(message);

/** The process ends with its parent. */
process.on("disconnect", () => process.exit());
/** An interrupt from the terminal reaches every process of the command; its parent decides what ends. */
process.on("SIGINT", () => undefined);

try {
  const data = JSON.parse(process.argv[2]!) as RuntimeData & { readonly backend: keyof typeof starts };
  const { runtime, adapter } = await starts[data.backend](data);
  const answer = answering(runtime, post);
  process.on("message", (asked) => answer(asked as Asked));
  const { version, backend, largestTensorBytes } = runtime;
  post({ version, backend, largestTensorBytes, adapter } satisfies Ready);
} catch (cause) {
  post({ unavailable: reasonOf(cause) } satisfies Ready);
}
