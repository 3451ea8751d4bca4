/** The interface of the backends, which run ONNX models: bytes of a model in, tensors out. */

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

/** Scores of labels, in float32; null where a denominator is zero. */
export interface AscentScores {
  readonly iou: readonly (number | null)[];
  readonly miou: number | null;
  readonly pixelAccuracy: number | null;
  /** Pixels that are not void in the reference. */
  readonly pixels: number;
}

/** The report of one step of an ascent on a device. Nothing else is read back between steps. */
export interface AscentStep {
  /** Number of the step, from 1. */
  readonly step: number;
  /** Loss of the image before the step. */
  readonly loss: number;
  /** Scores of the labels before the step, against the reference; null where there is none. */
  readonly scores: AscentScores | null;
  /** The same against the labels `wanted`. */
  readonly wanted: AscentScores | null;
  /** Number of components of the gradient that are exactly zero; null after the first step. */
  readonly zeros: number | null;
}

/** Bounds of each component, the intersection of a ball with the pixel range; in the layout of the image. */
export interface Bounds {
  readonly low: Float32Array<ArrayBuffer>;
  readonly high: Float32Array<ArrayBuffer>;
}

/** x ← min(max(x + α·sign ∇, low), high); with a momentum the sign is that of m ← μ·m + ∇/‖∇‖₁, from m = 0. */
export interface SignWalk extends Bounds {
  readonly kind: "sign";
  /** Step size, rounded to float32. */
  readonly alpha: number;
  /** μ, the decay factor of the accumulated gradient (Dong et al. 2018). Absent: the step follows the gradient itself. */
  readonly momentum?: number | undefined;
  /** With a momentum: ∇ is taken at x + α·μ·n·m, of n components, rather than at x (Nesterov; Lin et al. 2020). */
  readonly ahead?: boolean | undefined;
}

/**
 * y = x + α·∇ / ‖∇‖₂, and then the nearest point to y of the L2 ball around the centre met with the range of pixels; a gradient of zeros
 * moves nothing. The ascent starts in the ball, and its images may lie outside of it by rounding.
 */
export interface L2Walk {
  readonly kind: "l2";
  /** In the layout of the image. */
  readonly centre: Float32Array<ArrayBuffer>;
  readonly alpha: number;
  readonly epsilon: number;
  readonly pixelRange: readonly [low: number, high: number] | null;
}

/**
 * Steps of APGD (Croce and Hein 2020), each of which the caller orders once it has seen the report of the image at hand; the ascent
 * ends with the best one.
 */
export interface LedWalk {
  readonly kind: "led";
  /** The balls that orders name. */
  readonly balls: readonly Bounds[];
}

/** What becomes of the image x of which a step has reported, and of those that are kept. */
export interface LedOrder {
  /** Whether x is kept, with its gradient, as the place of the largest value. */
  readonly isHighest: boolean;
  /** Whether x is kept as the best image. */
  readonly isBest: boolean;
  /**
   * A step, from x or from the place of the largest value, of η = `size`: z = P(x + η·sign ∇), then P(x + 0.75·(z − x) +
   * 0.25·(x − x₋₁)), or z itself where it `isFirst`; a restart from the projection of the best image; or nothing more.
   */
  readonly move:
    | { readonly kind: "step"; readonly from: "here" | "highest"; readonly size: number; readonly isFirst: boolean }
    | { readonly kind: "restart" }
    | { readonly kind: "end" };
  /** Which of the balls the move stays in. */
  readonly ball: number;
}

/** All that an ascent carries from one step to the next, by name, in the layout of the image. */
export type Held = Readonly<Record<string, Float32Array<ArrayBuffer>>> & { readonly image: Float32Array<ArrayBuffer> };

/** Where an ascent stands between two steps: what it takes to continue it in another session. */
export interface AscentState {
  /** Number of steps that are done. */
  readonly step: number;
  readonly held: Held;
}

/** What a watcher answers to the report of a step. */
export interface AscentAnswer {
  /** Of a walk that is led: how it goes on. */
  readonly order?: LedOrder | undefined;
  /** Inputs of the graph that change before the next evaluation. */
  readonly feeds?: Readonly<Record<string, Tensor>> | undefined;
  /** Whether the ascent ends here, without an image. */
  readonly isOver?: boolean | undefined;
}

export interface AscentLabels {
  /** 255: void. */
  readonly labels: Uint8Array<ArrayBuffer>;
  readonly classes: number;
}

export type Walk = SignWalk | L2Walk | LedWalk;

/** An ascent of one image. */
export interface AscentRequest {
  /** A tensor for each of the graph's inputs, of this image alone; the ascent starts at `image`. */
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly walk: Walk;
  /** 1, the default, to climb the loss; −1 to descend. */
  readonly sense?: 1 | -1 | undefined;
  /** Evaluations of the graph, each of which a step follows. */
  readonly steps: number;
  /** Labels against which each step is scored; without them there are no scores. */
  readonly reference?: AscentLabels | undefined;
  /** Further labels that each step is scored against. */
  readonly wanted?: AscentLabels | undefined;
  /** Number of steps after which all that is carried on is read back, to resume from if the device is lost. 0, the default: resume from the start. */
  readonly checkpointEvery?: number | undefined;
  /** Where another session has left the ascent, with the feeds as they are then; default: at its start. */
  readonly from?: AscentState | undefined;
}

/** What ascents must have in common to share a batch, beside the graph: the kind of walk, and what is reported. */
export const formOf = ({ walk, reference, wanted }: AscentRequest): string =>
  [
    walk.kind,
    ...(walk.kind === "sign" && walk.momentum !== undefined ? ["momentum", walk.ahead ? "ahead" : ""] : []),
    ...(reference ? ["reference"] : []),
    ...(wanted ? ["wanted"] : []),
  ].join(" ");

type Answered = AscentAnswer | undefined | void;

/** How an ascent of one image is watched. */
export interface AscentWatch {
  /** Awaited after each step; without it nothing is read back before the end. A walk that is led needs it, and an order from it. */
  readonly onStep?: ((step: AscentStep) => Answered | Promise<Answered>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How ascents that are made together are watched. */
export interface AscentsWatch {
  /** As in `AscentWatch`, with a report of each image and an answer to it; null of an image whose ascent has ended. */
  readonly onSteps?: ((steps: readonly (AscentStep | null)[]) => Promise<readonly Answered[]>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Number of steps after which those that have more are left where they stand; default: none is left. */
  readonly rounds?: number | undefined;
}

/** The image after the last step, or of a walk that is led the best one, and the last loss: where that is not finite, the image is worth nothing. */
export interface ClimbedAscent {
  readonly kind: "done";
  readonly image: Float32Array<ArrayBuffer>;
  readonly loss: number;
}

/** What an ascent has come to. */
export type AscentEnd =
  | ClimbedAscent
  | { readonly kind: "left"; readonly state: AscentState }
  /** By the watcher's answer. */
  | { readonly kind: "over" };

/**
 * A graph of N images with an input `image` [N,…], and outputs `gradient` (of its shape), `loss` (N numbers) and `labels` (uint8
 * [N,…]). Every other input has the axis of the images too.
 */
export interface AscentSession {
  /**
   * Ascends with N images, each within a ball of its own and as far as it asks.
   *
   * @param requests N of the same form (`formOf`).
   * @throws RuntimeError where the backend fails; the signal's reason where it is aborted.
   */
  readonly ascend: (requests: readonly AscentRequest[], watch?: AscentsWatch) => Promise<readonly AscentEnd[]>;
  readonly release: () => Promise<void>;
}

export interface AscentOptions {
  /** Whether the graph's commands are recorded and replayed; default no: not every graph can be. */
  readonly capture?: boolean | undefined;
}

/**
 * onnxruntime's level of graph optimisation on the CPU; default "all". At that level a Conv is fused with the Add after it even where the
 * Conv's result is an output, and the run fails ("non-tensor typed value"): graphs that output inner values need "extended".
 */
export type Optimisation = "extended" | "all";

export type Backend = "wasm" | "webgpu" | "native";

export interface SessionOptions {
  /**
   * Whether the model is as onnxruntime's own optimisations leave it, which are then not run again; default no. A backend other than WASM may
   * run them all the same.
   */
  readonly optimised?: boolean | undefined;
}

/** A backend that runs ONNX models. One session after another: calls wait for each other. */
export interface Runtime {
  readonly backend: Backend;
  /** Name and version of what executes, for example "onnxruntime-web 1.30.0". */
  readonly version: string;
  /** @throws RuntimeError for a model that the backend refuses. */
  readonly createSession: (model: Uint8Array, options?: SessionOptions) => Promise<Session>;
  /** Present where an ascent can stay on the backend's device. @throws RuntimeError for a model that the backend refuses. */
  readonly createAscent?: (model: Uint8Array, options?: AscentOptions) => Promise<AscentSession>;
  /** Bytes of the largest tensor that the backend's device takes; absent where it has no such limit. */
  readonly largestTensorBytes?: number | undefined;
  /** Current size of the backend's memory in bytes; it never shrinks. */
  readonly memoryBytes: () => number;
  /** How often the backend was restarted; earlier sessions can no longer run. Absent where it never restarts. */
  readonly restarts?: () => number;
}

/** The backend failed: out of memory, an operator it lacks, a model it refuses. */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
}

/** The backend crashed, with all its sessions. */
export class RuntimeCrash extends RuntimeError {}
