/** The OpenAPI schemas and responses of problems. */
import { z } from "@hono/zod-openapi";
import { problemKinds, type ProblemKind } from "./problem-kinds.ts";

const FieldErrorSchema = z
  .strictObject({
    pointer: z.string().openapi({ description: "RFC 6901 JSON pointer into the request; its first level is the part" }),
    detail: z.string(),
    received: z
      .unknown()
      .optional()
      .openapi({ description: "The value that was received; long or nested values are described" }),
    accepted: z
      .array(z.union([z.string(), z.number()]))
      .readonly()
      .optional()
      .openapi({ description: "The accepted values" }),
  })
  .openapi("FieldError");

/** The JSON form of a problem; further members depend on the type. */
export const Problem = z
  .looseObject({
    type: z.string().openapi({ description: "Stable identifier of the problem; its page explains it" }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().openapi({ description: "This occurrence: urn:faultline:request:{X-Request-Id}" }),
    errors: z.array(FieldErrorSchema).readonly().optional(),
  })
  .openapi("Problem", {
    example: {
      type: "/problems/invalid-request",
      title: "Invalid request",
      status: 422,
      detail: "/spec/epsilon must be greater than 0.",
      instance: "urn:faultline:request:5f1c…",
      errors: [{ pointer: "/spec/epsilon", detail: "must be greater than 0", received: -1 }],
    },
  });
export type Problem = z.infer<typeof Problem>;

/** The problems of every request to the service. */
export const queueProblems = ["busy", "stopping"] as const satisfies ProblemKind[];

/** The problems of a request with a spec that names models. */
export const specProblems = [
  "not-acceptable",
  "unsupported-media-type",
  "malformed-body",
  "body-too-large",
  "receiving-too-much",
  "invalid-request",
  "invalid-spec",
  "unknown-model",
] as const satisfies ProblemKind[];

const bodyProblems = [...specProblems, "model-unavailable", ...queueProblems] as const satisfies ProblemKind[];

/** The problems of a request with label maps. */
export const labelProblems = [
  ...bodyProblems,
  "image-unsupported-format",
  "image-too-large",
  "labels-malformed",
  "labels-size-mismatch",
  "labels-class-out-of-range",
] as const satisfies ProblemKind[];

/** The problems of a request with an image for a network. */
export const imageProblems = [
  ...bodyProblems,
  "image-malformed",
  "image-unsupported-format",
  "image-too-large",
  "image-size-unsupported",
  "memory-exceeded",
] as const satisfies ProblemKind[];

/** The problems of a request for an attack. */
export const attackProblems = [
  ...imageProblems,
  "labels-malformed",
  "labels-size-mismatch",
  "labels-class-out-of-range",
  "gradient-unsupported",
  "work-exceeded",
] as const satisfies ProblemKind[];

/** The headers of responses with status 503. */
export const RetryHeaders = z.object({
  "Retry-After": z.string().openapi({ description: "Seconds after which a retry may succeed" }),
});

export interface ProblemResponse {
  readonly description: string;
  readonly content: { readonly "application/problem+json": { readonly schema: typeof Problem } };
  readonly headers?: typeof RetryHeaders;
}

/** The problems of a route's OpenAPI responses, by status. */
export const problemResponses = (...kinds: ProblemKind[]) => {
  const byStatus: Record<string, ProblemResponse> = {};
  // Every operation refuses query parameters that it does not have.
  for (const kind of new Set([...kinds, "invalid-request" as const, "internal" as const])) {
    const { status, title } = problemKinds[kind];
    const before = byStatus[status]?.description;
    byStatus[status] = {
      description: `${before ? `${before} ` : ""}${title} (\`${kind}\`).`,
      content: { "application/problem+json": { schema: Problem } },
      ...(status === 503 && { headers: RetryHeaders }),
    };
  }
  return byStatus;
};
