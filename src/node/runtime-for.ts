/** The runtime of a command or of a thread. */

import { chooseBackend, type Adapter, type Choice, type Wanted } from "../runtime/choose.ts";
import type { Runtime } from "../runtime/session.ts";
import { startWasm } from "../runtime/wasm/wasm.ts";
import { startGpuProcess } from "./runtime.ts";

export interface ChosenRuntime {
  readonly runtime: Runtime;
  readonly choice: Choice;
  readonly stop: () => Promise<void>;
}

/**
 * The runtime of a command: WebGPU, in a process of its own, where it is available and lacks no operator; else WASM.
 *
 * @param missing operators of the network that WebGPU would leave to the CPU
 * @throws RuntimeError where WebGPU is requested and unavailable.
 */
export const runtimeFor = async (
  wanted: Wanted,
  missing: () => readonly string[] | Promise<readonly string[]>,
  wasm: () => Runtime = startWasm,
): Promise<ChosenRuntime> => {
  let gpu: Awaited<ReturnType<typeof startGpuProcess>> | undefined;
  const stop = async (): Promise<void> => gpu?.runtime.stop();
  const adapter = async (): Promise<Adapter> => {
    gpu = await startGpuProcess(() => undefined);
    return gpu.adapter;
  };
  try {
    const choice = await chooseBackend(wanted, { adapter, missing });
    if (gpu && choice.backend === "webgpu") return { runtime: gpu.runtime, choice, stop };
    await stop();
    return { runtime: wasm(), choice, stop: () => Promise.resolve() };
  } catch (cause) {
    await stop();
    throw cause;
  }
};
