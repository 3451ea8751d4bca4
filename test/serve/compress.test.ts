/** What goes over the wire: compressed where it pays, and not again where the client has it. */

import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { codingFor, compressed } from "../../src/serve/compress.ts";
import { labPages } from "../../src/serve/lab.ts";
import { temporaryFolder } from "../cli/terminal.ts";

const text = JSON.stringify(Array.from({ length: 2000 }, (_, i) => i % 10));
const request = (acceptEncoding?: string, method = "GET") =>
  new Request("http://localhost/x", {
    method,
    headers: acceptEncoding === undefined ? {} : { "Accept-Encoding": acceptEncoding },
  });
const answer = (type = "application/json", headers: Record<string, string> = {}, body = text) =>
  new Response(body, { status: 201, headers: { "Content-Type": type, ...headers } });
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());

describe("an answer", () => {
  it.each([
    ["br", "gzip, deflate, br", brotliDecompressSync],
    ["gzip", "gzip", gunzipSync],
    ["gzip", "br;q=0, *", gunzipSync],
  ] as const)("is coded as %s for a client that accepts %s", async (coding, accepted, decode) => {
    const response = compressed(
      request(accepted),
      answer("application/json", { Vary: "Accept", "Content-Length": String(text.length) }),
    );
    expect([response.status, response.headers.get("content-encoding"), response.headers.get("content-length")]).toEqual([201, coding, null]); // prettier-ignore
    expect(response.headers.get("vary")).toBe("Accept, Accept-Encoding");
    const bytes = await bytesOf(response);
    expect(bytes.length).toBeLessThan(text.length / 10);
    expect(decode(bytes).toString()).toBe(text);
  });

  it.each([
    ["a client that accepts none", request(), answer()],
    ["a client that refuses all", request("br;q=0, gzip;q=0"), answer()],
    ["HEAD", request("br", "HEAD"), answer()],
    ["a picture", request("br"), answer("image/png")],
    ["events", request("br"), answer("text/event-stream")],
    ["a short answer", request("br"), answer("application/json", { "Content-Length": "2" }, "{}")],
    ["what is coded already", request("br"), answer("application/json", { "Content-Encoding": "br" })],
  ])("stays as it is for %s", async (_, asked, given) => {
    const before = given.headers.get("content-encoding");
    const response = compressed(asked, given);
    expect(response.headers.get("content-encoding")).toBe(before);
    expect([text, "{}"]).toContain(await response.text());
  });

  it("prefers brotli", () => {
    expect([codingFor("*"), codingFor("gzip;q=1, br;q=0.1"), codingFor(null), codingFor("identity")]).toEqual([
      "br",
      "br",
      null,
      null,
    ]);
  });
});

describe("the page's files", () => {
  const { path } = temporaryFolder();
  mkdirSync(path("lab"), { recursive: true });
  writeFileSync(path("lab.html"), "<p>page");
  writeFileSync(path("lab", "a.wasm"), "abc");
  const app = labPages(path());
  const get = (at: string, tag?: string) =>
    app.request(at, { headers: tag === undefined ? {} : { "If-None-Match": tag } });

  it.each([
    ["/lab", "<p>page"],
    ["/lab/a.wasm", "abc"],
  ])("are sent once, and revalidated without their bytes: %s", async (at, content) => {
    const first = await get(at);
    expect(await first.text()).toBe(content);
    const tag = first.headers.get("etag")!;
    expect(tag).toMatch(/^W\/"/);
    const again = await get(at, `"other", ${tag}`);
    expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([304, "", tag]);
    expect(again.headers.get("x-content-type-options")).toBe("nosniff");
    expect((await get(at, '"other"')).status).toBe(200);
  });

  it("are sent again once they have changed", async () => {
    const tag = (await get("/lab/a.wasm")).headers.get("etag")!;
    utimesSync(path("lab", "a.wasm"), 1, 1);
    expect((await get("/lab/a.wasm", tag)).status).toBe(200);
    expect((await get("/lab/none")).status).toBe(404);
    expect((await get("/lab/..%2flab.html")).status).toBe(404);
  });
});
