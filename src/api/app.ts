/** The HTTP service: a Hono app over a Service. Runs unchanged in workerd, Node and any other runtime with `fetch`. */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Hono, HonoRequest } from "hono";
import { cors } from "hono/cors";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { MAX_WORK } from "../contract/limits.ts";
import type { Service } from "../contract/service.ts";
import { attack } from "./attack.ts";
import { attacks } from "./attacks.ts";
import { audit } from "./audit.ts";
import { certify } from "./certify.ts";
import { dataSets } from "./data.ts";
import { docs } from "./docs.ts";
import { UNBUILT } from "./docs-try-it.ts";
import { evaluations } from "./evaluations.ts";
import { health } from "./health.ts";
import { modelUploads } from "./model-uploads.ts";
import { models } from "./models.ts";
import { openApiDocument } from "./openapi.ts";
import { bodyBudget, mount, type Env, type Limits } from "./operation.ts";
import { failureOf, problemResponse, type Log } from "./problem.ts";
import { limitRate, type RateOptions } from "./rate.ts";
import { report } from "./report.ts";
import { robustness } from "./robustness.ts";
import { SAMPLE_ORIGIN } from "./samples.ts";
import { score } from "./score.ts";
import { segment } from "./segment.ts";
import { transfer } from "./transfer.ts";

export interface AppOptions {
  readonly limits?: Partial<Limits>;
  /** The version in the OpenAPI document. */
  readonly version?: string;
  /** The bearer token that is required to upload and delete models; without it, every client may. */
  readonly uploadToken?: string | undefined;
  /** The rate limit and the tokens of requests that compute or change something; unlimited by default. */
  readonly rate?: RateOptions | undefined;
  /** The price of an hour of a processor, for evaluations of data sets. */
  readonly dollarsPerCpuHour?: number | undefined;
  /** Whether the lab and the script of the forms of /docs are served beside the app, at /lab; true by default. */
  readonly hasLab?: boolean;
  /** Gets the errors that no failure explains (those answered with 500). */
  readonly log?: Log;
  /** Called before each step of parsing a complete body, which occupies the thread; by default it does not wait. */
  readonly turn?: (() => Promise<void>) | undefined;
}

export const defaultLimits: Limits = {
  bodyBytes: 16 * 2 ** 20,
  uploadBytes: 32 * 2 ** 20,
  steps: 1000,
  gridSteps: 1000,
  work: MAX_WORK,
  epsilons: 32,
};

/** Whether a request is POST /v1/models, DELETE /v1/models/NAME, one that changes data sets, or the preflight of such a one. */
const changesStore = (request: HonoRequest): boolean => {
  const { method, path } = request;
  const asked = method === "OPTIONS" ? request.header("access-control-request-method") : method;
  if (path.startsWith("/v1/data")) return asked === "PUT" || asked === "DELETE";
  return path.startsWith("/v1/models") && (asked === "POST" || asked === "DELETE");
};

/**
 * Creates the app, which does not depend on models or a runtime.
 *
 * @example const app = createApp(service, { log: (error) => console.error(error) }); // then app.fetch(request)
 */
export const createApp = (service: Service, options: AppOptions = {}): Hono<Env> => {
  const limits = { ...defaultLimits, ...options.limits };
  const log: Log = options.log ?? (() => {});
  const app = new OpenAPIHono<Env>();

  app.use(requestId());
  const bodies = bodyBudget(
    limits.unfinishedBytes ?? 4 * limits.bodyBytes + limits.uploadBytes,
    options.turn ?? (() => Promise.resolve()),
  );
  app.use(async function shareBodyBudget(c, next) {
    c.set("bodies", bodies);
    await next();
  });
  // Reading and computing are allowed from every origin; changes are allowed from other origins only if they require a token.
  const readers = cors({
    allowMethods: ["GET", "HEAD", "POST", ...(options.uploadToken === undefined ? [] : ["PUT", "DELETE"])],
    exposeHeaders: ["X-Request-Id", "Server-Timing", "Retry-After", "Location", "Preference-Applied"],
  });
  app.use((c, next) => (changesStore(c.req) && options.uploadToken === undefined ? next() : readers(c, next)));
  app.use(async function commonHeaders(c, next) {
    await next();
    if (!c.res.headers.has("Cache-Control")) c.res.headers.set("Cache-Control", "no-store");
    c.res.headers.set("X-Content-Type-Options", "nosniff");
  });
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, allowed) =>
        problemResponse({ kind: "method-not-allowed", method: c.req.method, allowed }, c.get("requestId")),
    }),
  );
  const { hasLab = true } = options;
  app.notFound((c) => {
    const { path } = c.req;
    const hint = !hasLab && /^\/lab(?:\/|$)/.test(path) ? { hint: UNBUILT } : {};
    return problemResponse({ kind: "not-found", path, ...hint }, c.get("requestId"));
  });
  app.onError((error, c) => problemResponse(failureOf(error, log, c.get("requestId")), c.get("requestId")));

  if (options.rate) app.use("/v1/*", limitRate(options.rate));

  const access = {
    limits,
    log,
    isGuarded: (options.rate?.tokens ?? []).length > 0,
    dollarsPerCpuHour: options.dollarsPerCpuHour,
  };
  const operations = [
    ...models(service),
    ...modelUploads(service, limits, options.uploadToken),
    attacks(limits),
    segment(service, limits),
    attack(service, limits, log),
    score(service, limits),
    robustness(service, access),
    transfer(service, limits),
    audit(service, limits),
    certify(service, limits),
    ...evaluations(service, access),
    ...dataSets(service, limits, options.uploadToken),
    report(service, limits),
    ...health(service),
  ];
  for (const operation of operations) mount(app, operation);

  const document = () => openApiDocument(app, options.version ?? "dev", limits);
  app.get("/openapi.json", (c) => {
    const here = JSON.stringify(document()).replaceAll(SAMPLE_ORIGIN, new URL(c.req.url).origin);
    return c.body(here, 200, { "Content-Type": "application/json" });
  });
  app.route("/", docs(document, hasLab));
  return app;
};
