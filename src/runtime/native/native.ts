/**
 * Native onnxruntime (the optional package onnxruntime-node) on the CPU, under Node. A call occupies its thread until it has ended, and a
 * thread that is terminated during a call aborts the whole process: run it in a process of its own (`node/runtime.ts`).
 */

import type * as ort from "onnxruntime-node";
import { reasonOf } from "../../reason.ts";
import { oneAtATime, runOnHost } from "../onnxruntime.ts";
import { RuntimeError, type Optimisation, type Runtime, type Session } from "../session.ts";

/** The version that package.json names, for the sentence that says how to install it. */
export const NATIVE_VERSION = "1.30.0";

/**
 * Options of every session.
 *
 * Memory comes from onnxruntime's arena, which saves a tenth to a quarter of the time. A memory pattern would double the memory and save
 * nothing. As on WASM, common subexpressions are not eliminated: values that a gradient recomputes would be merged with the originals.
 *
 * `x64quantprecision`: on x86 without VNNI, the kernels for weights of int8 add pairs of products u8·s8 in 16 bits, which saturate
 * (255·127·2 > 2¹⁵ − 1). With this option onnxruntime converts the weights to uint8 there, for which its kernels are exact. It changes
 * nothing on other processors.
 */
const sessionOptions: ort.InferenceSession.SessionOptions = {
  executionProviders: ["cpu"],
  executionMode: "sequential",
  enableCpuMemArena: true,
  enableMemPattern: false,
  interOpNumThreads: 1,
  logSeverityLevel: 4,
  extra: {
    optimization: { disable_specified_optimizers: "CommonSubexpressionElimination" },
    session: { x64quantprecision: "1" },
  },
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
}

/** Starts native onnxruntime. @throws RuntimeError, saying how to install it, where the package is absent or does not load. */
export const startNative = async ({ threads = 1, optimisation = "all" }: NativeOptions = {}): Promise<Runtime> => {
  const { env, InferenceSession, Tensor } = await load();
  env.logLevel = "fatal"; // Errors are thrown.
  const before = process.resourceUsage().maxRSS;
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
    const options = { ...sessionOptions, intraOpNumThreads: threads, graphOptimizationLevel: optimisation };
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
    // maxRSS is in KiB on every platform.
    memoryBytes: () => 1024 * (process.resourceUsage().maxRSS - before),
  };
};
