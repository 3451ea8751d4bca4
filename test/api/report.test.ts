/** POST /v1/report: media types, query parameters and limits. */

import { describe, expect, it } from "vitest";
import { clientOf, problemIn } from "../support/api-request.ts";
import { failingService, fakeService } from "../support/fake-service.ts";

const path = "/v1/report";
const rows = '{"schema":2}\n';

const post = (service = fakeService(), headers: Record<string, string> = {}, query = "", body = rows) =>
  clientOf(service).send(`${path}${query}`, {
    method: "POST",
    headers: { "content-type": "application/jsonl", ...headers },
    body,
  });

describe("POST /v1/report", () => {
  it.each([
    ["application/json", "json", "application/json"],
    ["text/markdown", "markdown", "text/markdown; charset=utf-8"],
    ["text/html,application/xhtml+xml;q=0.9", "html", "text/html; charset=utf-8"],
    ["*/*", "json", "application/json"],
  ])("answers %s", async (accept, form, type) => {
    const service = fakeService();
    const response = await post(service, { accept }, "?title=Nightly&seed=7");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("vary")).toContain("Accept");
    expect(service.calls.report).toEqual([{ rows: new TextEncoder().encode(rows), form, title: "Nightly", seed: 7 }]);
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(form === "html" ? /default-src 'none'.*sandbox/ : /^$/);
  });

  it.each([
    [{ accept: "image/png" }, "", 406, "not-acceptable"],
    [{ "content-type": "application/json" }, "", 415, "unsupported-media-type"],
    [{ "content-encoding": "gzip" }, "", 415, "unsupported-media-type"],
    [{}, "?seed=x", 422, "invalid-request"],
    [{}, "?sed=1", 422, "invalid-request"],
  ])("refuses %o%s with %i", async (headers, query, status, kind) => {
    const response = await post(fakeService(), headers, query);
    expect(response.status).toBe(status);
    expect((await problemIn(response)).type).toMatch(new RegExp(`${kind}$`));
  });

  it("refuses a body that is too large, and passes on what the service refuses", async () => {
    const client = clientOf(fakeService(), { limits: { bodyBytes: 10 } });
    const large = await client.send(path, {
      method: "POST",
      headers: { "content-type": "application/jsonl" },
      body: rows,
    });
    expect(large.status).toBe(413);
    const detail = "line 1: `id` must be a text";
    const refused = await post(failingService({ kind: "invalid-spec", errors: [{ pointer: "", detail }] }));
    expect([refused.status, (await problemIn(refused)).errors]).toEqual([422, [{ pointer: "", detail }]]);
  });
});
