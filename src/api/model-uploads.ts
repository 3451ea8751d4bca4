/** POST /v1/models and DELETE /v1/models/{name}: uploaded networks. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { timingSafeEqual } from "hono/utils/buffer";
import type { Service } from "../contract/service.ts";
import type { UploadRequest, Uploads } from "../contract/models.ts";
import { manifestSchema } from "../segmenter/manifest.ts";
import { negotiate } from "./accept.ts";
import { Model } from "./models.ts";
import { defineOperation, json, type Env, type Limits, type Operation } from "./operation.ts";
import { requireOwnOrigin } from "./own-origin.ts";
import { problemResponses, queueProblems } from "./problem-schema.ts";
import { RequestError } from "./request-error.ts";
import { fileOf, filesOf, readFields, unknownFields } from "./request.ts";
import { file, list } from "./schemas.ts";
import { fieldErrors } from "../validation.ts";

const Manifest = manifestSchema.partial().openapi("Manifest", {
  description:
    "What is left out is found from the file and by a run on one picture; `sha256`, if given, is compared; `file` is not looked at",
});

const Uploaded = Model.extend({
  assumed: list(z.string()).openapi({
    description: "What was assumed in the fields of the manifest that were left out",
  }),
}).openapi("UploadedModel");

const UploadForm = z
  .strictObject({
    model: file("application/octet-stream", "The network: an ONNX file"),
    data: list(file("application/octet-stream", "A file of weights, named as the model names it")).optional().openapi({
      description: "The files beside the model that contain its weights (external data); the part may be repeated",
    }),
    manifest: Manifest.optional(),
  })
  .openapi("UploadForm");

/** Limits on the size and depth of a manifest as JSON, which is part of every list of models. */
const MANIFEST_BYTES = 2 ** 16;
const MANIFEST_LEVELS = 8;

const isNestedAtMost = (value: unknown, levels: number): boolean =>
  typeof value !== "object" ||
  value === null ||
  (levels > 0 && Object.values(value).every((inner) => isNestedAtMost(inner, levels - 1)));

const sizeFault = (manifest: unknown): string | undefined => {
  if (!isNestedAtMost(manifest, MANIFEST_LEVELS)) return `is nested deeper than ${MANIFEST_LEVELS} levels`;
  const { length } = new TextEncoder().encode(JSON.stringify(manifest));
  return length > MANIFEST_BYTES ? `has ${length} bytes of JSON; at most ${MANIFEST_BYTES} are kept` : undefined;
};

const replaceOf = (c: Context): boolean => {
  const given = c.req.query("replace") ?? "false";
  if (given === "true" || given === "false") return given === "true";
  const detail = "in the query must be true or false";
  const error = { pointer: "/replace", detail, received: given.slice(0, 100), accepted: ["true", "false"] };
  throw new RequestError({ kind: "invalid-request", errors: [error] });
};

const readUpload = async (c: Context<Env>, limitBytes: number): Promise<UploadRequest> => {
  const replace = replaceOf(c);
  const form = { types: ["multipart/form-data"], jsonPart: "manifest", repeated: ["data"], limitBytes } as const;
  const fields = await readFields(c.req.raw, form, c.get("bodies"));
  const errors = unknownFields(fields, ["model", "data", "manifest"]);
  const model = fileOf(fields.get("model"), false);
  if (typeof model === "string") errors.push({ pointer: "/model", detail: model });
  const data = filesOf(fields.get("data"));
  if (typeof data === "string") errors.push({ pointer: "/data", detail: data });
  const given = fields.get("manifest") ?? {};
  const tooLarge = sizeFault(given);
  const manifest = Manifest.safeParse(given);
  if (tooLarge !== undefined) errors.push({ pointer: "/manifest", detail: tooLarge });
  else if (!manifest.success) errors.push(...fieldErrors(manifest.error, Manifest, given, ["manifest"]));
  if (typeof model === "string" || typeof data === "string" || !manifest.success || errors.length > 0)
    throw new RequestError({ kind: "invalid-request", errors });
  return { manifest: manifest.data, model, ...(data.length > 0 ? { data } : {}), replace };
};

/** Tokens are compared in constant time. @throws RequestError where the request has not the deployment's, or none is set and it is of another origin. */
export const requireToken = async (c: Context, token: string | undefined): Promise<void> => {
  if (token === undefined) {
    requireOwnOrigin(c);
    return;
  }
  const given = /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  if (given !== undefined && (await timingSafeEqual(given, token))) return;
  throw new RequestError({ kind: "unauthorized", given: given !== undefined });
};

/**
 * The store of uploads. An uploaded network is run by the requests of other clients: uploads are therefore disabled unless the
 * deployment has a store, and require its token if it has one.
 */
const allowed = async (c: Context, service: Service, token: string | undefined): Promise<Uploads> => {
  if (!service.uploads) throw new RequestError({ kind: "uploads-disabled" });
  await requireToken(c, token);
  return service.uploads;
};

/** The token that the deployment may require. */
export const security = [{}, { uploadToken: [] }];
const authProblems = ["uploads-disabled", "unauthorized", "foreign-origin"] as const;

export const modelUploads = (service: Service, limits: Limits, token: string | undefined): Operation[] => [
  defineOperation(
    {
      method: "post",
      path: "/v1/models",
      operationId: "uploadModel",
      tags: ["Models"],
      summary: "Upload a model",
      description:
        "Checks the network against its manifest, or makes the manifest from the file where none is sent, runs it once on a small image, and stores it; requests can then name it. Operators without a derivative rule are listed in `gradient` and do not cause a refusal. Uploads are idempotent.",
      sample: { files: { model: "model.onnx", manifest: "manifest.json" } },
      security,
      request: {
        query: z.object({
          replace: z
            .enum(["true", "false"])
            .optional()
            .openapi({ description: "Whether the upload may replace another upload with the same name" }),
        }),
        body: {
          required: true,
          content: {
            "multipart/form-data": {
              schema: UploadForm,
              encoding: {
                model: { contentType: "application/octet-stream" },
                data: { contentType: "application/octet-stream" },
                manifest: { contentType: "application/json" },
              },
            },
          },
        },
      },
      responses: {
        200: {
          description: "The model existed already, or the upload replaced it.",
          content: { "application/json": { schema: Uploaded } },
        },
        201: {
          description: "The model is new.",
          headers: z.object({ Location: z.string().openapi({ description: "/v1/models/{name}" }) }),
          content: { "application/json": { schema: Uploaded } },
        },
        ...problemResponses(
          ...authProblems,
          "not-acceptable",
          "unsupported-media-type",
          "malformed-body",
          "body-too-large",
          "invalid-request",
          "manifest-mismatch",
          "network-refused",
          "memory-exceeded",
          "model-exists",
          "uploads-full",
          "storage-full",
          "receiving-too-much",
          "model-unavailable",
          ...queueProblems,
        ),
      },
    },
    async (c) => {
      const uploads = await allowed(c, service, token);
      negotiate(c.req.header("accept"), ["application/json"]);
      const { outcome, model, assumed } = await uploads.add(await readUpload(c, limits.uploadBytes), {
        signal: c.req.raw.signal,
      });
      const answer = { ...model, assumed };
      if (outcome !== "created") return json(c, Uploaded, answer);
      return json(c, Uploaded, answer, { Location: `/v1/models/${model.name}` }, 201);
    },
  ),
  defineOperation(
    {
      method: "delete",
      path: "/v1/models/{name}",
      operationId: "deleteModel",
      tags: ["Models"],
      summary: "Delete an uploaded model",
      sample: { path: "/v1/models/my-network" },
      security,
      request: { params: z.object({ name: z.string().openapi({ example: "my-network" }) }) },
      responses: {
        204: { description: "The model was deleted." },
        ...problemResponses(...authProblems, "unknown-model", "model-shipped", ...queueProblems),
      },
    },
    async (c) => {
      const uploads = await allowed(c, service, token);
      await uploads.remove(c.req.param("name") ?? "");
      return c.body(null, 204);
    },
  ),
];
