/** Failures of the HTTP request itself, which are found before the service is called. */
import type { FieldError } from "../contract/field-error.ts";

export type RequestFailure =
  | { readonly kind: "too-many-requests"; readonly perMinute: number; readonly retryAfterSeconds: number }
  /** The bodies that are being received exceed their common limit. */
  | { readonly kind: "receiving-too-much" }
  /** A web page of another origin requests a change, and the deployment has no token. */
  | { readonly kind: "foreign-origin"; readonly origin: string }
  /** `hint`: a sentence on how the path comes to be served. */
  | { readonly kind: "not-found"; readonly path: string; readonly hint?: string }
  | { readonly kind: "method-not-allowed"; readonly method: string; readonly allowed: readonly string[] }
  | { readonly kind: "not-acceptable"; readonly accept: string; readonly offers: readonly string[] }
  | { readonly kind: "unsupported-media-type"; readonly received: string; readonly accepted: readonly string[] }
  | { readonly kind: "body-too-large"; readonly limitBytes: number }
  | { readonly kind: "malformed-body"; readonly reason: string; readonly pointer?: string }
  | { readonly kind: "invalid-request"; readonly errors: readonly FieldError[] }
  /** `given`: whether the request had a token. */
  | { readonly kind: "unauthorized"; readonly given: boolean }
  | { readonly kind: "uploads-disabled" }
  | { readonly kind: "evaluations-disabled" }
  | { readonly kind: "data-disabled" }
  | { readonly kind: "internal" };

export class RequestError extends Error {
  readonly failure: RequestFailure;

  constructor(failure: RequestFailure, options?: ErrorOptions) {
    super(failure.kind, options);
    this.name = "RequestError";
    this.failure = failure;
  }
}
