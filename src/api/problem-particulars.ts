/** What the problem of each failure says, in an exhaustive switch: a new failure does not compile without a detail. */
import { attackEntry, attackNames } from "../attacks/catalogue.ts";
import type { Failure } from "../contract/failure.ts";
import type { FieldError } from "../contract/field-error.ts";
import type { RequestFailure } from "./request-error.ts";
import type { Size } from "../tensor.ts";
import { counted } from "../counted.ts";

export interface Particulars {
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

const fitText = (fit: Size | null | undefined): string => {
  if (fit === undefined) return "The CRF's lattice of this image is large: a smaller or a smoother image takes less";
  return fit === null ? "No image size fits" : `An image of ${sizeText(fit)} fits`;
};

const sizeText = ({ width, height }: Size): string => `${width}×${height}`;
/** A number of bytes in MiB, rounded to whole MiB from 10 MiB on. */
const mib = (bytes: number): string => {
  const mebibytes = bytes / 2 ** 20;
  return `${mebibytes < 10 ? Number(mebibytes.toPrecision(3)) : Math.round(mebibytes)} MiB`;
};

/** The particulars of a problem with one part of the request. */
const at = (part: string, detail: string, rest: Partial<FieldError> = {}, extensions = {}): Particulars => ({
  detail: `/${part} ${detail}.`,
  errors: [{ pointer: `/${part}`, detail, ...rest }],
  extensions,
});

const fields = (errors: readonly FieldError[]): Particulars => ({
  detail: `${errors
    .slice(0, 3)
    .map(({ pointer, detail }) => `${pointer || "the body"} ${detail}`)
    .join("; ")}${errors.length > 3 ? `; and ${errors.length - 3} more` : ""}.`,
  errors,
});

const withoutGradient = attackNames.filter((name) => attackEntry(name).knowledge === "gradient-free");

export const particulars = (failure: Failure | RequestFailure): Particulars => {
  switch (failure.kind) {
    case "not-found":
      return { detail: `Nothing is served at ${failure.path}${failure.hint ? `. ${failure.hint}` : "; see /docs."}` };
    case "method-not-allowed":
      return {
        detail: `${failure.method} is not allowed here; ${failure.allowed.join(", ")} is.`,
        extensions: { allowed: failure.allowed },
        headers: { Allow: failure.allowed.join(", ") },
      };
    case "not-acceptable":
      return {
        detail: `Accept: ${failure.accept.slice(0, 200)} excludes all of ${failure.offers.join(", ")}.`,
        extensions: { accepted: failure.offers },
      };
    case "unsupported-media-type":
      return {
        detail: `The body's type is ${failure.received.slice(0, 200)}; accepted: ${failure.accepted.join(", ")}.`,
        extensions: { accepted: failure.accepted },
        headers: { "Accept-Post": failure.accepted.join(", ") },
      };
    case "body-too-large":
      return {
        detail: `The body has more than ${failure.limitBytes} bytes (${mib(failure.limitBytes)}).`,
        extensions: { limitBytes: failure.limitBytes },
      };
    case "receiving-too-much":
      return {
        detail: "The bodies that are being received take all the memory that there is for them.",
        headers: { "Retry-After": "5" },
      };
    case "too-many-requests":
      return {
        detail: `More than ${failure.perMinute} requests a minute; the next one may come in ${failure.retryAfterSeconds} s.`,
        headers: { "Retry-After": String(failure.retryAfterSeconds) },
      };
    case "malformed-body":
      return failure.pointer === undefined
        ? { detail: `The body is malformed: ${failure.reason}.` }
        : at(failure.pointer.slice(1), `is malformed: ${failure.reason}`);
    case "invalid-request":
    case "invalid-spec":
    case "manifest-mismatch":
      return fields(failure.errors);
    case "image-malformed":
    case "labels-malformed":
      return at(failure.part, `cannot be decoded: ${failure.reason}`);
    case "image-unsupported-format":
      return at(failure.part, `is ${failure.received}; accepted: ${failure.accepted.join(", ")}`, {
        received: failure.received,
        accepted: failure.accepted,
      });
    case "image-too-large":
      return at(
        failure.part,
        `is ${sizeText(failure.size)}; at most ${failure.maxPixels} pixels, and ${failure.maxSide} a side, are decoded`,
        { received: sizeText(failure.size) },
        { size: failure.size, maxPixels: failure.maxPixels, maxSide: failure.maxSide },
      );
    case "image-size-unsupported":
      return at(failure.part, `is ${sizeText(failure.size)}: ${failure.reason}`, { received: sizeText(failure.size) });
    case "labels-size-mismatch":
      return at(
        failure.part,
        `is ${sizeText(failure.size)}; it must be ${sizeText(failure.expected)}`,
        { received: sizeText(failure.size) },
        { size: failure.size, expected: failure.expected },
      );
    case "labels-class-out-of-range":
      return at(
        failure.part,
        `holds the value ${failure.value}; classes are 0 to ${failure.classes - 1}, and 255 is void`,
        { received: failure.value },
      );
    case "unknown-model":
      return {
        detail: `There is no model ${JSON.stringify(failure.model.slice(0, 100))}; there is ${failure.accepted.join(", ")}.`,
        extensions: { accepted: failure.accepted },
      };
    case "unauthorized":
      return {
        detail: failure.given
          ? "The token is not the deployment's."
          : "A token is needed: Authorization: Bearer TOKEN.",
        headers: { "WWW-Authenticate": `Bearer realm="faultline"${failure.given ? ', error="invalid_token"' : ""}` },
      };
    case "foreign-origin":
      return { detail: `The request comes from ${failure.origin}, and this deployment has no token for that.` };
    case "uploads-disabled":
      return {
        detail:
          "This deployment has no store for uploaded models: bind an R2 bucket as MODELS in a Worker, start with --uploads DIR under Node.",
      };
    case "evaluations-disabled":
      return {
        detail:
          "This deployment keeps no evaluations: start with --evaluations DIR under Node; bind UNITS (a queue), DATA (an R2 bucket), LEDGER (a D1 database) and EVALUATION (a Workflow) in a Worker.",
      };
    case "data-disabled":
      return {
        detail:
          "This deployment takes no data sets: start with --evaluations DIR --data DIR under Node, bind an R2 bucket as DATA in a Worker.",
      };
    case "unknown-data":
      return {
        detail: `There is no data set ${JSON.stringify(failure.name.slice(0, 100))} that was pushed; there is ${failure.accepted.join(", ") || "none"}.`,
        extensions: { accepted: failure.accepted },
      };
    case "data-incomplete":
      return {
        detail: `${counted(failure.missing.length, "file")} of ${failure.name} must be sent first.`,
        extensions: { missing: failure.missing },
      };
    case "data-refused":
      return { detail: failure.reason };
    case "unknown-evaluation":
      return { detail: `There is no evaluation ${JSON.stringify(failure.id.slice(0, 100))}.` };
    case "evaluation-state":
      return { detail: `The evaluation is ${failure.state}: ${failure.reason}.`, extensions: { state: failure.state } };
    case "evaluation-refused":
      return { detail: failure.reason };
    case "cost-exceeded": {
      const { predictedCpuHours, maxCpuHours } = failure;
      return {
        detail: `The evaluation is predicted to take ${Number(predictedCpuHours.toPrecision(3))} hours of a processor; at most ${maxCpuHours} are allowed.`,
        extensions: { predictedCpuHours, maxCpuHours },
      };
    }
    case "evaluations-full":
      return {
        detail: `${failure.most} evaluations are kept at most; delete one.`,
        extensions: { most: failure.most },
      };
    case "key-reused": {
      const { key, replaced } = failure;
      if (!replaced) return { detail: `The key ${JSON.stringify(key)} belongs to an evaluation of another request.` };
      const names = Object.keys(replaced).join(", ");
      return {
        detail: `The key ${JSON.stringify(key)} belongs to an evaluation of ${names} as it was before it was replaced by another upload; send another key.`,
        extensions: { replaced },
      };
    }
    case "uploads-full":
      return {
        detail: `${failure.most} uploaded models are kept at most; delete one.`,
        extensions: { most: failure.most },
      };
    case "storage-full":
      return { detail: "The deployment's storage is full; nothing of the upload was kept." };
    case "model-exists":
      return failure.sha256 === null
        ? at("manifest/name", `is ${failure.model}, which is shipped with the service; choose another name`)
        : at(
            "manifest/name",
            `is ${failure.model}, which has been uploaded with sha256 ${failure.sha256}, or with another manifest; ?replace=true replaces it`,
            {},
            { sha256: failure.sha256 },
          );
    case "model-shipped":
      return { detail: `The model ${failure.model} is shipped with the service; only uploaded models can be deleted.` };
    case "network-refused":
      return at("model", `is refused: ${failure.reason}`);
    case "model-unavailable":
      return {
        detail: `The model ${failure.model} is unavailable: ${failure.reason}.`,
        headers: { "Retry-After": "5" },
      };
    case "work-exceeded": {
      const { pixels, steps, maxWork } = failure;
      return {
        detail: `${pixels} pixels times ${steps} steps are ${pixels * steps}; at most ${maxWork} are computed for a request.`,
        extensions: { pixels, steps, maxWork },
      };
    }
    case "gradient-unsupported":
      return {
        detail: `The model ${failure.model} has operators without a derivative rule: ${failure.operators.join(", ")}. Attacks that need no gradient can be run on it: ${withoutGradient.join(", ")}.`,
        extensions: { unsupportedOperators: failure.operators },
      };
    case "memory-exceeded": {
      const { predictedBytes, budgetBytes, largestFit } = failure;
      return {
        detail: `The run is predicted to need ${mib(predictedBytes)}; the budget is ${mib(budgetBytes)}. ${fitText(largestFit)}.`,
        extensions: { predictedBytes, budgetBytes, ...(largestFit === undefined ? {} : { largestFit }) },
      };
    }
    case "busy":
      return {
        detail: `Other runs are in progress; retry in ${failure.retryAfterSeconds} s.`,
        headers: { "Retry-After": String(failure.retryAfterSeconds) },
      };
    case "stopping":
      return { detail: "The service is shutting down; retry in 5 s.", headers: { "Retry-After": "5" } };
    case "cancelled":
      return { detail: "The client closed the request." };
    case "internal":
      return { detail: "The service failed. The request may be fine." };
    default:
      return failure satisfies never;
  }
};
