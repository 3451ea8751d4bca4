/** The page /lab and its files, from the folder that scripts/browser.ts fills. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import { headersFor } from "./page-headers.ts";

const built = fileURLToPath(new URL("../../dist/browser", import.meta.url));

/**
 * Routes for what the folder holds; none where it has not been built.
 *
 * @example app.route("/", labPages());
 */
export const labPages = (folder = built): Hono => {
  const app = new Hono();
  if (!existsSync(join(folder, "lab.html"))) return app;
  app.use("/lab/*", async (c, next) => {
    await next();
    if (c.res.ok) for (const [name, value] of Object.entries(headersFor(c.req.path))) c.header(name, value);
  });
  app.get("/lab", serveStatic({ root: folder, path: "lab.html" }));
  app.get("/lab/*", serveStatic({ root: folder }));
  return app;
};
