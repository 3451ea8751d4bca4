import { describe, expect, it } from "vitest";
import { attackNames } from "../../src/attacks/catalogue.ts";
import { problemKinds, type ProblemKind } from "../../src/api/problem-kinds.ts";
import type { Failure } from "../../src/contract/failure.ts";
import { clientOf, formBody, problemIn } from "../support/api-request.ts";
import { failingService, fakePng, fakeService } from "../support/fake-service.ts";

const path = "/v1/attack";
const image = { image: fakePng };

/** One failure of each kind, and what its problem must say beside the detail. */
const failures: { [K in Failure["kind"]]: [Extract<Failure, { kind: K }>, RegExp, object] } = {
  "image-malformed": [
    { kind: "image-malformed", part: "image", reason: "the PNG ends inside IDAT" },
    /IDAT/,
    { status: 422, errors: [{ pointer: "/image" }] },
  ],
  "image-unsupported-format": [
    { kind: "image-unsupported-format", part: "image", received: "GIF", accepted: ["PNG", "JPEG", "WebP"] },
    /GIF.*PNG, JPEG, WebP/,
    { status: 415, errors: [{ pointer: "/image", received: "GIF", accepted: ["PNG", "JPEG", "WebP"] }] },
  ],
  "image-too-large": [
    {
      kind: "image-too-large",
      part: "image",
      size: { width: 60_000, height: 50_000 },
      maxPixels: 4_000_000,
      maxSide: 8192,
    },
    /60000×50000.*4000000/,
    { status: 413, maxPixels: 4_000_000, errors: [{ pointer: "/image" }] },
  ],
  "image-size-unsupported": [
    { kind: "image-size-unsupported", part: "image", size: { width: 1, height: 1 }, reason: "at least 32×32" },
    /1×1.*at least 32×32/,
    { status: 422, errors: [{ pointer: "/image" }] },
  ],
  "labels-malformed": [
    { kind: "labels-malformed", part: "labels", reason: "it is RGB" },
    /RGB/,
    { status: 422, errors: [{ pointer: "/labels" }] },
  ],
  "labels-size-mismatch": [
    { kind: "labels-size-mismatch", part: "target", size: { width: 3, height: 4 }, expected: { width: 5, height: 6 } },
    /3×4.*5×6/,
    { status: 422, errors: [{ pointer: "/target", received: "3×4" }] },
  ],
  "labels-class-out-of-range": [
    { kind: "labels-class-out-of-range", part: "labels", value: 40, classes: 11 },
    /40.*0 to 10/,
    { status: 422, errors: [{ pointer: "/labels", received: 40 }] },
  ],
  "unknown-model": [
    { kind: "unknown-model", model: "psp", accepted: ["enet-street"] },
    /"psp".*enet-street/,
    { status: 404, accepted: ["enet-street"] },
  ],
  "model-unavailable": [
    { kind: "model-unavailable", model: "enet-street", reason: "its file is missing" },
    /its file is missing/,
    { status: 503 },
  ],
  "gradient-unsupported": [
    { kind: "gradient-unsupported", model: "enet-street", operators: ["NonZero"] },
    /NonZero/,
    { status: 422, unsupportedOperators: ["NonZero"] },
  ],
  "memory-exceeded": [
    {
      kind: "memory-exceeded",
      predictedBytes: 248 * 2 ** 20,
      budgetBytes: 96 * 2 ** 20,
      largestFit: { width: 320, height: 240 },
    },
    /248 MiB.*96 MiB.*320×240/,
    { status: 413, predictedBytes: 260046848, budgetBytes: 100663296, largestFit: { width: 320, height: 240 } },
  ],
  "invalid-spec": [
    { kind: "invalid-spec", errors: [{ pointer: "/spec/targeted/class", detail: "must be at most 10", received: 12 }] },
    /\/spec\/targeted\/class must be at most 10/,
    { status: 422, errors: [{ pointer: "/spec/targeted/class", received: 12 }] },
  ],
  "model-exists": [
    { kind: "model-exists", model: "mine", sha256: "ab".repeat(32) },
    /mine.*abab.*replace=true/,
    { status: 409, sha256: "ab".repeat(32), errors: [{ pointer: "/manifest/name" }] },
  ],
  "model-shipped": [{ kind: "model-shipped", model: "enet-street" }, /enet-street is shipped/, { status: 403 }],
  "uploads-full": [{ kind: "uploads-full", most: 64 }, /64/, { status: 409, most: 64 }],
  "network-refused": [
    { kind: "network-refused", reason: 'graph "g", node 3 Loop "l": the shape of operator Loop is not known' },
    /node 3 Loop/,
    { status: 422, errors: [{ pointer: "/model" }] },
  ],
  "manifest-mismatch": [
    { kind: "manifest-mismatch", errors: [{ pointer: "/manifest/classes", detail: "are 4, but there are 3" }] },
    /\/manifest\/classes are 4/,
    { status: 422, errors: [{ pointer: "/manifest/classes" }] },
  ],
  busy: [{ kind: "busy", retryAfterSeconds: 7 }, /7 s/, { status: 503 }],
  stopping: [{ kind: "stopping" }, /shutting down/, { status: 503 }],
  cancelled: [{ kind: "cancelled" }, /closed/, { status: 499 }],
};

describe("failures of the service", () => {
  it.each(Object.entries(failures))("%s", async (kind, [failure, detail, rest]) => {
    const response = await clientOf(failingService(failure)).form(path, image, { attack: "fgsm" });
    const problem = await problemIn(response);
    expect(problem).toMatchObject({ type: `/problems/${kind}`, ...rest });
    expect(response.status).toBe(problem.status);
    expect(problem.detail).toMatch(detail);
    expect(problem.instance).toBe(`urn:faultline:request:${response.headers.get("x-request-id")}`);
  });

  it("tells bytes in whole MiB", async () => {
    const failure = {
      kind: "memory-exceeded",
      predictedBytes: 2_815_764_300,
      budgetBytes: 2 ** 30,
      largestFit: null,
    } as const;
    const problem = await problemIn(await clientOf(failingService(failure)).form(path, image, { attack: "fgsm" }));
    expect(problem.detail).toMatch(/2685 MiB; the budget is 1024 MiB/);
  });

  it("says that nothing fits where nothing does", async () => {
    const failure = { kind: "memory-exceeded", predictedBytes: 9e8, budgetBytes: 1e6, largestFit: null } as const;
    expect(
      (await problemIn(await clientOf(failingService(failure)).form(path, image, { attack: "fgsm" }))).detail,
    ).toMatch(/No image size fits/);
  });

  it("says what would take less where no size is known to fit", async () => {
    const failure = { kind: "memory-exceeded", predictedBytes: 9e8, budgetBytes: 1e6 } as const;
    const problem = await problemIn(await clientOf(failingService(failure)).form(path, image, { attack: "fgsm" }));
    expect(problem.detail).toMatch(/a smaller or a smoother image takes less/);
    expect(problem).not.toHaveProperty("largestFit");
  });

  it("says that the name of a shipped model cannot be had", async () => {
    const failure = { kind: "model-exists", model: "enet-street", sha256: null } as const;
    const problem = await problemIn(await clientOf(failingService(failure)).form(path, image, { attack: "fgsm" }));
    expect(problem.detail).toMatch(/enet-street, which is shipped .*choose another name/);
    expect(problem).not.toHaveProperty("sha256");
  });

  it("tells nothing of an unknown error but logs it", async () => {
    const logged: unknown[] = [];
    const error = new Error("the secret cause");
    const service = fakeService({
      segment: async () => {
        throw error;
      },
    });
    const client = clientOf(service, { log: (each) => logged.push(each) });
    const response = await client.form("/v1/segment", image);
    expect(response.status).toBe(500);
    expect(JSON.stringify(await problemIn(response))).not.toContain("secret");
    expect(logged).toEqual([error]);
  });
});

describe("fields at fault", () => {
  const cases: [string, Record<string, unknown>, object][] = [
    [
      "ε as NaN text",
      { epsilon: "NaN" },
      { pointer: "/spec/epsilon", received: "NaN", detail: "must be a finite number, not text" },
    ],
    ["negative ε", { epsilon: -1 }, { pointer: "/spec/epsilon", received: -1, detail: "must be greater than 0" }],
    ["zero ε", { epsilon: 0 }, { pointer: "/spec/epsilon", detail: "must be greater than 0" }],
    [
      "huge ε",
      { epsilon: 256 },
      { pointer: "/spec/epsilon", received: 256, detail: "must be at most 255 in the L∞ norm" },
    ],
    [
      "a norm that the attack has no form in",
      { attack: "fgsm", norm: "l2" },
      { pointer: "/spec/norm", detail: "must be linf for fgsm" },
    ],
    ["ε null", { epsilon: null }, { pointer: "/spec/epsilon", received: null }],
    ["unknown attack", { attack: "cw" }, { pointer: "/spec/attack", received: "cw", accepted: attackNames }],
    [
      "absent attack",
      { attack: undefined },
      { pointer: "/spec/attack", detail: expect.stringContaining("is required") },
    ],
    ["steps over the limit", { steps: 201 }, { pointer: "/spec/steps", detail: "must be at most 200" }],
    ["steps not whole", { steps: 1.5 }, { pointer: "/spec/steps", detail: "must be a whole number, not 1.5" }],
    [
      "default steps over the limit",
      { epsilon: 250 },
      { pointer: "/spec/steps", detail: expect.stringContaining("254") },
    ],
    ["steps of a single-step attack", { attack: "fgsm", steps: 2 }, { pointer: "/spec/steps", received: 2 }],
    ["α of a single-step attack", { attack: "fgsm", alpha: 2 }, { pointer: "/spec/alpha", received: 2 }],
    ["α zero", { alpha: 0 }, { pointer: "/spec/alpha" }],
    ["seed beyond 32 bits", { seed: 2 ** 32 }, { pointer: "/spec/seed" }],
    [
      "unknown key",
      { "ep/s~": 3 },
      { pointer: "/spec/ep~1s~0", accepted: expect.arrayContaining(["epsilon", "alpha"]) },
    ],
    [
      "unknown nested key",
      { targeted: { kind: "map", x: 1 } },
      { pointer: "/spec/targeted/x", accepted: ["kind", "class"] },
    ],
    [
      "unknown kind of target",
      { targeted: { kind: "all" } },
      { pointer: "/spec/targeted/kind", received: "all", accepted: ["class", "map"] },
    ],
    ["target class negative", { targeted: { kind: "class", class: -1 } }, { pointer: "/spec/targeted/class" }],
    ["map without part", { targeted: { kind: "map" } }, { pointer: "/target" }],
    ["ground truth without labels", { label: "ground-truth" }, { pointer: "/labels" }],
    ["unknown output", { images: ["gif"] }, { pointer: "/spec/images/0", received: "gif" }],
  ];

  it.each(cases)("%s", async (_, wrong, error) => {
    const service = fakeService();
    const response = await clientOf(service).form(path, image, { attack: "ifgsm", ...wrong });
    expect(response.status).toBe(422);
    const problem = await problemIn(response);
    expect(problem.type).toBe("/problems/invalid-request");
    expect(problem.errors).toHaveLength(1);
    expect(problem.errors?.[0]).toMatchObject(error);
    expect(service.calls.attack).toHaveLength(0);
  });

  it("1e999 is no finite number", async () => {
    const body = '{"image":"AAAA","spec":{"attack":"fgsm","epsilon":1e999}}';
    const response = await clientOf(fakeService()).send(path, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    const { errors } = await problemIn(response);
    expect(errors).toEqual([
      { pointer: "/spec/epsilon", detail: "must be a finite number, not Infinity", received: "Infinity" },
    ]);
  });

  it("reports all fields at once", async () => {
    const client = clientOf(fakeService());
    const { errors } = await problemIn(await client.json(path, { picture: fakePng }, { attack: "x", epsilon: -1 }));
    expect(errors?.map(({ pointer }) => pointer)).toEqual(["/picture", "/image", "/spec/attack", "/spec/epsilon"]);
  });

  it("reports at most twenty unknown keys", async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, 1]));
    const { errors } = await problemIn(await clientOf(fakeService()).form(path, image, { attack: "fgsm", ...many }));
    expect(errors).toHaveLength(20);
  });

  it.each([
    ["image given as text", { image: "x.png", spec: '{"attack":"fgsm"}' }, /must be a file/],
    ["empty image", { image: new Blob([]), spec: '{"attack":"fgsm"}' }, /is empty/],
  ])("%s", async (_, parts, detail) => {
    const body = new FormData();
    for (const [name, part] of Object.entries(parts)) body.set(name, part);
    const problem = await problemIn(await clientOf(fakeService()).send(path, { method: "POST", body }));
    expect(problem).toMatchObject({
      status: 422,
      errors: [{ pointer: "/image", detail: expect.stringMatching(detail) }],
    });
  });

  it("refuses a part that comes twice", async () => {
    const body = formBody(image, { attack: "fgsm" });
    body.append("image", new Blob([fakePng]));
    const problem = await problemIn(await clientOf(fakeService()).send(path, { method: "POST", body }));
    expect(problem.errors?.[0]).toMatchObject({ pointer: "/image", detail: "occurs more than once" });
  });

  it.each(["%%%", "data:image/png,abc", "data:image/png;base64,%", "é"])("refuses base64 like %s", async (text) => {
    const body = JSON.stringify({ image: text, spec: { attack: "fgsm" } });
    const headers = { "content-type": "application/json" };
    const problem = await problemIn(await clientOf(fakeService()).send(path, { method: "POST", body, headers }));
    expect(problem.errors).toEqual([{ pointer: "/image", detail: "is not base64" }]);
  });
});

const post = async (body: RequestInit["body"], type?: string, extra: Record<string, string> = {}) =>
  clientOf(fakeService(), { limits: { bodyBytes: 2000 } }).send(path, {
    method: "POST",
    body: body ?? null,
    headers: { ...(type && { "content-type": type }), ...extra },
  });

describe("bodies at fault", () => {
  it.each<[string, RequestInit["body"], string | undefined, number, ProblemKind]>([
    ["broken JSON", "{", "application/json", 400, "malformed-body"],
    ["no JSON at all", "", "application/json", 400, "malformed-body"],
    ["bytes that are no UTF-8", Uint8Array.of(0xff, 0xfe), "application/json", 400, "malformed-body"],
    ["JSON that is no object", "[]", "application/json", 422, "invalid-request"],
    ["JSON null", "null", "application/json", 422, "invalid-request"],
    ["multipart without a boundary", "x", "multipart/form-data", 400, "malformed-body"],
    [
      "truncated multipart",
      "--b\r\nContent-Disposition: form-data; name=x\r\n\r\nabc",
      "multipart/form-data; boundary=b",
      400,
      "malformed-body",
    ],
    ["an image itself", fakePng, "image/png", 415, "unsupported-media-type"],
    ["a plain form", "image=x", "application/x-www-form-urlencoded", 415, "unsupported-media-type"],
    ["no type", fakePng, undefined, 415, "unsupported-media-type"],
    ["no body", null, undefined, 415, "unsupported-media-type"],
  ])("%s", async (_, body, type, status, kind) => {
    const response = await post(body, type);
    expect(await problemIn(response)).toMatchObject({ status, type: `/problems/${kind}` });
  });

  it("lists the accepted types with a 415", async () => {
    const response = await post(fakePng, "image/png");
    expect(response.headers.get("accept-post")).toBe("multipart/form-data, application/json");
    expect((await problemIn(response))["accepted"]).toEqual(["multipart/form-data", "application/json"]);
  });

  it("refuses a coded body", async () => {
    expect((await problemIn(await post("x", "application/json", { "content-encoding": "gzip" }))).detail).toMatch(
      /gzip/,
    );
  });

  it.each([
    ["null", "null"],
    ["[1]", "an array of 1"],
  ])("refuses a spec that is %s", async (spec, told) => {
    const body = formBody(image);
    body.set("spec", spec);
    const { errors } = await problemIn(await clientOf(fakeService()).send(path, { method: "POST", body }));
    expect(errors?.map((e) => [e.pointer, e.detail])).toEqual([["/spec", `must be of type object, not ${told}`]]);
  });

  it("points at a spec part that is no JSON", async () => {
    const body = formBody(image);
    body.set("spec", "{epsilon:8}");
    const problem = await problemIn(await clientOf(fakeService()).send(path, { method: "POST", body }));
    expect(problem).toMatchObject({ status: 400, type: "/problems/malformed-body", errors: [{ pointer: "/spec" }] });
  });

  it("refuses an announced length over the limit without reading", async () => {
    let pulled = 0;
    const body = new ReadableStream({ pull: (c) => (pulled++, c.enqueue(new Uint8Array(10))) }, { highWaterMark: 0 });
    const headers = { "content-type": "application/json", "content-length": "2001" };
    const response = await clientOf(fakeService(), { limits: { bodyBytes: 2000 } }).send(path, {
      method: "POST",
      body,
      headers,
      duplex: "half",
    } as RequestInit);
    expect(await problemIn(response)).toMatchObject({
      status: 413,
      type: "/problems/body-too-large",
      limitBytes: 2000,
    });
    expect(pulled).toBe(0);
  });

  it("stops reading a body that grows over the limit, whatever it announced", async () => {
    let pulled = 0;
    const body = new ReadableStream({ pull: (c) => (pulled++, c.enqueue(new Uint8Array(1000))) }, { highWaterMark: 0 });
    const headers = { "content-type": "multipart/form-data; boundary=b", "content-length": "10" };
    const response = await clientOf(fakeService(), { limits: { bodyBytes: 2000 } }).send(path, {
      method: "POST",
      body,
      headers,
      duplex: "half",
    } as RequestInit);
    expect(await problemIn(response)).toMatchObject({ status: 413, limitBytes: 2000 });
    expect(pulled).toBe(3);
  });

  it("takes a body of exactly the limit", async () => {
    const text = JSON.stringify({ image: "AAAA", spec: { attack: "fgsm" } });
    expect((await post(text.padEnd(2000), "application/json")).status).toBe(200);
    expect((await post(text.padEnd(2001), "application/json")).status).toBe(413);
  });
});

describe("routes", () => {
  const client = clientOf(fakeService());

  it("404 for an unknown path", async () => {
    const response = await client.send("/v1/nothing");
    expect(await problemIn(response)).toMatchObject({ status: 404, type: "/problems/not-found" });
  });

  it.each([
    ["GET", "/v1/attack", "POST"],
    ["DELETE", "/v1/models", "GET, HEAD, POST"],
    ["POST", "/v1/models/enet-street", "GET, HEAD, DELETE"],
    ["POST", "/health/live", "GET, HEAD"],
  ])("405 for %s %s", async (method, url, allow) => {
    const response = await client.send(url, { method });
    expect(await problemIn(response)).toMatchObject({ status: 405, type: "/problems/method-not-allowed" });
    expect(response.headers.get("allow")).toBe(allow);
  });

  it("406 lists what there is", async () => {
    const response = await client.form(path, image, { attack: "fgsm" }, { accept: "text/html, application/json;q=0" });
    const problem = await problemIn(response);
    expect(problem).toMatchObject({ status: 406, type: "/problems/not-acceptable" });
    expect(problem["accepted"]).toContain("text/event-stream");
  });

  it("every problem has its page", async () => {
    const kinds = Object.keys(problemKinds);
    const pages = await Promise.all(kinds.map((kind) => client.send(`/problems/${kind}`)));
    expect(pages.map(({ status }) => status)).toEqual(kinds.map(() => 200));
    expect((await client.send("/problems/toString")).status).toBe(404);
  });
});
