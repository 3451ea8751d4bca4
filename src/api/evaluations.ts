/** /v1/evaluations: networks on a data set, with rows and a report; they run on after the request. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { EvaluationFile, EvaluationInfo, Evaluations } from "../contract/evaluations.ts";
import type { Service } from "../contract/service.ts";
import { negotiate } from "./accept.ts";
import { readSubmission } from "./evaluation-request.ts";
import { Evaluation, EvaluationPrediction, SubmitEvaluation } from "./evaluation-schemas.ts";
import { eventStream } from "./event-stream.ts";
import { defineOperation, json, type Env, type Limits, type Operation } from "./operation.ts";
import { failureOf, problemOf, type Log } from "./problem.ts";
import type { ProblemKind } from "./problem-kinds.ts";
import { problemResponses } from "./problem-schema.ts";
import { RequestError } from "./request-error.ts";

const path = "/v1/evaluations";
const example = `http://localhost:8787${path}/0f5c…`;

const of = ({ evaluations }: Service): Evaluations => {
  if (evaluations) return evaluations;
  throw new RequestError({ kind: "evaluations-disabled" });
};

const idOf = (c: Context<Env>): string => c.req.param("id") ?? "";

const fileResponse = ({ body, bytes }: EvaluationFile, type: string, name: string): Response =>
  new Response(body, {
    headers: {
      "Content-Type": type,
      "Content-Length": `${bytes}`,
      "Content-Disposition": `inline; filename="${name}"`,
      // A report is a page of its own, and may run none of the scripts that it might hold.
      "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    },
  });

const params = z.object({ id: z.string().openapi({ example: "0f5c…" }) });
const described = (description: string) => ({ description, content: { "application/json": { schema: Evaluation } } });
const problems = (...kinds: ProblemKind[]) =>
  problemResponses("unknown-evaluation", "evaluations-disabled", "stopping", ...kinds);

const submit = (service: Service, limits: Limits): Operation =>
  defineOperation(
    {
      method: "post",
      path,
      operationId: "submitEvaluation",
      tags: ["Evaluations"],
      summary: "Evaluate networks on a data set",
      description:
        "Predicts the work from a measured step, refuses what would take more than `maxCpuHours`, and starts the rest, one evaluation after another. With the header `Idempotency-Key`, the same request again answers with the same evaluation.",
      curl: `curl http://localhost:8787${path} \\
  -H 'Content-Type: application/json' \\
  -d '{"spec":{"networks":["enet-street"],"data":{"images":20},"attacks":["ifgsm"],"epsilon":[1,4]}}'`,
      request: { body: { required: true, content: { "application/json": { schema: SubmitEvaluation } } } },
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
          "not-acceptable",
          "unsupported-media-type",
          "malformed-body",
          "body-too-large",
          "receiving-too-much",
          "invalid-request",
          "invalid-spec",
          "unknown-model",
          "evaluation-refused",
          "cost-exceeded",
          "evaluations-full",
          "key-reused",
          "busy",
          "stopping",
        ),
      },
    },
    async (c) => {
      const evaluations = of(service);
      negotiate(c.req.header("accept"), ["application/json"]);
      const { request, dryRun } = await readSubmission(c, limits.bodyBytes);
      const { signal } = c.req.raw;
      if (dryRun) return json(c, EvaluationPrediction, await evaluations.predict(request, { signal }));
      const { evaluation } = await evaluations.submit(request, { signal });
      return json(c, Evaluation, shown(evaluation), { Location: `${path}/${evaluation.id}` }, 202);
    },
  );

const shown = (info: EvaluationInfo): z.input<typeof Evaluation> => ({ ...info, spec: { ...info.spec } });

const events =
  "Server-sent events: `progress` (Evaluation) at every change, then `result` (Evaluation) when it has ended.";

/** Operations on one evaluation that answer with it. */
const actions = {
  get: { method: "get", suffix: "", operationId: "evaluation", summary: "Tell how an evaluation stands" },
  cancel: {
    method: "post",
    suffix: "/cancel",
    operationId: "cancelEvaluation",
    summary: "Stop an evaluation at its next step",
  },
  retry: { method: "post", suffix: "/retry", operationId: "retryEvaluation", summary: "Go on with what has no row" },
} as const;

const action = (service: Service, name: keyof typeof actions): Operation => {
  const { method, suffix, operationId, summary } = actions[name];
  return defineOperation(
    {
      method,
      path: `${path}/{id}${suffix}`,
      operationId,
      tags: ["Evaluations"],
      summary,
      curl: `curl ${method === "get" ? "" : "-X POST "}${example}${suffix}`,
      request: { params },
      responses: {
        200: described("The evaluation."),
        ...(name === "retry" ? problems("evaluation-state") : problems()),
      },
    },
    async (c) => json(c, Evaluation, shown(await of(service)[name](idOf(c)))),
  );
};

const follow = (service: Service, log: Log): Operation =>
  defineOperation(
    {
      method: "get",
      path: `${path}/{id}/events`,
      operationId: "followEvaluation",
      tags: ["Evaluations"],
      summary: "Follow an evaluation to its end",
      curl: `curl -N ${example}/events`,
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
        result: shown,
        problem: (error) => problemOf(failureOf(error, log, c.get("requestId")), c.get("requestId")),
      }),
  );

const rows = (service: Service): Operation =>
  defineOperation(
    {
      method: "get",
      path: `${path}/{id}/rows`,
      operationId: "evaluationRows",
      tags: ["Evaluations"],
      summary: "The rows that there are",
      curl: `curl ${example}/rows -o rows.jsonl`,
      request: { params },
      responses: {
        200: {
          description: "JSON Lines, as `faultline evaluate` writes them; in order when the evaluation has ended.",
          content: { "application/x-ndjson": { schema: z.string() } },
        },
        ...problems(),
      },
    },
    async (c) => fileResponse(await of(service).rows(idOf(c)), "application/x-ndjson", "rows.jsonl"),
  );

const report = (service: Service): Operation =>
  defineOperation(
    {
      method: "get",
      path: `${path}/{id}/report`,
      operationId: "evaluationReport",
      tags: ["Evaluations"],
      summary: "The report of an evaluation that has ended",
      curl: `curl ${example}/report -H 'Accept: text/html' -o report.html`,
      request: { params },
      responses: {
        200: {
          description: "Scores with intervals, and verdicts.",
          content: {
            "application/json": { schema: z.looseObject({}) },
            "text/html": { schema: z.string() },
            "text/markdown": { schema: z.string() },
          },
        },
        ...problems("not-acceptable", "evaluation-state"),
      },
    },
    async (c) => {
      const type = negotiate(c.req.header("accept"), ["application/json", "text/html", "text/markdown"]);
      const name = { "application/json": "report.json", "text/html": "report.html", "text/markdown": "report.md" }[
        type
      ];
      return fileResponse(await of(service).report(idOf(c), type), `${type}; charset=utf-8`, name);
    },
  );

const remove = (service: Service): Operation =>
  defineOperation(
    {
      method: "delete",
      path: `${path}/{id}`,
      operationId: "deleteEvaluation",
      tags: ["Evaluations"],
      summary: "Stop an evaluation, and delete its rows and report",
      curl: `curl -X DELETE ${example}`,
      request: { params },
      responses: { 204: { description: "It was deleted." }, ...problems() },
    },
    async (c) => {
      await of(service).remove(idOf(c));
      return c.body(null, 204);
    },
  );

export const evaluations = (service: Service, limits: Limits, log: Log): Operation[] => [
  submit(service, limits),
  action(service, "get"),
  remove(service),
  follow(service, log),
  rows(service),
  report(service),
  action(service, "cancel"),
  action(service, "retry"),
];
