/** One operation of the API: its OpenAPI description and its handler. */
import { createRoute, type OpenAPIHono, type RouteConfig, type z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import type { RequestIdVariables } from "hono/request-id";
import { RequestError } from "./request-error.ts";
import { samplesOf, type Sample } from "./samples.ts";
import { pointerOf } from "../validation.ts";

export interface Env {
  Variables: RequestIdVariables & { readonly bodies: BodyBudget };
}

/** A budget for the bytes of all bodies that are being received. */
export interface BodyBudget {
  /** Adds received bytes and returns true; if they exceed the budget, adds nothing and returns false. */
  readonly take: (bytes: number) => boolean;
  readonly give: (bytes: number) => void;
  /** Resolves when a complete body may be parsed, which occupies the thread. */
  readonly turn: () => Promise<void>;
}

/** A budget of at most `limitBytes` at a time. */
export const bodyBudget = (limitBytes: number, turn: () => Promise<void>): BodyBudget => {
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
    turn,
  };
};

/** The limits that the API checks before it calls the service. */
export interface Limits {
  /** Maximum number of bytes of a request's body. */
  readonly bodyBytes: number;
  /** Maximum number of bytes of the body of an upload. */
  readonly uploadBytes: number;
  /** Maximum number of bytes of all bodies that are being received; by default four bodies and one upload. */
  readonly unfinishedBytes?: number | undefined;
  /** Maximum number of steps of one attack. */
  readonly steps: number;
  /** Maximum number of evaluations of all attacks of a request: of a robustness grid, or of one attack with its restarts. */
  readonly gridSteps: number;
  /** Maximum of pixels × steps of all attacks of a request; the service enforces it, the OpenAPI document states it. */
  readonly work: number;
  /** Maximum number of radii of a robustness grid. */
  readonly epsilons: number;
}

type Handler = (c: Context<Env>) => Response | Promise<Response>;

export interface Operation {
  readonly route: RouteConfig;
  readonly handler: Handler;
}

export const defineOperation = (
  route: RouteConfig & { operationId: string; sample: Sample },
  handler: Handler,
): Operation => {
  const { sample, ...rest } = route;
  return {
    route: createRoute({ ...rest, "x-codeSamples": samplesOf(rest.method, rest.path, sample) }),
    handler,
  };
};

/** Whether the media type of the response depends on the Accept header. */
const isNegotiated = ({ responses }: RouteConfig): boolean => {
  const answer = responses[200];
  return answer !== undefined && "content" in answer && Object.keys(answer.content ?? {}).length > 1;
};

/** Sends `Vary: Accept`, also with problems, so that caches distinguish the representations. */
const varyByAccept: MiddlewareHandler<Env> = async (c, next) => {
  await next();
  c.res.headers.append("Vary", "Accept");
};

/** @throws RequestError `invalid-request` for query parameters that the operation does not have. */
const requireKnownQuery = ({ request, path }: RouteConfig, c: Context<Env>): void => {
  const accepted = request?.query && "shape" in request.query ? Object.keys(request.query.shape) : [];
  const unknown = Object.keys(c.req.query()).filter((name) => !accepted.includes(name));
  if (unknown.length === 0) return;
  const known = accepted.length > 0 ? `accepted: ${accepted.join(", ")}` : `${path} has none`;
  const hasSpec = request?.body?.content["multipart/form-data"] !== undefined;
  const remedy = hasSpec ? "; options belong into the body's spec" : "";
  const errors = unknown.slice(0, 20).map((name) => ({
    pointer: pointerOf([name.slice(0, 100)]),
    detail: `is no query parameter here; ${known}${remedy}`,
    accepted,
  }));
  throw new RequestError({ kind: "invalid-request", errors });
};

/**
 * Adds an operation to the routes and to the document. `app.openapi` is not used because its validators support neither multipart
 * bodies with files and a JSON part nor bodies of two media types; `readImageRequest` does.
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

/** A JSON response whose body has the type of its schema. */
export const json = <S extends z.ZodType>(
  c: Context<Env>,
  _schema: S,
  body: z.input<S>,
  headers: Record<string, string> = {},
  status: 200 | 201 | 202 = 200,
): Response => c.body(JSON.stringify(body), status, { "Content-Type": "application/json", ...headers });
