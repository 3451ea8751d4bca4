/** /v1/evaluations: what reaches the service, and what its answers become. */

import { describe, expect, it } from "vitest";
import type { EvaluationRequest } from "../../src/contract/evaluations.ts";
import { clientOf, eventsIn, problemIn } from "../support/api-request.ts";
import { fakeEvaluation, fakeEvaluations } from "../support/fake-evaluations.ts";
import { fakeService } from "../support/fake-service.ts";

const requests: EvaluationRequest[] = [];
const client = clientOf(fakeService({ evaluations: fakeEvaluations(requests) }));
const path = "/v1/evaluations";
const one = `${path}/${fakeEvaluation.id}`;
const spec = { networks: ["enet-street"], attacks: ["ifgsm"], epsilon: [1, 4] } as const;
const post = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  client.send(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });

describe("POST /v1/evaluations", () => {
  it("202 with the place of the evaluation, and the specification as it was sent", async () => {
    const response = await post({ spec, maxCpuHours: 2 }, { "Idempotency-Key": "mine" });
    expect([response.status, response.headers.get("location")]).toEqual([202, one]);
    expect(await response.json()).toMatchObject({ state: "queued", spec, predicted: fakeEvaluation.predicted });
    expect(requests.at(-1)).toEqual({ spec, maxCpuHours: 2, idempotencyKey: "mine" });
  });

  it("tells dollars where a price is stated, and takes a cap in them", async () => {
    const own = clientOf(fakeService({ evaluations: fakeEvaluations(requests) }), { dollarsPerCpuHour: 0.072 });
    const headers = { "content-type": "application/json" };
    const ask = (body: object) => own.send(path, { method: "POST", headers, body: JSON.stringify({ spec, ...body }) });
    expect(await (await ask({ dryRun: true })).json()).toMatchObject({ cpuHours: 0.5, dollars: 0.036 });
    for (const [caps, hours] of [
      [{ maxDollars: 0.72 }, 10],
      [{ maxDollars: 0.72, maxCpuHours: 3 }, 3],
    ] as const) {
      expect(await (await ask(caps)).json()).toMatchObject({ predicted: { dollars: 0.036 } });
      expect(requests.at(-1)?.maxCpuHours).toBeCloseTo(hours, 12);
    }
    expect(await problemIn(await post({ spec, maxDollars: 1 }))).toMatchObject({
      errors: [{ pointer: "/maxDollars" }],
    });
  });

  it("200 with what it would take, if it is a dry run", async () => {
    const response = await post({ spec, dryRun: true });
    expect([response.status, await response.json()]).toEqual([200, fakeEvaluation.predicted]);
  });

  it.each([
    [{}, "/spec"],
    [{ spec: { ...spec, epsilons: [1] } }, "/spec/epsilons"],
    [{ spec: { ...spec, epsilon: [300] } }, "/spec/epsilon"],
    [{ spec: { ...spec, attacks: [{ attack: "pgd", epsilon: 300 }] } }, "/spec/attacks/0/epsilon"],
    [{ spec: { networks: [] } }, "/spec/networks"],
    [{ spec, maxCpuHours: 0 }, "/maxCpuHours"],
    [{ spec, dryrun: true }, "/dryrun"],
  ])("422 for %j, at %s", async (body, pointer) => {
    const before = requests.length;
    const problem = await problemIn(await post(body));
    expect(problem).toMatchObject({ status: 422, type: "/problems/invalid-request", errors: [{ pointer }] });
    expect(requests).toHaveLength(before);
  });

  it("422 for an empty key, 415 for a form", async () => {
    expect(await problemIn(await post({ spec }, { "Idempotency-Key": "k".repeat(201) }))).toMatchObject({
      status: 422,
    });
    expect(await problemIn(await client.form(path, {}, spec))).toMatchObject({ status: 415 });
  });

  it("403 from a page of another origin, unless a token is needed, which it does not have", async () => {
    const foreign = { origin: "https://elsewhere.test", "sec-fetch-site": "cross-site" };
    const kept = requests.length;
    expect(await problemIn(await post({ spec }, foreign))).toMatchObject({ type: "/problems/foreign-origin" });
    const cancel = await client.send(`${one}/cancel`, { method: "POST", headers: foreign });
    expect([cancel.status, requests.length]).toEqual([403, kept]);
    expect((await client.send(one, { headers: foreign })).status).toBe(200);
    const rate = { tokens: ["secret"], clientOf: () => "" };
    const guarded = clientOf(fakeService({ evaluations: fakeEvaluations() }), { rate });
    const headers = { ...foreign, authorization: "Bearer secret" };
    expect((await guarded.send(`${one}/cancel`, { method: "POST", headers })).status).toBe(200);
    expect((await guarded.send(`${one}/cancel`, { method: "POST", headers: foreign })).status).toBe(401);
  });

  it("501 where there is no folder for evaluations", async () => {
    const without = clientOf(fakeService());
    for (const [url, init] of [[path, { method: "POST" }], [one], [`${one}/rows`]] as const)
      expect(await problemIn(await without.send(url, init))).toMatchObject({
        status: 501,
        type: "/problems/evaluations-disabled",
      });
  });
});

describe("/v1/evaluations/{id}", () => {
  it("tells how it stands, and takes what is to become of it", async () => {
    expect(await (await client.send(one)).json()).toEqual(fakeEvaluation);
    const states = await Promise.all(
      ["cancel", "retry"].map(async (verb) => (await client.send(`${one}/${verb}`, { method: "POST" })).json()),
    );
    expect(states).toMatchObject([{ state: "cancelled" }, { state: "queued" }]);
    expect((await client.send(one, { method: "DELETE" })).status).toBe(204);
  });

  it("is followed as a stream of events to its end", async () => {
    const events = await eventsIn(await client.send(`${one}/events`));
    expect(events.map(({ event, data }) => [event, data["state"]])).toEqual([
      ["progress", "running"],
      ["result", "done"],
    ]);
  });

  it("has rows, and reports by the Accept header, as pages without scripts", async () => {
    const rows = await client.send(`${one}/rows`);
    expect(rows.headers.get("content-type")).toBe("application/x-ndjson");
    expect(new TextDecoder().decode(await rows.arrayBuffer())).toBe('{"schema":2}\n');
    for (const type of ["application/json", "text/html", "text/markdown"]) {
      const report = await client.send(`${one}/report`, { headers: { accept: type } });
      expect([report.headers.get("content-type"), await report.text()]).toEqual([`${type}; charset=utf-8`, type]);
      expect(report.headers.get("content-security-policy")).toContain("default-src 'none'");
    }
  });

  it.each([
    ["GET", ""],
    ["DELETE", ""],
    ["GET", "/events"],
    ["GET", "/rows"],
    ["GET", "/report"],
    ["POST", "/cancel"],
    ["POST", "/retry"],
  ])("404 for %s of another%s", async (method, suffix) => {
    const problem = await problemIn(await client.send(`${path}/other${suffix}`, { method }));
    expect(problem).toMatchObject({ status: 404, type: "/problems/unknown-evaluation" });
  });
});
