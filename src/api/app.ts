/** The HTTP service: a Hono app over a Service. Runs unchanged in workerd, Node and any other runtime with `fetch`. */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Hono } from "hono";
import { cors } from "hono/cors";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import type { Service } from "../contract/service.ts";
import { attack } from "./attack.ts";
import { docs } from "./docs.ts";
import { health } from "./health.ts";
import { modelUploads } from "./model-uploads.ts";
import { models } from "./models.ts";
import { openApiDocument } from "./openapi.ts";
import { mount, type Env, type Limits } from "./operation.ts";
import { failureOf, problemResponse, type Log } from "./problem.ts";
import { robustness } from "./robustness.ts";
import { score } from "./score.ts";
import { segment } from "./segment.ts";

export interface AppOptions {
  readonly limits?: Partial<Limits>;
  /** Stated in the OpenAPI document. */
  readonly version?: string;
  /** Who uploads or deletes models must send it as a bearer token. Without it, everybody may. */
  readonly uploadToken?: string | undefined;
  /** Gets the errors that no failure explains (those answered with 500). */
  readonly log?: Log;
}

export const defaultLimits: Limits = {
  bodyBytes: 16 * 2 ** 20,
  uploadBytes: 32 * 2 ** 20,
  steps: 200,
  gridSteps: 1000,
  epsilons: 32,
};

/**
 * The app. Knows no model and no runtime.
 *
 * @example const app = createApp(service, { log: (error) => console.error(error) }); // then app.fetch(request)
 */
export const createApp = (service: Service, options: AppOptions = {}): Hono<Env> => {
  const limits = { ...defaultLimits, ...options.limits };
  const log: Log = options.log ?? (() => {});
  const app = new OpenAPIHono<Env>();

  app.use(requestId());
  app.use(
    cors({
      allowMethods: ["GET", "HEAD", "POST", "DELETE"],
      exposeHeaders: ["X-Request-Id", "Server-Timing", "Retry-After", "Location"],
    }),
  );
  app.use(async function noStore(c, next) {
    await next();
    if (!c.res.headers.has("Cache-Control")) c.res.headers.set("Cache-Control", "no-store");
  });
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, allowed) =>
        problemResponse({ kind: "method-not-allowed", method: c.req.method, allowed }, c.get("requestId")),
    }),
  );
  app.notFound((c) => problemResponse({ kind: "not-found", path: c.req.path }, c.get("requestId")));
  app.onError((error, c) => problemResponse(failureOf(error, log, c.get("requestId")), c.get("requestId")));

  const operations = [
    ...models(service),
    ...modelUploads(service, limits, options.uploadToken),
    segment(service, limits),
    attack(service, limits, log),
    score(service, limits),
    robustness(service, limits, log),
    ...health(service),
  ];
  for (const operation of operations) mount(app, operation);

  const document = () => openApiDocument(app, options.version ?? "dev");
  app.get("/openapi.json", (c) => c.json(document()));
  app.route("/", docs(document));
  return app;
};
