/** The rows and the report of an evaluation. */
import { z } from "@hono/zod-openapi";
import type { EvaluationFile } from "../contract/evaluations.ts";
import type { Service } from "../contract/service.ts";
import { negotiate } from "./accept.ts";
import { example, idOf, of, params, path, problems } from "./evaluation-access.ts";
import { defineOperation, json, type Operation } from "./operation.ts";
import { queueProblems } from "./problem-schema.ts";
import { conclude } from "./robustness-later.ts";
import { Answer } from "./robustness-schemas.ts";

const fileResponse = ({ body, bytes }: EvaluationFile, type: string, name: string): Response =>
  new Response(body, {
    headers: {
      "Content-Type": type,
      ...(bytes === undefined ? {} : { "Content-Length": `${bytes}` }),
      "Content-Disposition": `inline; filename="${name}"`,
      // A report is a page of its own, and may run none of the scripts that it might hold.
      "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    },
  });

export const rows = (service: Service): Operation =>
  defineOperation(
    {
      method: "get",
      path: `${path}/{id}/rows`,
      operationId: "evaluationRows",
      tags: ["Evaluations"],
      summary: "The rows that there are",
      sample: { path: `${example}/rows`, save: "rows.jsonl" },
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

export const report = (service: Service): Operation =>
  defineOperation(
    {
      method: "get",
      path: `${path}/{id}/report`,
      operationId: "evaluationReport",
      tags: ["Evaluations"],
      summary: "The report of an evaluation that has ended",
      sample: { path: `${example}/report`, accept: "text/html", save: "report.html" },
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

export const robustnessAnswer = (service: Service): Operation =>
  defineOperation(
    {
      method: "get",
      path: `${path}/{id}/robustness`,
      operationId: "evaluationRobustness",
      tags: ["Evaluations"],
      summary: "The answer of a robustness request that preferred to have it later",
      description:
        "Of an evaluation that POST /v1/robustness with `Prefer: respond-async` began, once it is done: what that request would have answered. `timings` are of a processor, and the signs of single points come without their numbers.",
      sample: { path: `${example}/robustness` },
      request: { params },
      responses: {
        200: { description: "The curve and the verdict.", content: { "application/json": { schema: Answer } } },
        ...problems("not-acceptable", "evaluation-state", ...queueProblems),
      },
    },
    async (c) => {
      negotiate(c.req.header("accept"), ["application/json"]);
      return json(c, Answer, await conclude(service, idOf(c), c.req.raw.signal));
    },
  );
