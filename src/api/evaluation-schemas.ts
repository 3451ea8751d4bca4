/** Schemas of evaluations of data sets. */
import { z } from "@hono/zod-openapi";
import { evaluationSchema } from "../evaluation/spec.ts";

export const EvaluationSpec = evaluationSchema;

const cpuHours = z.number().openapi({ description: "Hours of a processor" });

export const SubmitEvaluation = z
  .strictObject({
    spec: EvaluationSpec,
    maxCpuHours: z.number().positive().optional().openapi({
      description:
        "The most that a run may be predicted to take, and may take, in hours of a processor; the deployment's own limit if absent",
    }),
    maxDollars: z.number().positive().optional().openapi({
      description: "The same in dollars, where the deployment states the price of an hour; the lesser of both holds",
    }),
    dryRun: z.boolean().default(false).openapi({ description: "Whether to predict the work and start nothing" }),
  })
  .openapi("SubmitEvaluation", {
    description:
      "The specification is that of `faultline evaluate`, with networks, uploaded ones among them, and the data set (`data.path`) by their names in the deployment; without a data set, streets are drawn",
    example: {
      spec: { networks: ["enet-street"], data: { images: 20 }, attacks: ["ifgsm", "apgd"], epsilon: [1, 4] },
      maxCpuHours: 2,
    },
  });

export const EvaluationPrediction = z
  .strictObject({
    units: z.int().openapi({ description: "Pictures × attacks × networks: rows of the result" }),
    pictures: z.int(),
    evaluations: z.strictObject({ forward: z.int(), backward: z.int() }).openapi({
      description: "Evaluations of the networks, at most",
    }),
    workers: z.int(),
    cpuHours,
    dollars: z.number().optional().openapi({ description: "Where the deployment states the price of an hour" }),
    seconds: z.number().openapi({ description: "If each worker has a processor to itself" }),
  })
  .openapi("EvaluationPrediction", { description: "From a measured step of each network on the first picture" });

export const Evaluation = z
  .strictObject({
    id: z.string(),
    state: z.enum(["queued", "running", "done", "incomplete", "cancelled", "capped", "failed"]).openapi({
      description:
        "`incomplete`: all ran, and some units failed. `capped`: the run took more than `maxCpuHours`. `failed`: it did not end by itself. What is not done goes on with a retry",
    }),
    created: z.string().openapi({ description: "ISO 8601" }),
    spec: z.looseObject({}).openapi({ description: "As it was sent" }),
    uploaded: z.record(z.string(), z.string()).optional().openapi({
      description: "The digests (SHA-256) of the uploaded networks that it was planned with, by their names",
    }),
    predicted: EvaluationPrediction,
    maxCpuHours: cpuHours,
    spentCpuHours: cpuHours,
    units: z.strictObject({ total: z.int(), done: z.int(), failed: z.int() }),
    unitsPerSecond: z.number().nullable().openapi({ description: "Of the current run; null where there is none yet" }),
    remainingSeconds: z.number().nullable().openapi({ description: "Of the current run, estimated" }),
    robustness: z.string().optional().openapi({
      description:
        "Of a request to POST /v1/robustness with `Prefer: respond-async`: where its answer is once it is done",
    }),
    reason: z.string().optional().openapi({ description: "Why it is not done" }),
  })
  .openapi("Evaluation");
