/** One operation of the API: its OpenAPI description and its handler. */
import { createRoute, type OpenAPIHono, type RouteConfig, type z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import type { RequestIdVariables } from "hono/request-id";
import { RequestError } from "./request-error.ts";
import { pointerOf } from "./validation.ts";

export interface Env {
  Variables: RequestIdVariables & { readonly bodies: BodyBudget };
}

/** The bytes of all bodies that are being received. */
export interface BodyBudget {
  /** Adds received bytes; false where there is no room for them, and then nothing is added. */
  readonly take: (bytes: number) => boolean;
  readonly give: (bytes: number) => void;
}

/** At most `limitBytes` at a time. */
export const bodyBudget = (limitBytes: number): BodyBudget => {
  let taken = 0;
  return {
    take: (bytes) => {
      if (taken + bytes > limitBytes) return false;
      taken += bytes;
      return true;
    },
    give: (bytes) => {
      taken -= bytes;
    },
  };
};

/** What the API refuses before it asks the service. */
export interface Limits {
  /** Bytes of a request's body. */
  readonly bodyBytes: number;
  /** Bytes of the body of a request that brings a network. */
  readonly uploadBytes: number;
  /** Bytes of all bodies together that are being received; default: four bodies and one upload. */
  readonly unfinishedBytes?: number | undefined;
  /** Steps of one attack. */
  readonly steps: number;
  /** Evaluations of all attacks of a request together: of a robustness grid, or of one attack with its restarts. */
  readonly gridSteps: number;
  /** Pixels times steps of all attacks of a request; the service enforces it, the document states it. */
  readonly work: number;
  /** Radii in a robustness grid. */
  readonly epsilons: number;
}

export type Handler = (c: Context<Env>) => Response | Promise<Response>;

export interface Operation {
  readonly route: RouteConfig;
  readonly handler: Handler;
}

export const defineOperation = (
  route: RouteConfig & { operationId: string; curl: string },
  handler: Handler,
): Operation => {
  const { curl, ...rest } = route;
  return {
    route: createRoute({ ...rest, "x-codeSamples": [{ lang: "Shell", label: "curl", source: curl }] }),
    handler,
  };
};

/** Whether the answer's media type follows the Accept header. */
const isNegotiated = ({ responses }: RouteConfig): boolean => {
  const answer = responses[200];
  return answer !== undefined && "content" in answer && Object.keys(answer.content ?? {}).length > 1;
};

/** For caches: this answer, problems among them, is not another Accept header's. */
const varyByAccept: MiddlewareHandler<Env> = async (c, next) => {
  await next();
  c.res.headers.append("Vary", "Accept");
};

/** @throws RequestError invalid-request that names the query parameters that the operation does not have. */
const requireKnownQuery = ({ request, path }: RouteConfig, c: Context<Env>): void => {
  const accepted = request?.query && "shape" in request.query ? Object.keys(request.query.shape) : [];
  const unknown = Object.keys(c.req.query()).filter((name) => !accepted.includes(name));
  if (unknown.length === 0) return;
  const known = accepted.length > 0 ? `accepted: ${accepted.join(", ")}` : `${path} has none`;
  const remedy = request?.body ? "; options belong into the body's spec" : "";
  const errors = unknown.slice(0, 20).map((name) => ({
    pointer: pointerOf([name.slice(0, 100)]),
    detail: `is no query parameter here; ${known}${remedy}`,
    accepted,
  }));
  throw new RequestError({ kind: "invalid-request", errors });
};

/**
 * Adds an operation to the routes and to the document. Not `app.openapi`: its validators know neither files in
 * multipart bodies with a JSON part nor bodies of two media types; `readImageRequest` does.
 */
export const mount = (app: OpenAPIHono<Env>, { route, handler }: Operation): void => {
  app.openAPIRegistry.registerPath(route);
  const path = route.path.replaceAll(/\{(\w+)\}/g, ":$1");
  if (isNegotiated(route)) app.on(route.method, path, varyByAccept);
  app.on(route.method, path, (c) => {
    requireKnownQuery(route, c);
    return handler(c);
  });
};

/** A JSON response that has the type of its schema. */
export const json = <S extends z.ZodType>(
  c: Context<Env>,
  _schema: S,
  body: z.input<S>,
  headers: Record<string, string> = {},
  status: 200 | 201 = 200,
): Response => c.body(JSON.stringify(body), status, { "Content-Type": "application/json", ...headers });
