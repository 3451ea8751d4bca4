/** Which backend runs, and why. */

import { RuntimeError, type Backend } from "./session.ts";
import { reasonOf } from "../reason.ts";

/** `auto`: WebGPU where there is a hardware adapter and WebGPU has every operator of the network; otherwise WASM. */
export type Wanted = "auto" | Backend;

export const wantedNames: readonly Wanted[] = ["auto", "webgpu", "wasm"];

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

/** WebGPU where the network is to run. */
export interface WebGpu {
  /** @throws where there is none; the message says why. */
  readonly adapter: () => Promise<Adapter>;
  /** Operators of the network's graphs that WebGPU lacks. */
  readonly missing: () => readonly string[] | Promise<readonly string[]>;
}

/** @throws RuntimeError where WebGPU is requested and unavailable. */
export const chooseBackend = async (wanted: Wanted, { adapter, missing }: WebGpu): Promise<Choice> => {
  if (wanted === "wasm") return { backend: "wasm", why: "it was asked for" };
  const without = (reason: string): Choice => {
    if (wanted === "webgpu") throw new RuntimeError(`WebGPU cannot be had: ${reason}`);
    return { backend: "wasm", why: reason };
  };
  let found: Adapter;
  try {
    found = await adapter();
  } catch (cause) {
    return without(reasonOf(cause));
  }
  const { name, software } = found;
  if (software && wanted === "auto") return without(`the only WebGPU adapter is software (${name})`);
  const lacking = await missing();
  if (lacking.length > 0) return without(`WebGPU lacks ${lacking.join(", ")}, which the network needs`);
  return { backend: "webgpu", why: `there is an adapter, ${name}, and the whole network runs on it` };
};
