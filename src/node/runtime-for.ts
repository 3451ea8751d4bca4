/** The runtime of a command or of a thread. */

import { chooseBackend, type Choice, type Wanted } from "../runtime/choose.ts";
import type { Optimisation, Runtime } from "../runtime/session.ts";
import { startWasm } from "../runtime/wasm/wasm.ts";
import { startGpuProcess, startNativeProcess, type ThreadRuntime } from "./runtime.ts";

export interface ChosenRuntime {
  readonly runtime: Runtime;
  readonly choice: Choice;
  readonly stop: () => Promise<void>;
}

export interface RuntimeNeeds {
  /** Operators of the network that WebGPU would leave to the CPU; default none. */
  readonly missing?: () => readonly string[] | Promise<readonly string[]>;
  /** Threads that share the work of a run on native onnxruntime; default 1. */
  readonly threads?: number | undefined;
  readonly optimisation?: Optimisation | undefined;
}

/**
 * The runtime of a command (see `Wanted`): WebGPU and native onnxruntime run in a process of their own, WASM in this thread.
 *
 * @throws RuntimeError where the backend that is requested is unavailable.
 */
export const runtimeFor = async (
  wanted: Wanted,
  { missing = () => [], threads, optimisation }: RuntimeNeeds = {},
): Promise<ChosenRuntime> => {
  const started = new Map<string, ThreadRuntime>();
  const stopAllBut = async (kept?: Runtime): Promise<void> => {
    for (const runtime of started.values()) if (runtime !== kept) await runtime.stop();
  };
  const adapter = async () => {
    const gpu = await startGpuProcess(() => undefined);
    started.set("webgpu", gpu.runtime);
    return gpu.adapter;
  };
  const native = async () => {
    const runtime = await startNativeProcess({ threads, optimisation });
    started.set("native", runtime);
    return runtime.version;
  };
  try {
    const choice = await chooseBackend(wanted, { adapter, missing, native });
    const placed = started.get(choice.backend);
    await stopAllBut(placed);
    return { runtime: placed ?? startWasm({ optimisation }), choice, stop: async () => placed?.stop() };
  } catch (cause) {
    await stopAllBut();
    throw cause;
  }
};
