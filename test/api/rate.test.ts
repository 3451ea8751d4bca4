/** Tokens and rates: who may send how many requests that compute or change something. */
import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../src/api/app.ts";
import { rateLimiter } from "../../src/api/rate.ts";
import { clientOf, formBody, problemIn } from "../support/api-request.ts";
import { fakePng, fakeService } from "../support/fake-service.ts";

const post = (headers: Record<string, string> = {}) => ({
  method: "POST",
  body: formBody({ image: fakePng }),
  headers,
});

describe("a rate", () => {
  it("lets so many requests through at once, and then one each time its share of a minute has passed", () => {
    let now = 0;
    const wait = rateLimiter(3, () => now);
    expect([1, 2, 3, 4].map(() => wait("a"))).toEqual([0, 0, 0, 20]);
    expect(wait("b")).toBe(0);
    now = 19_000;
    expect(wait("a")).toBe(1);
    now = 20_001;
    expect([wait("a"), wait("a")]).toEqual([0, 20]);
    now = 10 * 60_000;
    expect([1, 2, 3, 4].map(() => wait("a"))).toEqual([0, 0, 0, 20]);
  });

  it("remembers ten thousand clients at most: the one that was silent for longest is forgotten", () => {
    const wait = rateLimiter(1, () => 0);
    for (let i = 0; i <= 10_000; i++) expect(wait(`client ${i}`)).toBe(0);
    expect(wait("client 10000")).toBe(60);
    expect(wait("client 0")).toBe(0);
  });

  it("is answered with 429 and Retry-After beyond it, for what computes and changes, not for what is read", async () => {
    const service = fakeService();
    const client = clientOf(service, {
      rate: { perMinute: 2, clientOf: (c) => c.req.header("x-address") ?? "", now: () => 0 },
    });
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) statuses.push((await client.send("/v1/segment", post())).status);
    expect(statuses).toEqual([200, 200, 429]);
    const refused = await client.send("/v1/score", post());
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "30"]);
    expect(await problemIn(refused)).toMatchObject({ type: "/problems/too-many-requests" });
    expect((await client.send("/v1/models")).status).toBe(200);
    expect((await client.send("/v1/segment", post({ "x-address": "another" }))).status).toBe(200);
    expect(service.calls.segment).toHaveLength(3);
  });
});

describe("tokens", () => {
  it("are asked for where there are some, and each has a rate of its own", async () => {
    const rate = { tokens: ["one", "two"], perMinute: 1, clientOf: () => "", now: () => 0 };
    const client = clientOf(fakeService(), { rate });
    const statusOf = async (token?: string) =>
      (await client.send("/v1/segment", post(token === undefined ? {} : { authorization: `Bearer ${token}` }))).status;
    expect([await statusOf(), await statusOf("three"), await statusOf("one"), await statusOf("one"), await statusOf("two")]).toEqual([401, 401, 200, 429, 200]); // prettier-ignore
    expect((await client.send("/v1/models")).status).toBe(200);
  });
});

describe("the document", () => {
  it("states the limits of a request", async () => {
    const response = await clientOf(fakeService(), { limits: { work: 12_345 } }).send("/openapi.json");
    const { info }: { info: Record<string, unknown> } = await response.json();
    expect(info["x-limits"]).toEqual({ ...defaultLimits, work: 12_345 });
    expect(info["description"]).toContain("12345 pixels × steps");
  });
});
