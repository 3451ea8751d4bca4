/** What runs a graph: bytes of an ONNX model in, tensors out. Every backend gives the same. */

import type { Tensor } from "../tensor.ts";

export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * @param feeds a tensor for each input; others are ignored.
   * @returns a tensor for each output, in memory of its own.
   * @throws RuntimeError where an input is missing or the backend fails.
   */
  readonly run: (feeds: Readonly<Record<string, Tensor>>) => Promise<Record<string, Tensor>>;
  /** Frees the session's memory; it cannot run any more. */
  readonly release: () => Promise<void>;
}

export interface Runtime {
  readonly backend: "wasm" | "webgpu";
  /** Name and version of what executes, e.g. "onnxruntime-web 1.30.0". */
  readonly version: string;
  /** @throws RuntimeError for a model that the backend refuses. */
  readonly createSession: (model: Uint8Array) => Promise<Session>;
  /** Bytes of the backend's memory now. It grows and never shrinks. */
  readonly memoryBytes: () => number;
  /** How often it was started anew: sessions from before cannot run any more. Absent where it is started once only. */
  readonly restarts?: () => number;
}

/** The backend failed: out of memory, an operator it lacks, a model it refuses. */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
}

/** The backend went down with all its sessions. */
export class RuntimeCrash extends RuntimeError {}
