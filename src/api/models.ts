/** GET /v1/models and GET /v1/models/{name}: the available networks. */
import { z } from "@hono/zod-openapi";
import type { Service } from "../contract/service.ts";
import { crfParameters } from "./crf.ts";
import { defineOperation, json, type Operation } from "./operation.ts";
import { problemResponses, queueProblems } from "./problem-schema.ts";
import { list, Size } from "./schemas.ts";
import { OwnTransforms } from "./transform.ts";

const side = z.union([z.int(), z.literal("dynamic")]);

export const Model = z
  .strictObject({
    name: z.string(),
    architecture: z.string().optional(),
    dataset: z.string().optional(),
    classes: list(
      z.strictObject({
        name: z.string(),
        color: z.tuple([z.int(), z.int(), z.int()]).readonly().openapi({ description: "RGB, 0..255" }),
      }),
    ).openapi({ description: "By index" }),
    void: z.int().openapi({ description: "The label of pixels that are ignored" }),
    sha256: z.string().openapi({ description: "SHA-256 digest of the network's file" }),
    bytes: z.int().openapi({ description: "Size of the network's file" }),
    precision: z.enum(["int8", "fp32"]),
    network: z.string().optional().openapi({ description: "The model to which the file belongs, if it is shared" }),
    input: z.strictObject({
      width: side,
      height: side,
      multipleOf: z.int().optional(),
      fit: z
        .enum(["resize", "pad", "tile"])
        .optional()
        .openapi({ description: "How an image of another size is made to fit; resized by default" }),
      overlap: z.int().optional().openapi({ description: "Overlap of tiles, in pixels" }),
      channels: z
        .union([z.enum(["RGB", "BGR", "GRAY"]), list(z.string())])
        .openapi({ description: "Their order, or the names of the channels of images that have others" }),
      mean: list(z.number()),
      std: list(z.number()),
      scale: z.number(),
    }),
    scales: list(z.number())
      .optional()
      .openapi({ description: "Scales of the image at which the network runs; 1 by default" }),
    fusion: z
      .enum(["max", "mean"])
      .optional()
      .openapi({ description: "Fusion of the logits of several scales; max by default" }),
    crf: z
      .strictObject({
        ...crfParameters.shape,
        compatibility: z.union([z.literal("potts"), list(list(z.number()))]).optional(),
      })
      .optional()
      .openapi({ description: "The fully connected CRF after the network" }),
    transform: OwnTransforms,
    metrics: z.record(z.string(), z.unknown()).openapi({ description: "Clean scores, their split and command" }),
    license: z.string().optional(),
    source: z.string().optional(),
    citation: z.string().optional(),
    gradient: z
      .strictObject({ supported: z.boolean(), unsupportedOperators: list(z.string()) })
      .openapi({ description: "Whether the network can be differentiated, and the operators that prevent it" }),
    memory: list(
      Size.extend({
        segmentBytes: z.int().openapi({ description: "Memory of POST /v1/segment" }),
        attackBytes: z
          .int()
          .nullable()
          .openapi({ description: "Memory of the attack that needs most; null without a gradient" }),
      }),
    )
      .optional()
      .openapi({ description: "Predicted WASM memory at some sizes; it grows linearly with the number of pixels" }),
    largestAttack: Size.optional().openapi({ description: "The largest image whose attack fits in the memory budget" }),
  })
  .openapi("Model");

const Models = z.strictObject({ default: z.string(), models: list(Model) }).openapi("Models");

export const models = (service: Service): Operation[] => [
  defineOperation(
    {
      method: "get",
      path: "/v1/models",
      operationId: "listModels",
      tags: ["Models"],
      summary: "List the models",
      description:
        "The manifests, with the support for gradients; `default` is the model of requests that name none. GET /v1/models/{name} also returns the memory that runs need.",
      sample: {},
      responses: {
        200: { description: "The models.", content: { "application/json": { schema: Models } } },
        ...problemResponses("model-unavailable", ...queueProblems),
      },
    },
    async (c) =>
      json(c, Models, { default: service.defaultModel, models: await service.models({ signal: c.req.raw.signal }) }),
  ),
  defineOperation(
    {
      method: "get",
      path: "/v1/models/{name}",
      operationId: "getModel",
      tags: ["Models"],
      summary: "One model",
      sample: { path: "/v1/models/enet-street" },
      request: { params: z.object({ name: z.string().openapi({ example: "enet-street" }) }) },
      responses: {
        200: { description: "The model.", content: { "application/json": { schema: Model } } },
        ...problemResponses("unknown-model", "model-unavailable", ...queueProblems),
      },
    },
    async (c) => json(c, Model, await service.model(c.req.param("name") ?? "", { signal: c.req.raw.signal })),
  ),
];
