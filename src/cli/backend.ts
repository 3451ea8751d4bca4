/** `--backend` and `--threads`: where a command runs its network. */

import { UsageError } from "../node/failure.ts";
import { wantedBackend, wholeNumber, type Options, type Values } from "../node/options.ts";
import { runtimeFor, type ChosenRuntime, type RuntimeNeeds } from "../node/runtime-for.ts";
import type { Choice, Wanted } from "../runtime/choose.ts";
import type { Runtime } from "../runtime/session.ts";
import { SessionCache } from "../segmenter/session-cache.ts";
import { usualBytes } from "./machine-memory.ts";

/** Memory budget of a command on WASM, in bytes: almost all that it can address. */
export const BUDGET_BYTES = 2 ** 31;

/** The sessions of a command. Native ones may take three fifths of the machine's memory; on a GPU, memory is planned as on WASM. */
export const cacheOn = (runtime: Runtime): SessionCache =>
  new SessionCache(runtime, runtime.backend === "native" ? usualBytes() : BUDGET_BYTES);

/** The default is WASM because its results are the same on every machine; native kernels differ from processor to processor. */
export const backendFlags = {
  backend: {
    type: "string",
    value: "NAME",
    default: "wasm",
    help: "webgpu, native (onnxruntime-node), wasm, or auto: the first of these there is",
  },
  threads: { type: "string", value: "N", default: "1", help: "threads of a run on native" },
} as const satisfies Options;

/** The backend that the flags ask for, and the threads of its runs. */
export interface Place {
  readonly wanted: Wanted;
  readonly threads: number;
}

/** @throws UsageError */
export const placeFrom = (values: Values<typeof backendFlags>): Place => {
  const wanted = wantedBackend(values.backend);
  const threads = wholeNumber("threads", values.threads, 1, 1024);
  if (threads > 1 && wanted !== "native" && wanted !== "auto")
    throw new UsageError(`--threads ${threads} goes with --backend native or auto; ${wanted} runs on one`);
  return { wanted, threads };
};

/** @throws RuntimeError where the backend that is requested is unavailable. */
export const startAt = (
  { wanted, threads }: Place,
  needs: Omit<RuntimeNeeds, "threads"> = {},
): Promise<ChosenRuntime> => runtimeFor(wanted, { ...needs, threads });

/** Where it ran and why, for the text of an answer; nothing where the command's default was asked for. */
export const ranOn = ({ wanted }: Place, { backend, why }: Choice): readonly string[] =>
  wanted === "wasm" ? [] : [`on ${backend}: ${why}`];
