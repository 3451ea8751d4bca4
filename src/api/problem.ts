/** Converts errors to failures, and failures to RFC 9457 problems. */
import { HTTPException } from "hono/http-exception";
import { FaultlineError, type Failure } from "../contract/failure.ts";
import { problemKinds } from "./problem-kinds.ts";
import { particulars } from "./problem-particulars.ts";
import type { Problem } from "./problem-schema.ts";
import { RequestError, type RequestFailure } from "./request-error.ts";

/** Called with unexpected errors. */
export type Log = (error: unknown, requestId: string) => void;

/** The failure that an error represents; an unexpected error is logged and becomes `internal`. HTTPException is Hono's. */
export const failureOf = (error: unknown, log: Log, requestId: string): Failure | RequestFailure => {
  if (error instanceof FaultlineError || error instanceof RequestError) return error.failure;
  if (error instanceof HTTPException) {
    const reason = error.message || "it cannot be read";
    if (error.status === 415) return { kind: "unsupported-media-type", received: reason, accepted: [] };
    if (error.status === 404) return { kind: "not-found", path: "this path" };
    if (error.status < 500) return { kind: "malformed-body", reason };
  }
  log(error, requestId);
  return { kind: "internal" };
};

/** Maximum number of characters of a string in a problem, and of items of a list. */
const MAX_TEXT = 400;
const MAX_LIST = 100;

/** Shortens values, because names in a file or a request may have megabytes. */
const shortened = (value: unknown): unknown => {
  if (typeof value === "string") return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
  if (Array.isArray(value)) return value.slice(0, MAX_LIST).map(shortened);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shortened(inner)]));
};

/** The problem of a failure. It discloses nothing about unexpected errors. */
export const problemOf = (failure: Failure | RequestFailure, requestId: string): Problem => {
  const { detail, errors, extensions } = particulars(failure);
  const { status, title } = problemKinds[failure.kind];
  const problem = {
    type: `/problems/${failure.kind}`,
    title,
    status,
    detail,
    instance: `urn:faultline:request:${requestId}`,
    ...(errors && { errors }),
    ...extensions,
  };
  return shortened(problem) as Problem;
};

/** The problem as a response, with the headers that its status requires. */
export const problemResponse = (failure: Failure | RequestFailure, requestId: string): Response => {
  const problem = problemOf(failure, requestId);
  const { headers } = particulars(failure);
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { "Content-Type": "application/problem+json", ...headers },
  });
};
