/** The catalogue of problems: the meaning of each `type`. It is served at /problems/{kind} and listed at /docs. */
import type { Failure } from "../contract/failure.ts";
import type { RequestFailure } from "./request-error.ts";

export type ProblemKind = Failure["kind"] | RequestFailure["kind"];

interface ProblemMeaning {
  readonly status: number;
  readonly title: string;
  readonly meaning: string;
}

export const problemKinds: Readonly<Record<ProblemKind, ProblemMeaning>> = {
  "not-found": {
    status: 404,
    title: "No such resource",
    meaning: "Nothing is served at this path. The paths are listed at /docs.",
  },
  "method-not-allowed": {
    status: 405,
    title: "Method not allowed",
    meaning: "The path does not support this method. The Allow header lists the supported methods.",
  },
  "not-acceptable": {
    status: 406,
    title: "No acceptable representation",
    meaning: "The Accept header excludes every media type that this endpoint can answer with; `accepted` lists them.",
  },
  "unsupported-media-type": {
    status: 415,
    title: "Unsupported media type",
    meaning:
      "The body has a media type that the endpoint does not take (`accepted` lists those it does), or a content coding.",
  },
  "body-too-large": {
    status: 413,
    title: "Body too large",
    meaning: "The request's body has more bytes than the service reads; `limitBytes` is the limit.",
  },
  "receiving-too-much": {
    status: 503,
    title: "Too many bodies at once",
    meaning:
      "The bodies that the service is receiving use up its memory for bodies. Retry after the seconds in Retry-After.",
  },
  "too-many-requests": {
    status: 429,
    title: "Too many requests",
    meaning:
      "The client has sent more requests a minute than the deployment allows. Retry after the seconds in Retry-After.",
  },
  "malformed-body": {
    status: 400,
    title: "Malformed body",
    meaning:
      "The body, or the spec in it, cannot be parsed: invalid JSON, invalid multipart framing, or invalid UTF-8.",
  },
  "invalid-request": {
    status: 422,
    title: "Invalid request",
    meaning: "The body was parsed, but fields are missing, unknown or out of range. `errors` points at each of them.",
  },
  "invalid-spec": {
    status: 422,
    title: "Invalid spec",
    meaning: "The fields are well-formed, but do not fit the model or each other. `errors` points at each of them.",
  },
  "image-malformed": {
    status: 422,
    title: "Malformed image",
    meaning: "The file starts like an image but cannot be decoded: truncated, or corrupt.",
  },
  "image-unsupported-format": {
    status: 415,
    title: "Unsupported image format",
    meaning: "The service does not decode the format of the file, which is determined by its content, not by its name.",
  },
  "image-too-large": {
    status: 413,
    title: "Image too large",
    meaning:
      "The image has more pixels, or longer sides, than the service decodes: `maxPixels` and `maxSide`. The size is read from the header before anything is decoded or compiled.",
  },
  "image-size-unsupported": {
    status: 422,
    title: "Unsupported image size",
    meaning: "The model does not support images of this width and height.",
  },
  "labels-malformed": {
    status: 422,
    title: "Malformed label map",
    meaning: "The label map cannot be read: send a greyscale or palette PNG whose values are class indices, 255 void.",
  },
  "labels-size-mismatch": {
    status: 422,
    title: "Label map of another size",
    meaning: "A label map must have the width and height of the image or label map with which it is compared.",
  },
  "labels-class-out-of-range": {
    status: 422,
    title: "Class out of range",
    meaning: "The label map holds a value that is neither a class of the model nor void (255).",
  },
  "unknown-model": {
    status: 404,
    title: "Unknown model",
    meaning: "No model has this name. GET /v1/models lists the models.",
  },
  unauthorized: {
    status: 401,
    title: "Unauthorized",
    meaning:
      "Uploading and deleting models requires the deployment's token, and in some deployments every request that computes requires a token: `Authorization: Bearer TOKEN`.",
  },
  "foreign-origin": {
    status: 403,
    title: "Page of another origin",
    meaning:
      "In a deployment without a token, models can be uploaded and deleted, and evaluations started and changed, from the command line or from pages of the service itself, not from other web pages. With a token every origin can.",
  },
  "uploads-disabled": {
    status: 501,
    title: "Uploads are disabled",
    meaning:
      "This deployment has no store for uploaded models. To enable them in a Worker, bind an R2 bucket as MODELS in wrangler.toml (the block is there, commented out) and deploy again; under Node, start with `npm run serve -- --uploads DIR`. `npm run dev` has one.",
  },
  "uploads-full": {
    status: 409,
    title: "No room for another model",
    meaning: "The deployment stores the maximum number of uploaded models. DELETE /v1/models/{name} deletes one.",
  },
  "storage-full": {
    status: 507,
    title: "Storage full",
    meaning: "The deployment's storage is full. Nothing of the upload was stored; deleting a model may free space.",
  },
  "model-exists": {
    status: 409,
    title: "Name taken",
    meaning:
      "Another model has this name. An uploaded one is replaced with `?replace=true`; a shipped one cannot be: choose another name.",
  },
  "model-shipped": {
    status: 403,
    title: "Shipped model",
    meaning: "The model is part of the deployment. Only uploaded models can be deleted.",
  },
  "evaluations-disabled": {
    status: 501,
    title: "Evaluations are disabled",
    meaning:
      "This deployment keeps no evaluations of data sets. To enable them under Node, start with `npm run serve -- --evaluations DIR`; in a Worker, bind UNITS, DATA, LEDGER and EVALUATION, which `npm run provision` creates.",
  },
  "data-disabled": {
    status: 501,
    title: "Data sets are disabled",
    meaning:
      "This deployment takes no data sets. To enable them under Node, start with `npm run serve -- --evaluations DIR --data DIR`; in a Worker, bind an R2 bucket as DATA.",
  },
  "unknown-data": {
    status: 404,
    title: "Unknown data set",
    meaning: "No data set of this name was pushed. GET /v1/data lists those that were.",
  },
  "data-incomplete": {
    status: 409,
    title: "Files are missing",
    meaning:
      "The data set has files that were not sent yet; `missing` lists their digests. Send them, then the list again.",
  },
  "data-refused": {
    status: 422,
    title: "Data refused",
    meaning: "The file or the data set cannot be kept, or cannot be deleted; the detail says why.",
  },
  "unknown-evaluation": {
    status: 404,
    title: "Unknown evaluation",
    meaning: "No evaluation has this id. POST /v1/evaluations answers with the id of a new one.",
  },
  "evaluation-state": {
    status: 409,
    title: "Not in this state",
    meaning: "The evaluation cannot do that as it is: one that runs cannot be retried, one without rows has no report.",
  },
  "evaluation-refused": {
    status: 422,
    title: "Evaluation refused",
    meaning: "The networks, the attacks or the data set cannot be evaluated; the detail says why.",
  },
  "cost-exceeded": {
    status: 422,
    title: "Too costly",
    meaning:
      "The evaluation is predicted to take more processor time than `maxCpuHours` of the request or the deployment allows.",
  },
  "evaluations-full": {
    status: 409,
    title: "No room for another evaluation",
    meaning: "The deployment keeps the maximum number of evaluations. DELETE /v1/evaluations/{id} deletes one.",
  },
  "key-reused": {
    status: 422,
    title: "Idempotency key reused",
    meaning:
      "The Idempotency-Key belongs to an evaluation of another request, or of an uploaded network that was replaced since: `replaced` has, by their names, digests of what such networks are now.",
  },
  "network-refused": {
    status: 422,
    title: "Network refused",
    meaning:
      "The file is not an ONNX network that can be run: it is damaged, has an opset outside 7 to 26 or an unknown operator, or the runtime refuses it. The detail states the location.",
  },
  "manifest-mismatch": {
    status: 422,
    title: "Manifest of another network",
    meaning:
      "The manifest is well-formed, but does not describe the network that came with it. `errors` points at the fields.",
  },
  "model-unavailable": {
    status: 503,
    title: "Model unavailable",
    meaning: "The model is known, but cannot serve at the moment.",
  },
  "work-exceeded": {
    status: 422,
    title: "Too much work",
    meaning:
      "The number of pixels times the number of steps of all attacks exceeds the deployment's limit for one request, `maxWork`, which /openapi.json states too.",
  },
  "gradient-unsupported": {
    status: 422,
    title: "Gradient unsupported",
    meaning:
      "The network has operators without a derivative rule. It can segment images, and only attacks that need no gradient can be run on it.",
  },
  "memory-exceeded": {
    status: 413,
    title: "Run exceeds the memory budget",
    meaning:
      "The predicted peak memory exceeds the budget. `largestFit` is an image size that would fit; it is absent if the memory depends on the content of the image (the lattice of the CRF).",
  },
  busy: {
    status: 503,
    title: "Busy",
    meaning: "Runs are executed one after another, and the queue is full. Retry after the seconds in Retry-After.",
  },
  stopping: {
    status: 503,
    title: "Shutting down",
    meaning:
      "The service is shutting down: it finishes current runs and starts no new ones. Retry after the seconds in Retry-After.",
  },
  cancelled: {
    status: 499,
    title: "Cancelled",
    meaning: "The client closed the connection before the run was finished.",
  },
  internal: {
    status: 500,
    title: "Internal error",
    meaning: "A fault of the service, not of the request. Quote `instance` when you report it.",
  },
};
