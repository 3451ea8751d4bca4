/** What runs a graph: bytes of an ONNX model in, tensors out. Every backend gives the same. */

import type { Tensor } from "../tensor.ts";

/** A model that is ready to run. */
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

/** What each step of an ascent on a device tells; the only bytes that leave the device on the way. */
export interface AscentStep {
  /** Counts from 1. */
  readonly step: number;
  /** The graph's, where the step starts. */
  readonly loss: number;
  /** Of the labels where the step starts, against the reference; in float32, null where there is nothing to divide by. */
  readonly scores: {
    readonly iou: readonly (number | null)[];
    readonly miou: number | null;
    readonly pixelAccuracy: number | null;
    /** That are not void in the reference. */
    readonly pixels: number;
  } | null;
  /** Components of the gradient that are exactly zero; of the first step alone. */
  readonly zeros: number | null;
}

/** x ← min(max(x + α·sign ∇, low), high), `steps` times. */
export interface AscentRequest {
  /** Of the graph's inputs; the ascent starts at `image`. */
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** The ends of the ε-ball met with the pixel range, shaped as the image. */
  readonly low: Float32Array<ArrayBuffer>;
  readonly high: Float32Array<ArrayBuffer>;
  /** Step size, rounded to float32; negative to descend. */
  readonly alpha: number;
  readonly steps: number;
  /** Labels (255: void) that the steps' labels are scored against; without it there are no scores. */
  readonly reference?: { readonly labels: Uint8Array<ArrayBuffer>; readonly classes: number } | undefined;
  /** After so many steps each the image is read back, to start from should the device be lost; 0, the default: from the start. */
  readonly checkpointEvery?: number | undefined;
}

export interface AscentWatch {
  /** Awaited after each step, in turn; without it nothing is read back until the end. */
  readonly onStep?: ((step: AscentStep) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A graph with an input `image`, and outputs `gradient` (of its shape), `loss` (one number) and `labels` (uint8). */
export interface AscentSession {
  /**
   * @returns the image after the last step.
   * @throws RuntimeError where the backend fails, or the loss overflows; the signal's reason where it is aborted.
   */
  readonly ascend: (request: AscentRequest, watch?: AscentWatch) => Promise<Float32Array<ArrayBuffer>>;
  readonly release: () => Promise<void>;
}

export interface AscentOptions {
  /** Whether the graph's commands are recorded and replayed; default no: not every graph can be. */
  readonly capture?: boolean | undefined;
}

export type Backend = "wasm" | "webgpu";

/** A backend that runs ONNX models. One session after another: calls wait for each other. */
export interface Runtime {
  readonly backend: Backend;
  /** Name and version of what executes, e.g. "onnxruntime-web 1.30.0". */
  readonly version: string;
  /** @throws RuntimeError for a model that the backend refuses. */
  readonly createSession: (model: Uint8Array) => Promise<Session>;
  /** Where ascents can stay on the backend's device. @throws RuntimeError for a model that the backend refuses. */
  readonly createAscent?: (model: Uint8Array, options?: AscentOptions) => Promise<AscentSession>;
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
