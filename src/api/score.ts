/** POST /v1/score computes the scores of label maps; no network runs. */
import { z } from "@hono/zod-openapi";
import type { Service } from "../contract/service.ts";
import { negotiate } from "./accept.ts";
import { defineOperation, json, type Limits, type Operation } from "./operation.ts";
import { labelProblems, problemResponses } from "./problem-schema.ts";
import { readImageRequest } from "./request.ts";
import { list, share, Size } from "./schemas.ts";
import { uploadBody } from "./upload.ts";
import { Label255, VoidPixels, Warnings } from "./warnings.ts";

const MeanOver = z.enum(["reference", "union"]).openapi({
  description:
    "The classes over which mIoU is averaged: those present in the reference, or in the union of both maps, in which a class that is only predicted has IoU 0",
});

const ScoreSpec = z
  .strictObject({
    model: z.string().optional().openapi({ description: "The model whose classes the label maps have" }),
    classes: z.int().min(1).max(255).optional().openapi({ description: "The number of classes, instead of a model" }),
    meanOver: MeanOver.default("reference"),
    label255: Label255,
  })
  .refine((spec) => spec.model === undefined || spec.classes === undefined, {
    message: "must be absent if model is given",
    path: ["classes"],
  })
  .openapi("ScoreSpec", { description: "The default model's classes if both are absent", example: { classes: 11 } });

const MapScores = z
  .strictObject({
    confusion: list(list(z.int())).openapi({
      description:
        "Numbers of pixels. Rows are classes of the reference; columns are classes of the scored map, the last column its void",
    }),
    perClass: list(z.strictObject({ class: z.int(), name: z.string().nullable(), iou: share("IoU of the class") })),
    miou: share("Mean IoU over the classes of `meanOver`"),
    pixelAccuracy: share("Share of non-void pixels with the reference's label"),
  })
  .openapi("MapScores");

const Score = Size.extend({
  classes: z.int(),
  meanOver: MeanOver,
  voidPixels: VoidPixels,
  warnings: Warnings,
  prediction: MapScores,
  adversarial: MapScores.optional(),
  iouRatio: z.number().nullable().optional().openapi({ description: "Adversarial mIoU ÷ mIoU of the prediction" }),
}).openapi("Score");

const form = "a PNG whose values (or palette indices) are classes, 255 void";
const upload = {
  spec: ScoreSpec,
  required: {
    prediction: `The labels of the clean image: ${form}`,
    reference: `The ground truth, of the same size: ${form}`,
  },
  optional: { adversarial: `The labels of the adversarial image, of the same size: ${form}` },
};

export const score = (service: Service, limits: Limits): Operation =>
  defineOperation(
    {
      method: "post",
      path: "/v1/score",
      operationId: "score",
      tags: ["Label maps"],
      summary: "Score label maps against a reference",
      description: "Confusion matrix, per-class IoU, mIoU and pixel accuracy; with a third map also the IoU ratio.",
      sample: {
        files: { prediction: "clean.png", reference: "truth.png", adversarial: "attacked.png" },
        spec: { classes: 11 },
      },
      request: { body: uploadBody("Score", upload, { classes: 11 }) },
      responses: {
        200: { description: "The scores.", content: { "application/json": { schema: Score } } },
        ...problemResponses(...labelProblems),
      },
    },
    async (c) => {
      negotiate(c.req.header("accept"), ["application/json"]);
      const { spec, ...maps } = await readImageRequest(c, upload, limits.bodyBytes);
      const classes =
        spec.classes === undefined
          ? { kind: "model" as const, model: spec.model ?? service.defaultModel }
          : { kind: "count" as const, count: spec.classes };
      return json(
        c,
        Score,
        await service.score(
          { ...maps, classes, meanOver: spec.meanOver, label255: spec.label255 },
          { signal: c.req.raw.signal },
        ),
      );
    },
  );
