/** Failures that the caller can correct, as data; only the API knows their HTTP statuses. */
import type { EvaluationState } from "./evaluations.ts";
import type { FieldError } from "./field-error.ts";
import type { FilePlace } from "./files.ts";
import type { Size } from "../tensor.ts";

/** What went wrong, by `kind`, with what would be accepted. */
export type Failure =
  | { readonly kind: "image-malformed"; readonly part: FilePlace; readonly reason: string }
  | {
      readonly kind: "image-unsupported-format";
      readonly part: FilePlace;
      /** What the file is; for a variant of an accepted format, which one. */
      readonly received: string;
      readonly accepted: readonly string[];
    }
  /** By its header, before decoding. */
  | {
      readonly kind: "image-too-large";
      readonly part: FilePlace;
      readonly size: Size;
      readonly maxPixels: number;
      /** Maximum width and maximum height. */
      readonly maxSide: number;
    }
  /** The network cannot take an image of this size. */
  | { readonly kind: "image-size-unsupported"; readonly part: FilePlace; readonly size: Size; readonly reason: string }
  | { readonly kind: "labels-malformed"; readonly part: FilePlace; readonly reason: string }
  | { readonly kind: "labels-size-mismatch"; readonly part: FilePlace; readonly size: Size; readonly expected: Size }
  | {
      readonly kind: "labels-class-out-of-range";
      readonly part: FilePlace;
      readonly value: number;
      readonly classes: number;
    }
  | { readonly kind: "unknown-model"; readonly model: string; readonly accepted: readonly string[] }
  | { readonly kind: "model-unavailable"; readonly model: string; readonly reason: string }
  /** `steps` of all attacks together. */
  | { readonly kind: "work-exceeded"; readonly pixels: number; readonly steps: number; readonly maxWork: number }
  | { readonly kind: "gradient-unsupported"; readonly model: string; readonly operators: readonly string[] }
  /**
   * Predicted before the run. `largestFit` keeps the image's aspect ratio; `null` where no size fits. It is absent where the memory
   * depends on the content of the image, by the lattice of a CRF.
   */
  | {
      readonly kind: "memory-exceeded";
      readonly predictedBytes: number;
      readonly budgetBytes: number;
      readonly largestFit?: Size | null;
    }
  /** The name is taken: by another upload, which has this digest, or (`null`) by a shipped network. */
  | { readonly kind: "model-exists"; readonly model: string; readonly sha256: string | null }
  /** Only uploaded networks can be removed. */
  | { readonly kind: "model-shipped"; readonly model: string }
  | { readonly kind: "uploads-full"; readonly most: number }
  /** The disk or the bucket takes no more bytes; nothing of the upload is kept. */
  | { readonly kind: "storage-full" }
  /** The uploaded file is no network that can be run; the reason begins with the place in it, where there is one. */
  | { readonly kind: "network-refused"; readonly reason: string }
  /** The manifest does not describe the network that came with it. */
  | { readonly kind: "manifest-mismatch"; readonly errors: readonly FieldError[] }
  | { readonly kind: "invalid-spec"; readonly errors: readonly FieldError[] }
  | { readonly kind: "unknown-evaluation"; readonly id: string }
  /** The evaluation, in this state, does not take what is asked. */
  | { readonly kind: "evaluation-state"; readonly state: EvaluationState; readonly reason: string }
  /** Networks, attacks or pictures that cannot be evaluated, in words. */
  | { readonly kind: "evaluation-refused"; readonly reason: string }
  | { readonly kind: "cost-exceeded"; readonly predictedCpuHours: number; readonly maxCpuHours: number }
  | { readonly kind: "evaluations-full"; readonly most: number }
  /** The key belongs to an evaluation that was asked for otherwise, or of an uploaded network that was replaced since. */
  | {
      readonly kind: "key-reused";
      readonly key: string;
      /** Of replaced networks: the digests of what their results depend on now, by their names. */
      readonly replaced?: Readonly<Record<string, string>> | undefined;
    }
  | { readonly kind: "unknown-data"; readonly name: string; readonly accepted: readonly string[] }
  /** Digests of files that were not sent yet. */
  | { readonly kind: "data-incomplete"; readonly name: string; readonly missing: readonly string[] }
  /** In words. */
  | { readonly kind: "data-refused"; readonly reason: string }
  | { readonly kind: "busy"; readonly retryAfterSeconds: number }
  /** The service is shutting down; another instance may replace it soon. */
  | { readonly kind: "stopping" }
  | { readonly kind: "cancelled" };

/**
 * An error that carries a failure to the caller.
 *
 * @example throw new FaultlineError({ kind: "image-malformed", part: "image", reason: "the PNG ends inside IDAT" });
 */
export class FaultlineError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(`${failure.kind}: ${JSON.stringify(failure).slice(0, 1000)}`, options);
    this.name = "FaultlineError";
    this.failure = failure;
  }
}

/** The spec has one field at fault. */
export const invalidSpec = (error: FieldError, cause?: unknown): FaultlineError =>
  new FaultlineError({ kind: "invalid-spec", errors: [error] }, cause === undefined ? undefined : { cause });
