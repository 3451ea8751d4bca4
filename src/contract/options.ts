/** Options of a request about how its network runs. */

import type { TransformSpec } from "../transforms/pipeline.ts";

/** A fully connected CRF behind the network; src/crf/parameters.ts has the symbols. */
interface Crf {
  readonly iterations: number;
  readonly gaussian: { readonly weight: number; readonly theta: number };
  readonly bilateral: { readonly weight: number; readonly thetaAlpha: number; readonly thetaBeta: number };
  readonly compatibility?: "potts" | readonly (readonly number[])[];
}

/** `attacked`: whether the attack's gradient goes through the CRF. */
export type CrfChoice = "none" | (Omit<Crf, "compatibility"> & { readonly attacked: boolean });

/** Where a network runs. */
export type RanOn = "webgpu" | "native" | "wasm";

/** `auto`: WebGPU where the host has an adapter and the whole network runs on it, else native onnxruntime where the host has it, else WASM. */
export type Backend = "auto" | RanOn;

/** Transformations before the network, and how an attack takes them; src/segmenter/front.ts explains both. */
export interface TransformChoice {
  /** In place of the model's own. */
  readonly transform?: "none" | readonly TransformSpec[] | undefined;
  /** Through their gradients where it is absent. */
  readonly through?: "differentiable" | "bpda" | "naive" | undefined;
  /** Draws over which each gradient is averaged; 1 where it is absent. */
  readonly draws?: number | undefined;
}
