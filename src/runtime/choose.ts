/** Which backend runs, and why. */

import { RuntimeError, type Backend } from "./session.ts";
import { reasonOf } from "../reason.ts";

/** `auto`: WebGPU where there is an adapter and the network needs nothing that WebGPU lacks, else WASM. */
export type Wanted = "auto" | Backend;

export const wantedNames: readonly Wanted[] = ["auto", "webgpu", "wasm"];

export interface Choice {
  readonly backend: Backend;
  /** A clause without a full stop. */
  readonly why: string;
}

export interface Adapter {
  readonly name: string;
  /** By software it is slower than WASM: it must be asked for. */
  readonly software: boolean;
}

/** What is known of WebGPU where the network is to run. */
export interface WebGpu {
  /** @throws where there is none, saying why. */
  readonly adapter: () => Promise<Adapter>;
  /** Operators of the network's graphs that WebGPU lacks. */
  readonly missing: () => readonly string[] | Promise<readonly string[]>;
}

/** @throws RuntimeError where WebGPU is wanted and cannot be had. */
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
