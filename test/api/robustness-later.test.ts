/** POST /v1/robustness with `Prefer: respond-async`: what is kept, what is asked for, and the answer later. */

import { beforeEach, describe, expect, it } from "vitest";
import { toBase64 } from "../../src/api/base64.ts";
import { Answer } from "../../src/api/robustness-schemas.ts";
import type { EvaluationInfo, EvaluationRequest, Evaluations } from "../../src/contract/evaluations.ts";
import { FaultlineError } from "../../src/contract/failure.ts";
import { sha256Of } from "../../src/digest.ts";
import { bucketData } from "../../src/store/bucket-data.ts";
import { createDataSets } from "../../src/store/data-sets.ts";
import { clientOf, problemIn } from "../support/api-request.ts";
import { fakeEvaluation, fakeEvaluations } from "../support/fake-evaluations.ts";
import { fakePng, fakeService } from "../support/fake-service.ts";
import { memoryBucket } from "../store/memory-bucket.ts";

const path = "/v1/robustness";
const one = `/v1/evaluations/${fakeEvaluation.id}`;
const later = { prefer: "respond-async" };
const spec = { attacks: ["fgsm"], epsilons: [1, 2] };

let kept: ReturnType<typeof memoryBucket>;
let requests: EvaluationRequest[];

/** Evaluations of which one is as it was submitted, in the given state. */
const evaluationsIn = (state: EvaluationInfo["state"]): Evaluations => {
  const fake = fakeEvaluations(requests);
  return { ...fake, get: async (id) => ({ ...(await fake.get(id)), spec: requests.at(-1)!.spec, state }) };
};

const deployment = (evaluations = evaluationsIn("done"), replaced: object = {}) => {
  const data = createDataSets(bucketData(kept.bucket));
  const service = fakeService({ evaluations, data, ...replaced });
  return { service, data, client: clientOf(service) };
};

beforeEach(() => {
  kept = memoryBucket();
  requests = [];
});

describe("Prefer: respond-async", () => {
  it("202 with an evaluation of the request's own images, kept as a data set", async () => {
    const { service, data, client } = deployment();
    const labels = fakePng.slice(0, 9);
    const response = await client.form(path, { image: fakePng, labels }, spec, later);
    expect([response.status, response.headers.get("location"), response.headers.get("preference-applied")]).toEqual([
      202,
      one,
      "respond-async",
    ]);
    expect(await response.json()).toMatchObject({ state: "queued", robustness: `${one}/robustness` });
    expect(service.calls.robustness).toEqual([]);
    const [set] = await data.list();
    const { name, files } = set!;
    expect([requests.at(-1)?.spec.data?.path, files]).toEqual([name, 3]);
    const [image, map] = await Promise.all([fakePng, labels].map((bytes) => sha256Of(bytes)));
    expect(await data.file(name, `images/${image}.png`)).toEqual(new Uint8Array(fakePng));
    expect(await data.file(name, `labels/${map}.png`)).toEqual(new Uint8Array(labels));
  });

  it("answers later as the request would have been answered", async () => {
    const { service, client } = deployment();
    await client.form(path, { image: fakePng }, spec, later);
    const answer = await client.send(`${one}/robustness`);
    expect([answer.status, Answer.parse(await answer.json())]).toMatchObject([200, { verdict: "broken" }]);
    const [concluded] = service.calls.concludeRobustness;
    expect(concluded?.prepared.spec).toMatchObject({ attacks: ["fgsm"], epsilons: [1, 2], threshold: 0.5 });
    expect(new TextDecoder().decode(concluded?.rows)).toBe('{"schema":2}\n');
    expect(concluded?.milliseconds).toBe(0.25 * 3_600_000);
  });

  it.each([
    ["running", "its answer is made at its end"],
    ["queued", "its answer is made at its end"],
    ["incomplete", "6 of 12 units have no row; a retry goes on with them"],
    ["capped", "6 of 12 units have no row; a retry goes on with them"],
  ] as const)("409 for the answer of one that is %s", async (state, reason) => {
    const { client } = deployment(evaluationsIn(state));
    await client.form(path, { image: fakePng }, spec, later);
    const problem = await problemIn(await client.send(`${one}/robustness`));
    expect(problem).toMatchObject({ status: 409, detail: `The evaluation is ${state}: ${reason}.`, state });
  });

  it("409 for the answer of an evaluation that was asked for otherwise, and where the images are gone", async () => {
    const other = deployment(fakeEvaluations(requests)).client;
    expect((await problemIn(await other.send(`${one}/robustness`))).detail).toContain("did not ask for it");
    const { client, data } = deployment();
    await client.form(path, { image: fakePng }, spec, later);
    for (const { name } of await data.list()) await data.remove(name);
    expect((await problemIn(await client.send(`${one}/robustness`))).detail).toContain("was deleted");
  });

  it("deletes the images with the evaluation", async () => {
    const { client } = deployment();
    await client.form(path, { image: fakePng }, spec, later);
    expect(kept.objects.size).toBe(3);
    expect((await client.send(one, { method: "DELETE" })).status).toBe(204);
    expect([...kept.objects.keys()]).toEqual([]);
  });

  it("keeps nothing of a request that is refused", async () => {
    const refusal = new FaultlineError({ kind: "cost-exceeded", predictedCpuHours: 9, maxCpuHours: 1 });
    const refusing = { ...evaluationsIn("done"), submit: () => Promise.reject(refusal) };
    const { client } = deployment(refusing);
    const problem = await problemIn(await client.form(path, { image: fakePng }, spec, later));
    expect([problem.type, [...kept.objects.keys()]]).toEqual(["/problems/cost-exceeded", []]);
  });

  it("keeps the images of a client that has left, if a key lets it come back", async () => {
    for (const [key, images] of [
      [undefined, 0],
      ["mine", 2],
    ] as const) {
      const headers = { ...later, ...(key && { "idempotency-key": key }) };
      const fake = evaluationsIn("done");
      const leaving = deployment({ ...fake, submit: () => Promise.reject(new FaultlineError({ kind: "cancelled" })) });
      await leaving.client.form(path, { image: fakePng }, spec, headers);
      expect(kept.objects.size === 0 ? 0 : kept.objects.size - 1).toBe(images);
      const { client, service } = deployment(fake);
      expect((await client.form(path, { image: fakePng }, spec, headers)).status).toBe(202);
      expect(service.calls.prepareRobustness).toHaveLength(images === 0 ? 1 : 0);
      kept = memoryBucket();
    }
  });

  it("has one data set for a key, so that the same request is the same evaluation", async () => {
    const { client, data } = deployment();
    const ask = (key: string | undefined, epsilons: readonly number[]) =>
      client.form(
        path,
        { image: fakePng },
        { ...spec, epsilons },
        { ...later, ...(key && { "idempotency-key": key }) },
      );
    for (const [key, epsilons, sets] of [
      ["mine", [1], 1],
      ["mine", [1], 1],
      ["mine", [2], 2],
      ["other", [1], 3],
      [undefined, [1], 4],
      [undefined, [1], 5],
    ] as const) {
      await ask(key, epsilons);
      expect([requests.at(-1)?.idempotencyKey, (await data.list()).length]).toEqual([key, sets]);
    }
    expect(requests[0]?.spec).toEqual(requests[1]?.spec);
  });

  it("is the same evaluation for a key, where the network is gone by now", async () => {
    const { client, service } = deployment();
    const key = { ...later, "idempotency-key": "mine" };
    await client.form(path, { image: fakePng }, spec, key);
    service.prepareRobustness = () => Promise.reject(new FaultlineError({ kind: "unknown-model", model: "enet-street", accepted: [] })); // prettier-ignore
    expect((await client.form(path, { image: fakePng }, spec, key)).status).toBe(202);
    expect(requests[1]).toEqual(requests[0]);
    const other = await client.form(path, { image: fakePng }, { ...spec, epsilons: [9] }, key);
    expect(other.status).toBe(404);
  });

  it("has its images until it is deleted: the data set is neither listed nor deleted by its name", async () => {
    const { client } = deployment();
    await client.form(path, { image: fakePng }, spec, later);
    const own = requests.at(-1)!.spec.data!.path!;
    expect(await (await client.send("/v1/data")).json()).toEqual({ data: [] });
    const refused = await problemIn(await client.send(`/v1/data/${own}`, { method: "DELETE" }));
    expect([refused.type, refused.detail]).toEqual([
      "/problems/data-refused",
      expect.stringContaining("DELETE /v1/evaluations/{id}"),
    ]);
    expect(kept.objects.size).toBe(3);
    // What a service that was killed has left can be found, and deleted.
    requests = [];
    const without = deployment(fakeEvaluations(requests)).client;
    expect(await (await without.send("/v1/data")).json()).toMatchObject({ data: [{ name: own, files: 2 }] });
    expect((await without.send(`/v1/data/${own}`, { method: "DELETE" })).status).toBe(204);
    expect(kept.objects.size).toBe(0);
  });

  it("is bounded by the cost of the evaluation, not by the steps of a request", async () => {
    const { client } = deployment();
    const long = { attacks: ["ifgsm", "pgd"].map((attack) => ({ attack, steps: 400 })), epsilons: [1, 2, 4] };
    expect((await client.form(path, { image: fakePng }, long)).status).toBe(422);
    expect((await client.form(path, { image: fakePng }, long, later)).status).toBe(202);
  });

  it.each(["respond-async, wait=10", "return=minimal, Respond-Async", "respond-async;foo=bar"])(
    "is read from the header %s",
    async (prefer) => {
      const { client } = deployment();
      expect((await client.form(path, { image: fakePng }, spec, { prefer })).status).toBe(202);
    },
  );

  it("is not applied where it cannot be, or to what else is asked for", async () => {
    const { client, service } = deployment();
    const asked = async (own: typeof client, headers: Readonly<Record<string, string>>, more: object = {}) => {
      const { status, headers: given } = await own.form(path, { image: fakePng }, { ...spec, ...more }, headers);
      return [status, given.get("preference-applied")];
    };
    expect(await asked(client, {})).toEqual([200, null]);
    expect(await asked(client, { prefer: "respond-asynchronously" })).toEqual([200, null]);
    expect(await asked(client, { ...later, accept: "text/event-stream" })).toEqual([200, null]);
    expect(await asked(client, { ...later, accept: "application/jsonl" })).toEqual([200, null]);
    expect(await asked(client, later, { backend: "native" })).toEqual([200, null]);
    expect(service.calls.robustness).toHaveLength(5);
    const { evaluations, data } = service;
    const native = { ...evaluations!, backend: "native" } as const;
    const onNative = clientOf(fakeService({ evaluations: native, data }));
    expect(await asked(onNative, later, { backend: "wasm" })).toEqual([200, null]);
    for (const backend of ["auto", "native"])
      expect(await asked(onNative, later, { backend })).toEqual([202, "respond-async"]);
    expect(await asked(clientOf(fakeService({ data })), later)).toEqual([200, null]);
    expect(await asked(clientOf(fakeService({ evaluations })), later)).toEqual([200, null]);
  });

  it("refuses what the request would be refused for, before anything is kept", async () => {
    const failure = { kind: "labels-malformed", part: "labels", reason: "it is none" } as const;
    const refusing = { prepareRobustness: () => Promise.reject(new FaultlineError(failure)) };
    const { client } = deployment(evaluationsIn("done"), refusing);
    expect(await problemIn(await client.form(path, { image: fakePng }, spec, later))).toMatchObject({ status: 422 });
    const foreign = { origin: "https://elsewhere.test", ...later };
    expect(await problemIn(await client.form(path, { image: fakePng }, spec, foreign))).toMatchObject({ status: 403 });
    expect([...kept.objects.keys()]).toEqual([]);
  });

  it("takes several images, also in JSON", async () => {
    const { client, service } = deployment();
    const image = [fakePng, fakePng.slice(0, 9)].map(toBase64);
    const headers = { "content-type": "application/json", ...later };
    const response = await client.send(path, { method: "POST", body: JSON.stringify({ image, spec }), headers });
    expect(response.status).toBe(202);
    expect(service.calls.prepareRobustness[0]?.pictures).toHaveLength(2);
  });

  it("does not let others name its data set", async () => {
    const { client } = deployment();
    await client.form(path, { image: fakePng }, spec, later);
    const own = requests.at(-1)!.spec.data!.path!;
    const headers = { "content-type": "application/json" };
    const submit = { spec: { networks: ["enet-street"], data: { path: own } } };
    const submitted = await client.send("/v1/evaluations", { method: "POST", body: JSON.stringify(submit), headers });
    expect(await problemIn(submitted)).toMatchObject({ errors: [{ pointer: "/spec/data/path" }] });
    const files = [{ path: "a.png", sha256: "0".repeat(64), bytes: 1 }];
    const put = await client.send(`/v1/data/${own}`, { method: "PUT", body: JSON.stringify({ files }), headers });
    expect(await problemIn(put)).toMatchObject({ status: 422 });
  });
});
