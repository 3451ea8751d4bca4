/** Requests that change something, from the pages of others. */
import type { Context } from "hono";
import { RequestError } from "./request-error.ts";

/**
 * Protects deployments without a token against cross-site requests: a page of another origin could upload a model, or start
 * hours of work, through a visitor's browser. Browsers send `Origin` with such requests and with DELETE; other clients
 * do not.
 *
 * @throws RequestError foreign-origin
 */
export const requireOwnOrigin = (c: Context): void => {
  const origin = c.req.header("origin");
  const site = c.req.header("sec-fetch-site") ?? "none";
  const own = origin === undefined || (URL.canParse(origin) && new URL(origin).host === new URL(c.req.url).host);
  if (own && (site === "none" || site === "same-origin")) return;
  throw new RequestError({ kind: "foreign-origin", origin: origin ?? `a page (Sec-Fetch-Site: ${site})` });
};
