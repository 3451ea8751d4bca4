/** POST /v1/audit: whether gradient attacks on a model are to be believed. */
import { z } from "@hono/zod-openapi";
import type { Service } from "../contract/service.ts";
import { negotiate } from "./accept.ts";
import { AttackName } from "./attack-schemas.ts";
import { defineOperation, json, type Limits, type Operation } from "./operation.ts";
import { attackProblems, problemResponses } from "./problem-schema.ts";
import { readImageRequest } from "./request.ts";
import { Backend, Epsilon, list, receiptOf, Reference, Seed, serverTiming, Size, Timing } from "./schemas.ts";
import { Evaluations, Flags, Signs } from "./signs.ts";
import { uploadBody } from "./upload.ts";
import { Label255, Warnings } from "./warnings.ts";

/** Evaluations of an audit for each of its steps, at most. */
const EVALUATIONS_PER_STEP = 10;

const auditSpec = (limits: Limits) =>
  z
    .strictObject({
      model: z.string().optional().openapi({ description: "Name of a model; the default one if absent" }),
      epsilon: Epsilon.default(8),
      steps: z
        .int()
        .min(5)
        .max(Math.max(5, Math.min(limits.steps, Math.floor(limits.gridSteps / EVALUATIONS_PER_STEP))))
        .default(20)
        .openapi({
          description:
            "Evaluations of each of the gradient attacks; the one without gradients has five times as many queries. The audit takes nine times as many evaluations in all, and a few",
        }),
      seed: Seed,
      backend: Backend,
      label255: Label255,
    })
    .openapi("AuditSpec", { example: { model: "enet-street", epsilon: 8 } });

const AuditSpecRun = z
  .strictObject({
    model: z.string(),
    epsilon: z.number(),
    steps: z.int(),
    seed: z.int(),
    backend: Backend,
    label255: Label255,
  })
  .openapi("AuditSpecRun", { description: "The spec as it ran" });

const Audit = Size.extend({
  reference: Reference,
  warnings: Warnings,
  runs: list(
    z.strictObject({
      run: z
        .enum(["single-step", "clean-start", "random-start", "adaptive", "gradient-free", "unbounded"])
        .openapi({ description: "What the attack stands for" }),
      attack: AttackName,
      epsilon: z.number(),
      iouRatio: z.number().nullable().openapi({ description: "Adversarial mIoU ÷ clean mIoU; null where undefined" }),
      evaluations: Evaluations,
      flags: Flags,
    }),
  ),
  quotients: list(z.number().nullable()).openapi({
    description:
      "Slope of the loss along the gradient's sign, by difference quotients over ±0.25 and ±1 grey levels, ÷ the gradient's own; 1 = right, null for a zero gradient",
  }),
  signs: Signs,
  verdict: z.enum(["believable", "doubtful", "not-believable"]).openapi({
    description:
      "`not-believable`: the gradient is masked or wrong. `doubtful`: an attack is weaker than one that should not be stronger. `believable`: no check fails, which is no proof",
  }),
  summary: z.string(),
  timings: Timing,
  receipt: receiptOf(AuditSpecRun),
}).openapi("AuditResult");

const uploadOf = (limits: Limits) => ({
  spec: auditSpec(limits),
  required: { image: "The image: PNG, JPEG, WebP or NPY, with the channels that the network takes" },
  optional: { labels: "Ground truth: a PNG of the image's size, 255 void; or in the colours of the classes" },
});

export const audit = (service: Service, limits: Limits): Operation => {
  const upload = uploadOf(limits);
  return defineOperation(
    {
      method: "post",
      path: "/v1/audit",
      operationId: "audit",
      tags: ["Images"],
      summary: "Tell whether gradient attacks on a model are to be believed",
      description:
        "Compares the gradient with difference quotients of the network that runs, and weak attacks with strong ones, on one image: a verdict with reasons.",
      sample: { files: { image: "street.png" }, spec: { model: "enet-street", epsilon: 8 } },
      request: { body: uploadBody("Audit", upload, { model: "enet-street", epsilon: 8 }) },
      responses: {
        200: { description: "The verdict.", content: { "application/json": { schema: Audit } } },
        ...problemResponses(...attackProblems),
      },
    },
    async (c) => {
      negotiate(c.req.header("accept"), ["application/json"]);
      const { spec, image, labels } = await readImageRequest(c, upload, limits.bodyBytes);
      const model = spec.model ?? service.defaultModel;
      const result = await service.audit({ spec: { ...spec, model }, image, labels }, { signal: c.req.raw.signal });
      return json(c, Audit, result, { "Server-Timing": serverTiming(result.timings) });
    },
  );
};
