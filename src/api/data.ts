/** /v1/data: data sets that evaluations name, pushed file by file by their digests. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { requestSets, type DataSets } from "../contract/data.ts";
import { FaultlineError } from "../contract/failure.ts";
import type { Service } from "../contract/service.ts";
import { requireToken, security } from "./model-uploads.ts";
import { defineOperation, json, type Limits, type Operation } from "./operation.ts";
import { problemResponses } from "./problem-schema.ts";
import { RequestError } from "./request-error.ts";
import { readBytes, readFields, unknownFields, validated } from "./request.ts";
import { list } from "./schemas.ts";

const path = "/v1/data";
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 in lower-case hexadecimal");
const name = z.string().regex(/^[A-Za-z0-9][\w.-]{0,127}$/, "a letter or digit, then letters, digits, _ . and -");

/** Files of a data set; their list has about 130 bytes each. */
const MAX_FILES = 100_000;
const MAX_PATH = 512;

const isPath = (text: string): boolean =>
  text.length <= MAX_PATH &&
  !/[\\\p{Cc}]/u.test(text) &&
  text.split("/").every((part) => part !== "" && !part.startsWith("."));

const DataFile = z.strictObject({
  path: z
    .string()
    .refine(isPath, `must be a relative path of at most ${MAX_PATH} characters, no part of which is hidden`)
    .openapi({ example: "images/one.png" }),
  sha256,
  bytes: z.int().min(0),
});

/** `examples/street.png`. */
const exampleFile = {
  path: "images/street.png",
  sha256: "a39aafeec3b4e8477c2556364ea93cfc335de83682d08ef70fa005504b1e5f01",
  bytes: 343660,
};

const PutData = z
  .strictObject({
    files: list(DataFile).refine(
      (files) => files.length > 0 && files.length <= MAX_FILES,
      `from 1 to ${MAX_FILES} files`,
    ),
  })
  .openapi("PutData");

const DataSet = z.strictObject({ name: z.string(), files: z.int(), bytes: z.int() }).openapi("DataSet");

const Listed = z.strictObject({ data: list(DataSet) });

const KeptFile = z.strictObject({ sha256, bytes: z.int() }).openapi("KeptFile");

/** @throws RequestError where the service takes none. */
const setsOf = ({ data }: Service): DataSets => {
  if (data) return data;
  throw new RequestError({ kind: "data-disabled" });
};

/** Of whoever may change networks. @throws RequestError */
const allowed = async (c: Context, service: Service, token: string | undefined): Promise<DataSets> => {
  const sets = setsOf(service);
  await requireToken(c, token);
  return sets;
};

const nameOf = (c: Context): string => validated(name, c.req.param("name"), ["name"]);

/** The name of a data set to be pushed. @throws RequestError for one that is kept for requests to POST /v1/robustness. */
const freeName = (c: Context): string =>
  validated(
    name.refine(
      (text) => !text.startsWith(requestSets),
      `a name that does not begin with ${requestSets}: such are of requests to POST /v1/robustness`,
    ),
    c.req.param("name"),
    ["name"],
  );

/** Tells the data sets of requests to POST /v1/robustness whose evaluations are there: these have them, and delete them. */
const usedBy = async ({ evaluations }: Service): Promise<(name: string) => boolean> => {
  const named = await evaluations?.dataSets();
  return (text) => text.startsWith(requestSets) && named?.has(text) === true;
};

const authProblems = ["data-disabled", "unauthorized", "foreign-origin", "invalid-request"] as const;
const bodyProblems = ["unsupported-media-type", "body-too-large", "receiving-too-much", "data-refused"] as const;
const named = { params: z.object({ name: z.string().openapi({ example: "my-data" }) }) };

const listSets = (service: Service): Operation =>
  defineOperation(
    {
      method: "get",
      path,
      operationId: "listData",
      tags: ["Evaluations"],
      summary: "List the data sets that were pushed",
      description: "The name of each, under which evaluations take it, and how many files and bytes it has.",
      sample: {},
      responses: {
        200: {
          description: `Evaluations can name them. One that begins with \`${requestSets}\` is what a request to POST /v1/robustness has left whose service was killed, or whose client left, before its evaluation was kept.`,
          content: { "application/json": { schema: Listed } },
        },
        ...problemResponses("data-disabled"),
      },
    },
    async (c) => {
      const [all, isUsed] = [await setsOf(service).list(), await usedBy(service)];
      return json(c, Listed, { data: all.filter(({ name }) => !isUsed(name)) });
    },
  );

const putSet = (service: Service, limits: Limits, token: string | undefined): Operation =>
  defineOperation(
    {
      method: "put",
      path: `${path}/{name}`,
      operationId: "putData",
      tags: ["Evaluations"],
      summary: "Make or replace a data set of files that are there",
      description:
        "Where files are missing, the problem lists their digests in `missing`; they are sent to /v1/data/files/{sha256}, and this request again. `faultline data push` does so.",
      sample: { path: `${path}/my-data`, json: { files: [exampleFile] } },
      security,
      request: { ...named, body: { required: true, content: { "application/json": { schema: PutData } } } },
      responses: {
        200: { description: "It is whole.", content: { "application/json": { schema: DataSet } } },
        ...problemResponses(...authProblems, ...bodyProblems, "malformed-body", "data-incomplete"),
      },
    },
    async (c) => {
      const sets = await allowed(c, service, token);
      const form = { types: ["application/json"], jsonPart: "files", limitBytes: limits.bodyBytes } as const;
      const fields = await readFields(c.req.raw, form, c.get("bodies"));
      const errors = unknownFields(fields, ["files"]);
      if (errors.length > 0) throw new RequestError({ kind: "invalid-request", errors });
      const { files } = validated(PutData, { files: fields.get("files") });
      return json(c, DataSet, await sets.put({ name: freeName(c), files }));
    },
  );

const putFile = (service: Service, limits: Limits, token: string | undefined): Operation =>
  defineOperation(
    {
      method: "put",
      path: `${path}/files/{sha256}`,
      operationId: "putDataFile",
      tags: ["Evaluations"],
      summary: "Send a file of a data set",
      sample: {
        path: `${path}/files/${exampleFile.sha256}`,
        body: { file: "street.png", type: "application/octet-stream" },
      },
      security,
      request: {
        params: z.object({ sha256: z.string().openapi({ example: "e3b0c442…" }) }),
        body: { required: true, content: { "application/octet-stream": { schema: z.string() } } },
      },
      responses: {
        200: { description: "It is kept.", content: { "application/json": { schema: KeptFile } } },
        ...problemResponses(...authProblems, ...bodyProblems),
      },
    },
    async (c) => {
      const sets = await allowed(c, service, token);
      const digest = validated(sha256, c.req.param("sha256"), ["sha256"]);
      const form = { types: ["application/octet-stream"], limitBytes: limits.uploadBytes } as const;
      const content = await readBytes(c.req.raw, form, c.get("bodies"));
      await sets.putFile(digest, content);
      return json(c, KeptFile, { sha256: digest, bytes: content.length });
    },
  );

const removeSet = (service: Service, token: string | undefined): Operation =>
  defineOperation(
    {
      method: "delete",
      path: `${path}/{name}`,
      operationId: "deleteData",
      tags: ["Evaluations"],
      summary: "Delete a data set that was pushed, and the files that no other has",
      sample: { path: `${path}/my-data` },
      security,
      request: named,
      responses: {
        204: { description: "It was deleted." },
        ...problemResponses(...authProblems, "unknown-data", "data-refused"),
      },
    },
    async (c) => {
      const sets = await allowed(c, service, token);
      const set = nameOf(c);
      if ((await usedBy(service))(set)) {
        const reason = `${set} is of a request to POST /v1/robustness that has an evaluation; DELETE /v1/evaluations/{id} deletes both`;
        throw new FaultlineError({ kind: "data-refused", reason });
      }
      await sets.remove(set);
      return c.body(null, 204);
    },
  );

export const dataSets = (service: Service, limits: Limits, token: string | undefined): Operation[] => [
  listSets(service),
  putFile(service, limits, token),
  putSet(service, limits, token),
  removeSet(service, token),
];
