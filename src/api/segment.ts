/** POST /v1/segment returns the labels of an image. */
import { z } from "@hono/zod-openapi";
import type { Service } from "../contract/service.ts";
import { negotiate } from "./accept.ts";
import { Crf, crfChoice } from "./crf.ts";
import { defineOperation, json, type Limits, type Operation } from "./operation.ts";
import { imageProblems, problemResponses } from "./problem-schema.ts";
import { readImageRequest } from "./request.ts";
import {
  Backend,
  encoded,
  file,
  Image,
  imageResponse,
  list,
  Notes,
  ran,
  Seed,
  serverTiming,
  Size,
  Timing,
} from "./schemas.ts";
import { OwnTransforms, transformFields } from "./transform.ts";
import { uploadBody } from "./upload.ts";
import { Warnings } from "./warnings.ts";

const SegmentSpec = z
  .strictObject({
    model: z.string().optional().openapi({ description: "Name of a model; the default one if absent" }),
    crf: Crf,
    transform: transformFields.transform,
    seed: Seed,
    backend: Backend,
  })
  .openapi("SegmentSpec");

const Segmentation = Size.extend({
  model: z.string(),
  classes: list(
    z.strictObject({
      index: z.int(),
      name: z.string(),
      color: z.tuple([z.int(), z.int(), z.int()]).readonly(),
      share: z.number().openapi({ description: "Share of the pixels, 0..1" }),
    }),
  ),
  confidence: z
    .strictObject({ mean: z.number(), min: z.number() })
    .openapi({ description: "Mean and minimum over the pixels of the largest class probability; 0..1" }),
  labels: Image.openapi({ description: "Palette PNG: the index is the class" }),
  transform: OwnTransforms,
  ...ran,
  notes: Notes,
  warnings: Warnings,
  timings: Timing,
}).openapi("Segmentation");

const upload = {
  spec: SegmentSpec,
  required: { image: "The image: PNG, JPEG, WebP or NPY, with the channels that the network takes" },
  optional: {},
};

export const segment = (service: Service, limits: Limits): Operation =>
  defineOperation(
    {
      method: "post",
      path: "/v1/segment",
      operationId: "segment",
      tags: ["Images"],
      summary: "Label every pixel of an image",
      description: "The `Accept` header selects `application/json`, or `image/png` (the label map only).",
      sample: { files: { image: "street.png" }, accept: "image/png", save: "labels.png" },
      request: { body: uploadBody("Segment", upload, { model: "enet-street" }) },
      responses: {
        200: {
          description: "The labels.",
          content: {
            "application/json": { schema: Segmentation },
            "image/png": { schema: file("image/png", "The labels, as a palette PNG") },
          },
        },
        ...problemResponses(...imageProblems),
      },
    },
    async (c) => {
      const type = negotiate(c.req.header("accept"), ["application/json", "image/png"]);
      const { spec, image } = await readImageRequest(c, upload, limits.bodyBytes);
      const result = await service.segment(
        {
          model: spec.model ?? service.defaultModel,
          crf: crfChoice(spec.crf),
          transform: spec.transform,
          seed: spec.seed,
          backend: spec.backend,
          image,
        },
        { signal: c.req.raw.signal },
      );
      if (type === "image/png") return imageResponse(result.labels, type, "labels.png", result.timings);
      const headers = { "Server-Timing": serverTiming(result.timings) };
      return json(c, Segmentation, { ...result, labels: encoded(result.labels) }, headers);
    },
  );
