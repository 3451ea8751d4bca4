/** POST /v1/report makes scores, intervals and verdicts from rows; no network runs. */
import { z } from "@hono/zod-openapi";
import {
  MAX_REPORT_CERTIFICATES,
  MAX_REPORT_CLASS_SCORES,
  MAX_REPORT_GROUPS,
  MAX_REPORT_ROWS,
} from "../contract/limits.ts";
import type { ReportForm } from "../contract/report.ts";
import type { Service } from "../contract/service.ts";
import { negotiate } from "./accept.ts";
import { defineOperation, type Limits, type Operation } from "./operation.ts";
import { problemResponses, queueProblems } from "./problem-schema.ts";
import { readBytes, validated } from "./request.ts";

const rowTypes = ["application/jsonl", "application/x-ndjson"] as const;
const forms = {
  "application/json": "json",
  "text/markdown": "markdown",
  "text/html": "html",
} as const satisfies Record<string, ReportForm>;

/** A page that fetches nothing and runs no script, wherever it is opened. */
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

const Query = z.strictObject({
  title: z.string().max(200).optional().openapi({ description: "The heading of the report" }),
  seed: z
    .string()
    .regex(/^\d{1,9}$/, "a whole number of at most nine digits")
    .optional()
    .openapi({ description: "Of the bootstrap; 0 if absent" }),
});

/** The outline of a report; what it holds in full is the file that `faultline report -o report.json` writes. */
const Report = z
  .looseObject({
    schema: z.literal(1),
    title: z.string(),
    rows: z.int().openapi({ description: "Different rows" }),
    repeatedRows: z.int().openapi({ description: "Rows that occurred again, which count once" }),
    images: z.int(),
    bootstrap: z.looseObject({ replicates: z.int(), seed: z.int() }),
    networks: z.array(z.looseObject({ name: z.string(), sha256: z.string() })),
    cells: z.array(z.looseObject({ network: z.string(), attack: z.string(), epsilon: z.number().nullable() })).openapi({
      description: "Scores of each network under each attack, with 95 % intervals over images",
    }),
    differences: z.array(z.looseObject({ baseline: z.string(), network: z.string(), verdict: z.string() })).openapi({
      description: "Paired comparisons of networks on the same images",
    }),
  })
  .openapi("Report");

const Rows = z.string().openapi({
  description: "Rows of `faultline evaluate` and certificates of `faultline certify`, one JSON object a line",
});

export const report = (service: Service, limits: Limits): Operation =>
  defineOperation(
    {
      method: "post",
      path: "/v1/report",
      operationId: "report",
      tags: ["Reports"],
      summary: "Make a report of rows",
      description: `Scores with 95 % intervals over images, paired comparisons of networks, worst cases and transfer tables, from the rows that \`faultline evaluate\` keeps. The \`Accept\` header selects JSON, Markdown or a self-contained HTML page. Several files may be sent one after another: rows that occur twice count once. The certificates that \`faultline certify -o FILE.jsonl\` writes may be among them: they and L2 attacks then bound the same scores from below and from above. At most ${MAX_REPORT_ROWS} rows, ${MAX_REPORT_CERTIFICATES} certificates, and ${MAX_REPORT_GROUPS} pairs of a network and an attack (fewer for more than ${Math.floor(MAX_REPORT_CLASS_SCORES / MAX_REPORT_GROUPS)} classes).`,
      sample: { body: { file: "rows.jsonl", type: "application/jsonl" }, accept: "text/html", save: "report.html" },
      request: {
        query: Query,
        body: { required: true, content: Object.fromEntries(rowTypes.map((type) => [type, { schema: Rows }])) },
      },
      responses: {
        200: {
          description: "The report.",
          content: {
            "application/json": { schema: Report },
            "text/markdown": { schema: z.string() },
            "text/html": { schema: z.string() },
          },
        },
        ...problemResponses(
          "not-acceptable",
          "unsupported-media-type",
          "body-too-large",
          "receiving-too-much",
          "invalid-request",
          "invalid-spec",
          ...queueProblems,
        ),
      },
    },
    async (c) => {
      const type = negotiate(c.req.header("accept"), ["application/json", "text/markdown", "text/html"]);
      const { title, seed = "0" } = validated(Query, c.req.query());
      const rows = await readBytes(c.req.raw, { types: rowTypes, limitBytes: limits.bodyBytes }, c.get("bodies"));
      const request = { rows, form: forms[type], title, seed: Number(seed) };
      const text = await service.report(request, { signal: c.req.raw.signal });
      return c.body(text, 200, {
        "Content-Type": type === "application/json" ? type : `${type}; charset=utf-8`,
        ...(type === "text/html" && { "Content-Security-Policy": pagePolicy }),
      });
    },
  );
