/** Reads a request for an evaluation of a data set. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { EvaluationRequest } from "../contract/evaluations.ts";
import type { GivenSpec } from "../evaluation/spec.ts";
import { requestSets } from "../contract/data.ts";
import { setOf, type EvaluationAccess } from "./evaluation-access.ts";
import { SubmitEvaluation } from "./evaluation-schemas.ts";
import type { Env } from "./operation.ts";
import { RequestError } from "./request-error.ts";
import { readFields, unknownFields } from "./request.ts";
import { fieldErrors } from "../validation.ts";

const MAX_KEY = 200;

/** The header of a request that begins an evaluation. */
export const IdempotencyKey = z.string().max(MAX_KEY).optional().openapi({
  description:
    "The same request with the same key is answered with the same evaluation; with another request it is refused",
});

export const keyOf = (c: Context<Env>): string | undefined => {
  const key = c.req.header("idempotency-key");
  if (key === undefined || (key.length > 0 && key.length <= MAX_KEY)) return key;
  const detail = `in the header must have from 1 to ${MAX_KEY} characters`;
  throw new RequestError({ kind: "invalid-request", errors: [{ pointer: "/Idempotency-Key", detail }] });
};

/** The lesser of both caps in hours; undefined for none, null where dollars cannot be told in hours. */
const hoursOf = (
  { maxCpuHours, maxDollars }: { readonly maxCpuHours?: number | undefined; readonly maxDollars?: number | undefined },
  dollarsPerCpuHour: number | undefined,
): number | undefined | null => {
  if (maxDollars === undefined) return maxCpuHours;
  if (dollarsPerCpuHour === undefined) return null;
  return Math.min(maxDollars / dollarsPerCpuHour, maxCpuHours ?? Infinity);
};

/** The specification is kept as it was given: what it leaves open is filled in where it runs. */
export const readSubmission = async (
  c: Context<Env>,
  { limits, dollarsPerCpuHour }: Pick<EvaluationAccess, "limits" | "dollarsPerCpuHour">,
): Promise<{ readonly request: EvaluationRequest; readonly dryRun: boolean }> => {
  const limitBytes = limits.bodyBytes;
  const form = { types: ["application/json"], jsonPart: "spec", limitBytes } as const;
  const fields = await readFields(c.req.raw, form, c.get("bodies"));
  const given = Object.fromEntries(fields);
  const parsed = SubmitEvaluation.safeParse(given);
  const errors = unknownFields(fields, Object.keys(SubmitEvaluation.shape));
  if (!parsed.success && errors.length === 0) errors.push(...fieldErrors(parsed.error, SubmitEvaluation, given));
  if (!parsed.success || errors.length > 0) throw new RequestError({ kind: "invalid-request", errors });
  const { maxDollars, dryRun } = parsed.data;
  const maxCpuHours = hoursOf(parsed.data, dollarsPerCpuHour);
  if (maxCpuHours === null) {
    const detail = "is for deployments that state the price of an hour, which this one does not; give maxCpuHours";
    throw new RequestError({
      kind: "invalid-request",
      errors: [{ pointer: "/maxDollars", detail, received: maxDollars }],
    });
  }
  const spec = given["spec"] as GivenSpec;
  if (setOf({ spec }) !== null) {
    const detail = `is of a request to POST /v1/robustness, as all names that begin with ${requestSets}`;
    throw new RequestError({
      kind: "invalid-request",
      errors: [{ pointer: "/spec/data/path", detail, received: spec.data?.path }],
    });
  }
  return { request: { spec, maxCpuHours, idempotencyKey: keyOf(c) }, dryRun };
};
