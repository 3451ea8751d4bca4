/** /v1/evaluations: networks on a data set, with rows and a report; they run on after the request. */
import { z } from "@hono/zod-openapi";
import type { EvaluationInfo } from "../contract/evaluations.ts";
import type { Service } from "../contract/service.ts";
import { negotiate } from "./accept.ts";
import {
  beginProblems,
  changing,
  described,
  example,
  idOf,
  of,
  params,
  path,
  priced,
  problems,
  shown,
  type EvaluationAccess,
} from "./evaluation-access.ts";
import { IdempotencyKey, readSubmission } from "./evaluation-request.ts";
import { report, robustnessAnswer, rows } from "./evaluation-results.ts";
import { Evaluation, EvaluationPrediction, SubmitEvaluation } from "./evaluation-schemas.ts";
import { eventStream } from "./event-stream.ts";
import { defineOperation, json, type Operation } from "./operation.ts";
import { failureOf, problemOf } from "./problem.ts";
import { removeWithImages } from "./robustness-later.ts";
import { problemResponses, queueProblems, specProblems } from "./problem-schema.ts";

/** An example. */
const submitted = {
  spec: { networks: ["enet-street"], data: { images: 20 }, attacks: ["ifgsm"], epsilon: [1, 4] },
} as const;

const submit = (service: Service, access: EvaluationAccess): Operation =>
  defineOperation(
    {
      method: "post",
      path,
      operationId: "submitEvaluation",
      tags: ["Evaluations"],
      summary: "Evaluate networks on a data set",
      description:
        "Predicts the work from a measured step, refuses what would take more than `maxCpuHours`, and starts the rest, one evaluation after another. With the header `Idempotency-Key`, the same request again answers with the same evaluation.",
      sample: { json: submitted },
      request: {
        headers: z.object({ "Idempotency-Key": IdempotencyKey }),
        body: { required: true, content: { "application/json": { schema: SubmitEvaluation, example: submitted } } },
      },
      responses: {
        200: {
          description: "With `dryRun`: what it would take.",
          content: { "application/json": { schema: EvaluationPrediction } },
        },
        202: {
          ...described("The evaluation waits or runs."),
          headers: z.object({ Location: z.string().openapi({ description: `${path}/{id}` }) }),
        },
        ...problemResponses(
          "evaluations-disabled",
          "unauthorized",
          ...specProblems,
          ...beginProblems,
          "model-unavailable",
          ...queueProblems,
        ),
      },
    },
    async (c) => {
      const evaluations = changing(service, c, access);
      negotiate(c.req.header("accept"), ["application/json"]);
      const { request, dryRun } = await readSubmission(c, access);
      const { signal } = c.req.raw;
      if (dryRun) return json(c, EvaluationPrediction, priced(await evaluations.predict(request, { signal }), access));
      const { evaluation } = await evaluations.submit(request, { signal });
      return json(c, Evaluation, shown(evaluation, access), { Location: `${path}/${evaluation.id}` }, 202);
    },
  );

const events =
  "Server-sent events: `progress` (Evaluation) at every change, then `result` (Evaluation) when it has ended.";

/** Operations on one evaluation that answer with it. */
const actions = {
  get: {
    method: "get",
    suffix: "",
    operationId: "evaluation",
    summary: "Tell how an evaluation stands",
    description: "Its state, its units with and without a row, hours of a processor, and the seconds that are left.",
  },
  cancel: {
    method: "post",
    suffix: "/cancel",
    operationId: "cancelEvaluation",
    summary: "Stop an evaluation at its next step",
    description: "Its rows stay, and a retry goes on from them. One that has ended stays as it is.",
  },
  retry: {
    method: "post",
    suffix: "/retry",
    operationId: "retryEvaluation",
    summary: "Go on with what has no row",
    description:
      "Queues again what ended in another state than `done`: units that failed are run again, rows that are there stay. `maxCpuHours` holds for each run.",
  },
} as const;

const action = (service: Service, name: keyof typeof actions, access: EvaluationAccess): Operation => {
  const { method, suffix, operationId, summary, description } = actions[name];
  return defineOperation(
    {
      method,
      path: `${path}/{id}${suffix}`,
      operationId,
      tags: ["Evaluations"],
      summary,
      description,
      sample: { path: `${example}${suffix}` },
      request: { params },
      responses: {
        200: described("The evaluation."),
        ...problems(
          ...(method === "get" ? [] : (["unauthorized", "foreign-origin"] as const)),
          ...(name === "retry" ? (["evaluation-state"] as const) : []),
        ),
      },
    },
    async (c) => {
      const evaluations = method === "get" ? of(service) : changing(service, c, access);
      return json(c, Evaluation, shown(await evaluations[name](idOf(c)), access));
    },
  );
};

const follow = (service: Service, access: EvaluationAccess): Operation =>
  defineOperation(
    {
      method: "get",
      path: `${path}/{id}/events`,
      operationId: "followEvaluation",
      tags: ["Evaluations"],
      summary: "Follow an evaluation to its end",
      sample: { path: `${example}/events`, streams: true },
      request: { params },
      responses: {
        200: {
          description: "The evaluation, whenever it changes.",
          content: { "text/event-stream": { schema: z.string().openapi({ description: events }) } },
        },
        ...problems(),
      },
    },
    (c) =>
      eventStream<EvaluationInfo>({
        signal: c.req.raw.signal,
        run: (emit, signal) => of(service).follow(idOf(c), { signal, onChange: (info) => emit("progress", info) }),
        result: (info) => shown(info, access),
        problem: (error) => problemOf(failureOf(error, access.log, c.get("requestId")), c.get("requestId")),
      }),
  );

const remove = (service: Service, access: EvaluationAccess): Operation =>
  defineOperation(
    {
      method: "delete",
      path: `${path}/{id}`,
      operationId: "deleteEvaluation",
      tags: ["Evaluations"],
      summary: "Stop an evaluation, and delete its rows and report",
      sample: { path: example },
      request: { params },
      responses: { 204: { description: "It was deleted." }, ...problems("unauthorized", "foreign-origin") },
    },
    async (c) => {
      await removeWithImages(service, changing(service, c, access), idOf(c));
      return c.body(null, 204);
    },
  );

export const evaluations = (service: Service, access: EvaluationAccess): Operation[] => [
  submit(service, access),
  action(service, "get", access),
  remove(service, access),
  follow(service, access),
  rows(service),
  report(service),
  robustnessAnswer(service),
  action(service, "cancel", access),
  action(service, "retry", access),
];
