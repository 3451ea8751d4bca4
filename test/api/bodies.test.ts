/** Bodies that cannot be read, and their limit. */

import { describe, expect, it } from "vitest";
import type { ProblemKind } from "../../src/api/problem-kinds.ts";
import { clientOf, formBody, problemIn } from "../support/api-request.ts";
import { fakePng, fakeService } from "../support/fake-service.ts";

const path = "/v1/attack";
const image = { image: fakePng };

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
