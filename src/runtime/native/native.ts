/**
 * Native onnxruntime (the optional package onnxruntime-node) on the CPU, under Node. A call occupies its thread until it has ended, and a
 * thread that is terminated during a call aborts the whole process: run it in a process of its own (`node/runtime.ts`).
 */

import { existsSync, readFileSync } from "node:fs";
import type * as ort from "onnxruntime-node";
import { reasonOf } from "../../reason.ts";
import { oneAtATime } from "../../turns.ts";
import { runOnHost } from "../onnxruntime.ts";
import { RuntimeError, type Optimisation, type Runtime, type Session } from "../session.ts";

/** The version that package.json names, for the sentence that says how to install it. */
export const NATIVE_VERSION = "1.30.0";

/**
 * Options of every session.
 *
 * Memory comes from onnxruntime's arena, which saves up to a quarter of the time. A memory pattern would nearly double the memory and
 * save no time.
 */
const sessionOptions: ort.InferenceSession.SessionOptions = {
  executionProviders: ["cpu"],
  executionMode: "sequential",
  enableCpuMemArena: true,
  enableMemPattern: false,
  interOpNumThreads: 1,
  logSeverityLevel: 4,
};

/** Whether the model quantises values: names of operators are text in its file. */
const isQuantized = (model: Uint8Array): boolean =>
  Buffer.from(model.buffer, model.byteOffset, model.byteLength).includes("QuantizeLinear");

/**
 * As on WASM, common subexpressions are not eliminated: values that a gradient recomputes would be merged with the originals.
 *
 * The blocked layout of convolutions (NCHWc), which WASM does not have, saves a tenth to a quarter of the time of a float network, and
 * nothing where most convolutions are on integers. But it adds in another order: a float that rounds to another code then changes up to 1 % of
 * the labels. Quantised networks therefore run without it.
 *
 * @param exactWeights see `NativeOptions`.
 */
const extraOptions = (model: Uint8Array, exactWeights: boolean) => {
  const disabled = ["CommonSubexpressionElimination", ...(isQuantized(model) ? ["NchwcTransformer"] : [])];
  return {
    optimization: { disable_specified_optimizers: disabled.join(";") },
    session: { x64quantprecision: exactWeights ? "1" : "0" },
  };
};

const isAbsent = (cause: unknown): boolean =>
  cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";

const load = async (): Promise<typeof ort> => {
  try {
    return await import("onnxruntime-node");
  } catch (cause) {
    const remedy = `npm install --ignore-scripts onnxruntime-node@${NATIVE_VERSION} installs it`;
    throw new RuntimeError(
      isAbsent(cause)
        ? `the optional package onnxruntime-node is not installed; ${remedy}`
        : `onnxruntime-node does not load on ${process.platform} ${process.arch}: ${reasonOf(cause)}`,
      { cause },
    );
  }
};

export interface NativeOptions {
  /** Threads that share the work of a run; default 1. */
  readonly threads?: number | undefined;
  readonly optimisation?: Optimisation | undefined;
  /**
   * Whether weights of int8 are converted to uint8; default no. On x86 without VNNI the kernels for int8 add pairs of products u8·s8 in 16 bits,
   * which saturate (255·127·2 > 2¹⁵ − 1); those for uint8 are exact, and slower than those of VNNI.
   */
  readonly exactWeights?: boolean | undefined;
}

/**
 * The most memory that this process has had resident, in bytes. On Linux `maxRSS` begins with that of the parent at the fork, which `VmHWM` does
 * not; elsewhere there is no other figure. `maxRSS` is in KiB on every platform.
 */
const peakBytes = (): number => {
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS);
};

/** Starts native onnxruntime. @throws RuntimeError, saying how to install it, where the package is absent or does not load. */
export const startNative = async ({
  threads = 1,
  optimisation = "all",
  exactWeights = false,
}: NativeOptions = {}): Promise<Runtime> => {
  const { env, InferenceSession, Tensor } = await load();
  env.logLevel = "fatal"; // Errors are thrown.
  const before = peakBytes();
  const inTurn = oneAtATime();
  const guarded = <T>(what: string, call: () => Promise<T>): Promise<T> =>
    inTurn(async () => {
      try {
        return await call();
      } catch (cause) {
        throw new RuntimeError(`${what}: ${reasonOf(cause)}`, { cause });
      }
    });
  const createSession = async (model: Uint8Array): Promise<Session> => {
    const options = {
      ...sessionOptions,
      intraOpNumThreads: threads,
      graphOptimizationLevel: optimisation,
      extra: extraOptions(model, exactWeights),
    };
    const session = await guarded("the model was refused", () => InferenceSession.create(model, options));
    return {
      inputs: session.inputNames,
      outputs: session.outputNames,
      run: (feeds) => guarded("the run failed", () => runOnHost(Tensor, session, feeds)),
      release: () => guarded("the release failed", () => session.release()),
    };
  };
  return {
    backend: "native",
    version: `onnxruntime-node ${env.versions.node}`,
    createSession,
    memoryBytes: () => peakBytes() - before,
  };
};
