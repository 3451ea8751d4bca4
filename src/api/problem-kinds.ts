/** The catalogue of problems: what each `type` means. Served at /problems/{kind}, listed at /docs. */
import type { Failure } from "../contract/failure.ts";
import type { RequestFailure } from "./request-error.ts";

export type ProblemKind = Failure["kind"] | RequestFailure["kind"];

export interface ProblemMeaning {
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
    meaning: "The path exists, but not for this method. The Allow header lists the methods that it has.",
  },
  "not-acceptable": {
    status: 406,
    title: "No acceptable representation",
    meaning: "The Accept header excludes every media type that this endpoint can answer with; `accepted` lists them.",
  },
  "unsupported-media-type": {
    status: 415,
    title: "Unsupported media type",
    meaning: "The body must be multipart/form-data or application/json, without a content coding.",
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
      "The service is receiving so many bodies that it has no memory for another. Retry after the seconds in Retry-After.",
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
    meaning: "The body, or the spec within it, cannot be parsed: broken JSON, broken multipart framing, no UTF-8.",
  },
  "invalid-request": {
    status: 422,
    title: "Invalid request",
    meaning: "The body parses, but fields are missing, unknown or out of range. `errors` points at each of them.",
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
    meaning: "The file is in none of the formats that the service decodes. Its content decides, not its name.",
  },
  "image-too-large": {
    status: 413,
    title: "Image too large",
    meaning:
      "The image has more pixels, or longer sides, than the service decodes: `maxPixels` and `maxSide`. Read from its header, before anything is decoded or compiled.",
  },
  "image-size-unsupported": {
    status: 422,
    title: "Unsupported image size",
    meaning: "The model cannot take an image of this width and height.",
  },
  "labels-malformed": {
    status: 422,
    title: "Malformed label map",
    meaning: "The label map cannot be read: send a greyscale or palette PNG whose values are class indices, 255 void.",
  },
  "labels-size-mismatch": {
    status: 422,
    title: "Label map of another size",
    meaning: "A label map must have the width and height of what it is compared with.",
  },
  "labels-class-out-of-range": {
    status: 422,
    title: "Class out of range",
    meaning: "The label map holds a value that is neither a class of the model nor void (255).",
  },
  "unknown-model": {
    status: 404,
    title: "Unknown model",
    meaning: "No model has this name. GET /v1/models lists those that there are.",
  },
  unauthorized: {
    status: 401,
    title: "Unauthorized",
    meaning:
      "Uploading and deleting models needs the deployment's token, and in some deployments every request that computes needs one: `Authorization: Bearer TOKEN`.",
  },
  "foreign-origin": {
    status: 403,
    title: "Page of another origin",
    meaning:
      "Without a token, models are uploaded and deleted from the command line or from pages of the service itself, not from any web page. A deployment that sets a token takes them from everywhere.",
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
    meaning: "The deployment keeps so many uploaded models and no more. DELETE /v1/models/{name} makes room.",
  },
  "storage-full": {
    status: 507,
    title: "Storage full",
    meaning:
      "The deployment's storage takes no more bytes. Nothing of the upload was kept; deleting a model may make room.",
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
  "network-refused": {
    status: 422,
    title: "Network refused",
    meaning:
      "The file is no ONNX network that can be run: damaged, of another opset than 7 to 21, with an operator that is not known, or refused by the runtime. The detail names the place.",
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
      "The pixels of the image times the steps of all attacks together are more than the deployment computes for one request; `maxWork` is the limit, which /openapi.json states too.",
  },
  "gradient-unsupported": {
    status: 422,
    title: "Gradient unsupported",
    meaning:
      "The network has operators without a derivative rule, so it can be segmented with, and attacked only without gradients.",
  },
  "memory-exceeded": {
    status: 413,
    title: "Run exceeds the memory budget",
    meaning:
      "The predicted peak memory is above the budget. `largestFit` is an image size that would fit; it is absent where the picture itself, by its CRF's lattice, needs so much.",
  },
  busy: {
    status: 503,
    title: "Busy",
    meaning:
      "Runs go one after another, and the line of those that wait is full. Retry after the seconds in Retry-After.",
  },
  stopping: {
    status: 503,
    title: "Shutting down",
    meaning: "The service ends: what runs is finished, nothing new is begun. Retry after the seconds in Retry-After.",
  },
  cancelled: { status: 499, title: "Cancelled", meaning: "The client went away before the run was done." },
  internal: {
    status: 500,
    title: "Internal error",
    meaning: "A fault of the service, not of the request. Quote `instance` when you report it.",
  },
};
