/** What requests are held to before the service is asked: query parameters, origins, bodies; and what every answer carries. */
import { describe, expect, it } from "vitest";
import { FaultlineError } from "../../src/contract/failure.ts";
import type { AppOptions } from "../../src/api/app.ts";
import { clientOf, formBody, problemIn } from "../support/api-request.ts";
import { failingService, fakePng, fakeService } from "../support/fake-service.ts";

const image = { image: fakePng };

describe("query parameters that an operation does not have", () => {
  it.each([
    { path: "/v1/segment?model=enet-street", method: "POST", pointer: "/model", remedy: "body's spec" },
    { path: "/v1/attack?epsilon=4", method: "POST", pointer: "/epsilon", remedy: "body's spec" },
    { path: "/v1/models?page=2", method: "GET", pointer: "/page", remedy: "has none" },
    { path: "/health/live?a~b=1", method: "GET", pointer: "/a~0b", remedy: "has none" },
    { path: "/v1/models/x?replace=true", method: "DELETE", pointer: "/replace", remedy: "has none" },
  ])("are refused by name: $method $path", async ({ path, method, pointer, remedy }) => {
    const service = fakeService({ uploads: { add: () => Promise.reject(new Error()), remove: async () => {} } });
    const body = method === "POST" ? { body: formBody(image) } : {};
    const problem = await problemIn(await clientOf(service).send(path, { method, ...body }));
    expect(problem).toMatchObject({ type: "/problems/invalid-request", errors: [{ pointer }] });
    expect(problem.detail).toContain(remedy);
    expect(service.calls.segment).toEqual([]);
  });

  it("are told from those that it has", async () => {
    const add = () => Promise.reject(new FaultlineError({ kind: "storage-full" }));
    const client = clientOf(fakeService({ uploads: { add, remove: async () => {} } }));
    const problem = await problemIn(await client.send("/v1/models?replace=true&force=1", { method: "POST" }));
    expect(problem.errors).toMatchObject([{ pointer: "/force", accepted: ["replace"] }]);
  });
});

describe("uploads and deletions", () => {
  const sent = async (headers: Record<string, string>, options: AppOptions = {}, method = "DELETE") => {
    const removed: string[] = [];
    const uploads = { add: () => Promise.reject(new Error()), remove: async (name: string) => void removed.push(name) };
    const client = clientOf(fakeService({ uploads }), options);
    const response = await client.send("http://localhost/v1/models/mine", { method, headers });
    return { status: response.status, cors: response.headers.get("access-control-allow-origin"), removed };
  };
  const foreign = { origin: "https://example.org" };

  it.each([
    { name: "another origin", headers: foreign },
    { name: "an opaque origin", headers: { origin: "null" } },
    { name: "another port", headers: { origin: "http://localhost:99" } },
    { name: "a cross-site request without an origin", headers: { "sec-fetch-site": "cross-site" } },
  ])("are refused from a page while there is no token: $name", async ({ headers }) => {
    expect(await sent(headers as Record<string, string>)).toEqual({ status: 403, cors: null, removed: [] });
  });

  it("are taken from clients that are no pages, and from the service's own pages", async () => {
    expect(await sent({})).toMatchObject({ status: 204, removed: ["mine"] });
    expect(await sent({ origin: "http://localhost", "sec-fetch-site": "same-origin" })).toMatchObject({ status: 204 });
  });

  it("are taken from everywhere with the token", async () => {
    const options = { uploadToken: "secret" };
    expect(await sent({ ...foreign, authorization: "Bearer secret" }, options)).toEqual({ status: 204, cors: "*", removed: ["mine"] }); // prettier-ignore
    expect(await sent(foreign, options)).toMatchObject({ status: 401, removed: [] });
  });

  it("have no preflight that lets a page in; reading and computing has", async () => {
    const ask = (method: string) => ({ ...foreign, "access-control-request-method": method });
    expect((await sent(ask("DELETE"), {}, "OPTIONS")).cors).toBeNull();
    expect((await sent(ask("GET"), {}, "OPTIONS")).cors).toBe("*");
    expect((await sent(ask("DELETE"), { uploadToken: "secret" }, "OPTIONS")).cors).toBe("*");
  });
});

describe("every answer", () => {
  it.each(["/v1/models", "/health/live", "/openapi.json", "/docs", "/problems", "/nothing"])(
    "%s keeps browsers from guessing its type",
    async (path) => {
      const response = await clientOf(fakeService()).send(path);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      const isPage = response.headers.get("content-type")?.startsWith("text/html") ?? false;
      const framed = response.headers.get("content-security-policy")?.includes("frame-ancestors 'none'") ?? false;
      expect(framed).toBe(isPage);
    },
  );
});

describe("texts in problems", () => {
  it("are cut, however long the file's names are", async () => {
    const name = "A".repeat(5_000_000);
    const operators = Array.from({ length: 1000 }, () => name.slice(0, 5000));
    for (const failure of [
      { kind: "network-refused", reason: `node ${name}` },
      { kind: "gradient-unsupported", model: "m", operators },
      { kind: "unknown-model", model: name, accepted: operators },
    ] as const) {
      const text = await (await clientOf(failingService(failure)).form("/v1/segment", image)).text();
      expect(text.length).toBeLessThan(60_000);
      const { detail } = JSON.parse(text) as { detail: string };
      expect(detail.length).toBeLessThanOrEqual(401);
      expect(new FaultlineError(failure).message.length).toBeLessThan(1100);
    }
  });
});

/** A body of pieces that the test hands over one by one. */
const bodyInPieces = () => {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({ start: (c) => void (controller = c) });
  return {
    body,
    push: (bytes: number) => controller.enqueue(new Uint8Array(bytes)),
    close: () => controller.close(),
    fail: () => controller.error(new Error("connection reset")),
  };
};
const streamed = (body: ReadableStream) =>
  ({ method: "POST", body, headers: { "content-type": "application/json" }, duplex: "half" }) as RequestInit;

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

describe("bodies", () => {
  it("that break off are 499, and are not logged as faults", async () => {
    const logged: unknown[] = [];
    const client = clientOf(fakeService(), { log: (error) => logged.push(error) });
    const { body, push, fail } = bodyInPieces();
    push(10);
    const response = client.send("/v1/segment", streamed(body));
    await settled();
    fail();
    expect((await response).status).toBe(499);
    expect(logged).toEqual([]);
  });

  it("are together held to a limit, which those that have ended leave", async () => {
    const client = clientOf(fakeService(), { limits: { unfinishedBytes: 1000 } });
    const first = bodyInPieces();
    first.push(900);
    const held = client.send("/v1/segment", streamed(first.body));
    await settled();
    const problem = async () => problemIn(await client.form("/v1/segment", image));
    expect(await problem()).toMatchObject({ status: 503, type: "/problems/receiving-too-much" });
    first.close();
    expect((await held).status).toBe(400);
    expect((await client.send("/v1/segment", { method: "POST", body: "{}", headers: { "content-type": "application/json" } })).status).toBe(422); // prettier-ignore
    const other = bodyInPieces();
    other.push(990);
    const failing = client.send("/v1/segment", streamed(other.body));
    await settled();
    other.fail();
    expect((await failing).status).toBe(499);
    const third = bodyInPieces();
    third.push(999);
    third.close();
    expect((await client.send("/v1/segment", streamed(third.body))).status).toBe(400);
  });
});
