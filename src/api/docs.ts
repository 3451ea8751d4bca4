/** GET /docs, /problems/{kind} and /: the documentation as HTML pages without external resources. One script of our own serves the forms of /docs. */
import { Hono } from "hono";
import { html, raw } from "hono/html";
import { operationsPage } from "./docs-page.ts";
import { page, type Html } from "./docs-style.ts";
import { frontPage } from "./front-page.ts";
import type { Document } from "./openapi.ts";
import type { Env } from "./operation.ts";
import { problemKinds, type ProblemKind } from "./problem-kinds.ts";

const isProblemKind = (kind: string): kind is ProblemKind => Object.hasOwn(problemKinds, kind);

const problemEntry = (kind: ProblemKind): Html => {
  const { status, title, meaning } = problemKinds[kind];
  return html`<article id="${kind}">
    <h2><span class="status">${status}</span> ${title}</h2>
    <p><code>/problems/${kind}</code></p>
    <p>${meaning}</p>
  </article>`;
};

/** Requests go to the service itself alone; answers that are pictures are shown. */
const policy =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; img-src blob: data:; frame-ancestors 'none'; form-action 'none'; base-uri 'none'";

const headers = { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy };

const send = async (content: Html): Promise<Response> => new Response(String(await content), { headers });

/** @param hasForms whether the script of the forms is served. */
export const docs = (document: () => Document, hasForms: boolean): Hono<Env> => {
  const app = new Hono<Env>();
  const allProblems = (Object.keys(problemKinds) as ProblemKind[]).map(problemEntry);
  app.get("/", (c) => send(frontPage(new URL(c.req.url).origin)));
  app.get("/docs", (c) => send(operationsPage(document(), { origin: new URL(c.req.url).origin, hasForms })));
  app.get("/problems", () =>
    send(
      page(
        "Problems",
        html`<main>
          <h1>Problems</h1>
          ${allProblems}
        </main>`,
      ),
    ),
  );
  app.get("/problems/:kind", (c) => {
    const kind = c.req.param("kind");
    if (!isProblemKind(kind)) return c.notFound();
    const all = raw('<p><a href="/problems">All problems</a> · <a href="/docs">API</a></p>');
    return send(page(problemKinds[kind].title, html`<main>${problemEntry(kind)}${all}</main>`));
  });
  return app;
};
