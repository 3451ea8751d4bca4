/** Serves the page /lab and its files from the folder that scripts/browser.ts builds. */

import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono, type MiddlewareHandler } from "hono";
import { headersFor } from "./page-headers.ts";

const built = fileURLToPath(new URL("../../dist/browser", import.meta.url));

/** A weak entity tag from the file's size and modification time; null if there is no such file. */
const entityTag = async (path: string): Promise<string | null> => {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? `W/"${found.size.toString(36)}-${Math.floor(found.mtimeMs).toString(36)}"` : null;
};

/** Middleware that answers 304 if the client's copy is current (RFC 9110, 13.1.2). */
const revalidated =
  (folder: string): MiddlewareHandler =>
  async (c, next) => {
    const path = c.req.path === "/lab" ? "/lab.html" : c.req.path;
    const tag = path.includes("..") || path.includes("%") ? null : await entityTag(join(folder, path));
    if (tag === null) return next();
    c.header("ETag", tag);
    const known = c.req.header("If-None-Match")?.split(",") ?? [];
    if (known.some((each) => each.trim() === tag)) return c.body(null, 304);
    await next();
    c.header("ETag", tag);
    return undefined;
  };

/** Whether the folder has been built. */
export const isLabBuilt = (folder = built): boolean => existsSync(join(folder, "lab.html"));

/**
 * Routes for the files in the folder; no routes if it has not been built.
 *
 * @example app.route("/", labPages());
 */
export const labPages = (folder = built): Hono => {
  const app = new Hono();
  if (!isLabBuilt(folder)) return app;
  app.use("/lab/*", async (c, next) => {
    await next();
    if (c.res.ok || c.res.status === 304)
      for (const [name, value] of Object.entries(headersFor(c.req.path))) c.header(name, value);
  });
  app.use("/lab/*", revalidated(folder));
  app.get("/lab", serveStatic({ root: folder, path: "lab.html" }));
  app.get("/lab/*", serveStatic({ root: folder }));
  return app;
};
