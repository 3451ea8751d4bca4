/** Which backend runs, and why. */

import { RuntimeError, type Backend } from "./session.ts";
import { reasonOf } from "../reason.ts";

/**
 * `auto`: WebGPU where there is a hardware adapter and WebGPU has every operator of the network; otherwise native onnxruntime where it is
 * installed; otherwise WASM.
 */
export type Wanted = "auto" | Backend;

export const wantedNames: readonly Wanted[] = ["auto", "webgpu", "native", "wasm"];

export interface Choice {
  readonly backend: Backend;
  /** A clause without a full stop. */
  readonly why: string;
}

export interface Adapter {
  readonly name: string;
  /** Whether the adapter is software, which is slower than WASM and therefore runs on explicit request only. */
  readonly software: boolean;
}

/** What there may be beside WASM where the network is to run. Each is asked only if the choice depends on it. */
export interface Hosts {
  /** WebGPU's adapter. @throws where there is none; the message says why. */
  readonly adapter: () => Promise<Adapter>;
  /** Operators of the network's graphs that WebGPU lacks. */
  readonly missing: () => readonly string[] | Promise<readonly string[]>;
  /** Name and version of native onnxruntime. @throws where there is none; the message says why. Absent where there can be none. */
  readonly native?: (() => Promise<string>) | undefined;
}

/** A choice, or the reason against a backend. */
type Found = Choice | string;

const webGpuIn = async ({ adapter, missing }: Hosts, wanted: Wanted): Promise<Found> => {
  let found: Adapter;
  try {
    found = await adapter();
  } catch (cause) {
    return reasonOf(cause);
  }
  const { name, software } = found;
  if (software && wanted === "auto") return `the only WebGPU adapter is software (${name})`;
  const lacking = await missing();
  if (lacking.length > 0) return `WebGPU lacks ${lacking.join(", ")}, which the network needs`;
  return { backend: "webgpu", why: `there is an adapter, ${name}, and the whole network runs on it` };
};

const nativeIn = async ({ native }: Hosts, why: (version: string) => string): Promise<Found> => {
  if (!native) return "native onnxruntime runs under Node only";
  try {
    return { backend: "native", why: why(await native()) };
  } catch (cause) {
    return reasonOf(cause);
  }
};

const asked = "it was asked for";

/** @throws RuntimeError where the backend that is requested is unavailable. */
export const chooseBackend = async (wanted: Wanted, hosts: Hosts): Promise<Choice> => {
  if (wanted === "wasm") return { backend: "wasm", why: asked };
  if (wanted === "native") {
    const found = await nativeIn(hosts, () => asked);
    if (typeof found !== "string") return found;
    throw new RuntimeError(`native onnxruntime cannot be had: ${found}`);
  }
  const webgpu = await webGpuIn(hosts, wanted);
  if (typeof webgpu !== "string") return webgpu;
  if (wanted === "webgpu") throw new RuntimeError(`WebGPU cannot be had: ${webgpu}`);
  if (!hosts.native) return { backend: "wasm", why: webgpu };
  const native = await nativeIn(hosts, (version) => `${version} is installed, and ${webgpu}`);
  return typeof native === "string" ? { backend: "wasm", why: `${webgpu}, and ${native}` } : native;
};
