import { describe, expect, it, vi } from "vitest";
import { attackNames } from "../../src/attacks/catalogue.ts";
import { Attack, AttackProgress } from "../../src/api/attack-schemas.ts";
import { toBase64 } from "../../src/api/base64.ts";
import { FaultlineError } from "../../src/contract/failure.ts";
import { clientOf, eventsIn, formBody, problemIn } from "../support/api-request.ts";
import { fakePng, fakeService } from "../support/fake-service.ts";

const path = "/v1/attack";
const image = { image: fakePng };

describe("POST /v1/attack", () => {
  it.each(["form", "json"] as const)("takes %s and answers JSON that fits its schema", async (how) => {
    const service = fakeService();
    const response = await clientOf(service)[how](
      path,
      { ...image, labels: fakePng },
      { attack: "ifgsm-ii", epsilon: 8 },
    );
    expect(response.status).toBe(200);
    const result = Attack.parse(await response.json());
    expect(result.reference).toBe("ground-truth");
    expect(result.steps).toHaveLength(10);
    expect(Object.keys(result.images)).toEqual(["adversarial", "labels-before", "labels-after"]);
    expect(result.images.adversarial?.data).toBe(
      toBase64(new Uint8Array([...fakePng.subarray(0, 8), ...new TextEncoder().encode("adversarial")])),
    );
    const [asked] = service.calls.attack;
    expect(asked?.image).toEqual(fakePng);
    expect(asked?.labels).toEqual(fakePng);
    expect(response.headers.get("server-timing")).toBe("run;dur=12.3, total;dur=20.0");
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  it("fills in the paper's defaults", async () => {
    const service = fakeService();
    const client = clientOf(service);
    await client.form(path, image, { attack: "ifgsm" });
    await client.form(path, image, { attack: "fgsm", epsilon: 4 });
    const common = { model: "enet-street", label: "prediction", norm: "linf", pixelRange: "clip", seed: 0 };
    expect(service.calls.attack.map(({ spec }) => spec)).toEqual([
      { ...common, attack: "ifgsm", epsilon: 8, alpha: 1, steps: 10 },
      { ...common, attack: "fgsm", epsilon: 4, alpha: 4, steps: 1 },
    ]);
  });

  it("fills in the norm's defaults, and takes radii in L2 that no L∞ ball has", async () => {
    const service = fakeService();
    await clientOf(service).form(path, image, { attack: "pgd", epsilon: 400, norm: "l2" });
    expect(service.calls.attack[0]?.spec).toMatchObject({ norm: "l2", epsilon: 400, alpha: 50, steps: 20 });
  });

  it("needs a radius in L2 of attacks with a budget, and of no others", async () => {
    const service = fakeService();
    const problem = await problemIn(await clientOf(service).form(path, image, { attack: "apgd", norm: "l2" }));
    expect(problem.errors).toEqual([
      { pointer: "/spec/epsilon", detail: expect.stringMatching(/^is required, because spec.norm is l2: .* ε·√n /) },
    ]);
    expect((await clientOf(service).form(path, image, { attack: "fmn", norm: "l2" })).status).toBe(200);
    expect(service.calls.attack.map(({ spec }) => [spec.norm, spec.epsilon])).toEqual([["l2", undefined]]);
  });

  it("passes every option on", async () => {
    const service = fakeService();
    const spec = {
      model: "enet-street",
      attack: "pgd",
      epsilon: 2.5,
      alpha: 0.5,
      steps: 3,
      start: 0.25,
      restarts: 2,
      label: "ground-truth",
      targeted: { kind: "map" },
      norm: "l2",
      pixelRange: "none",
      seed: 7,
      backend: "webgpu",
    };
    const outputs = ["perturbation", "adversarial-npy"];
    const response = await clientOf(service).json(
      path,
      { ...image, labels: fakePng, target: fakePng },
      { ...spec, images: outputs },
    );
    expect(response.status).toBe(200);
    expect(service.calls.attack[0]).toEqual({ spec, outputs, image: fakePng, labels: fakePng, target: fakePng });
  });

  it("fills in CRF-RNN's parameters, and takes none", async () => {
    const service = fakeService();
    const client = clientOf(service);
    for (const crf of ["none", {}, { iterations: 5, gaussian: { weight: 1, theta: 2 }, attacked: false }])
      expect((await client.form(path, image, { attack: "ifgsm", crf })).status).toBe(200);
    const bilateral = { weight: 5, thetaAlpha: 160, thetaBeta: 3 };
    expect(service.calls.attack.map(({ spec }) => spec.crf)).toEqual([
      "none",
      { iterations: 10, gaussian: { weight: 3, theta: 3 }, bilateral, attacked: true },
      { iterations: 5, gaussian: { weight: 1, theta: 2 }, bilateral, attacked: false },
    ]);
    const refused = await client.form(path, image, { attack: "ifgsm", crf: { gaussian: { weight: 1, theta: -2 } } });
    expect(await problemIn(refused)).toMatchObject({ status: 422, errors: [{ pointer: "/spec/crf/gaussian/theta" }] });
  });

  it("takes transformations, and how the attack takes them", async () => {
    const service = fakeService();
    const client = clientOf(service);
    const transform = [{ name: "jpeg", quality: [50, 90] }, { name: "noise" }];
    const given = [{ transform, through: "bpda", draws: 4 }, { transform: "none" }, { through: "naive" }];
    for (const fields of given)
      expect((await client.form(path, image, { attack: "ifgsm", ...fields })).status).toBe(200);
    expect(
      service.calls.attack.map(({ spec: { transform: t, through, draws } }) => ({ transform: t, through, draws })),
    ).toEqual(given.map((fields) => ({ transform: undefined, through: undefined, draws: undefined, ...fields })));
  });

  it.each([
    [{ transform: [] }, "/spec/transform", "must have at least 1 item"],
    [{ transform: [{ name: "sharpen" }] }, "/spec/transform/0/name", expect.stringMatching(/one of resize, jpeg/)],
    [{ transform: [{ name: "noise" }, { name: "blur", sigma: 99 }] }, "/spec/transform/1/sigma", "must be at most 10"],
    [
      { transform: [{ name: "jpeg", steps: 1 }] },
      "/spec/transform/0/steps",
      "is no field here; accepted: name, quality, subsampling; `steps` stands in /spec",
    ],
    [
      { transform: [{ name: "jpeg", subsampling: [1, 2] }] },
      "/spec/transform/0/subsampling",
      expect.stringMatching(/number, not an array/),
    ],
    [{ through: "around" }, "/spec/through", "must be one of differentiable, bpda, naive"],
    [{ draws: 0 }, "/spec/draws", "must be at least 1"],
    [{ sources: ["a"], draws: 2 }, "/spec/draws", expect.stringMatching(/the gradient is that of `sources`/)],
    [{ sources: ["a", "b", "c", "d", "e"] }, "/spec/sources", "must have at most 4 items"],
    [{ scales: [0.01] }, "/spec/scales/0", "must be at least 0.1"],
    [{ classWeights: [1, -1] }, "/spec/classWeights/1", "must be at least 0"],
    [{ classWeights: [1, 2] }, "/spec/classWeights", expect.stringMatching(/ifgsm weighs no classes; .* sea does/)],
    [{ fusion: "mean" }, "/spec/fusion", "must be absent, as there are no `scales` to fuse"],
    [{ steps: 100, draws: 1000 }, "/spec/draws", expect.stringMatching(/100000 evaluations/)],
  ])("refuses %o at %s", async (fields, pointer, detail) => {
    const refused = await clientOf(fakeService()).form(path, image, { attack: "ifgsm", ...fields });
    expect(await problemIn(refused)).toMatchObject({ status: 422, errors: [{ pointer, detail }] });
  });

  it("takes a perturbation in place of an attack, and nothing about how one is made", async () => {
    const service = fakeService();
    const client = clientOf(service);
    const parts = { ...image, delta: fakePng };
    expect((await client.json(path, parts, { attack: "universal", epsilon: 8 })).status).toBe(200);
    expect(service.calls.attack[0]).toMatchObject({
      spec: { attack: "universal", epsilon: 8, steps: 0, norm: "linf" },
      delta: fakePng,
    });
    const wrong = { attack: "universal", norm: "l2", alpha: 1, sources: ["a"], targeted: { kind: "class", class: 1 } };
    const { errors } = await problemIn(await client.form(path, image, wrong));
    expect(errors?.map(({ pointer }) => pointer)).toEqual([
      "/spec/sources",
      "/spec/alpha",
      "/spec/targeted",
      "/spec/norm",
      "/delta",
    ]);
    const beside = await problemIn(await client.form(path, parts, { attack: "pgd" }));
    expect(beside).toMatchObject({
      status: 422,
      errors: [{ pointer: "/delta", detail: expect.stringMatching(/must be absent/) }],
    });
  });

  it("takes the spec as a part with its own type, and data: URLs in JSON", async () => {
    const service = fakeService();
    const client = clientOf(service);
    const body = formBody(image, { attack: "fgsm" }, "blob");
    expect((await client.send(path, { method: "POST", body })).status).toBe(200);
    const json = JSON.stringify({ image: `data:image/png;base64,${toBase64(fakePng)}`, spec: { attack: "fgsm" } });
    const headers = { "content-type": "application/json; charset=utf-8" };
    expect((await client.send(path, { method: "POST", body: json, headers })).status).toBe(200);
    expect(service.calls.attack.map((call) => call.image)).toEqual([fakePng, fakePng]);
  });

  it.each([
    ["image/png", "image/png", "adversarial"],
    ["image/png;depth=16", "image/png;depth=16", "adversarial-16bit"],
    ["application/x-npy", "application/x-npy", "adversarial-npy"],
    ["text/html, image/*;q=0.9, */*;q=0.1", "image/png", "adversarial"],
  ])("answers Accept: %s with %s", async (accept, type, output) => {
    const service = fakeService();
    const response = await clientOf(service).form(path, image, { attack: "fgsm" }, { accept });
    expect(response.headers.get("content-type")).toBe(type);
    expect(service.calls.attack[0]?.outputs).toEqual([output]);
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(bytes.length).toBeGreaterThan(6);
    expect(bytes[0]).toBe(type.startsWith("image/") ? 0x89 : 0xc2);
  });

  it("streams a progress event per step, then the result", async () => {
    const response = await clientOf(fakeService()).form(
      path,
      image,
      { attack: "ifgsm", epsilon: 2 },
      { accept: "text/event-stream" },
    );
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const events = await eventsIn(response);
    expect(events.map(({ event }) => event)).toEqual(["progress", "progress", "progress", "result"]);
    expect(events.slice(0, 3).map(({ data }) => AttackProgress.parse(data).step)).toEqual([1, 2, 3]);
    expect(Attack.parse(events[3]?.data).receipt.spec.steps).toBe(3);
  });

  it("answers with a problem what fails before the first step of a stream", async () => {
    const service = fakeService({
      attack: async () => {
        throw new FaultlineError({ kind: "busy", retryAfterSeconds: 3 });
      },
    });
    const response = await clientOf(service).form(path, image, { attack: "fgsm" }, { accept: "text/event-stream" });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("3");
    expect((await problemIn(response)).type).toBe("/problems/busy");
  });

  it("ends a stream that fails with an error event, and logs what no failure explains", async () => {
    const logged: unknown[] = [];
    const secret = new Error("the secret cause");
    const service = fakeService({
      attack: async (_, { onStep }) => {
        await onStep?.({ step: 1, steps: 2, loss: 0, changedPixelShare: 0 });
        throw secret;
      },
    });
    const client = clientOf(service, { log: (error) => logged.push(error) });
    const events = await eventsIn(await client.form(path, image, { attack: "fgsm" }, { accept: "text/event-stream" }));
    expect(events.map(({ event }) => event)).toEqual(["progress", "error"]);
    expect(events[1]?.data).toMatchObject({ type: "/problems/internal", status: 500 });
    expect(JSON.stringify(events)).not.toContain("secret");
    expect(logged).toEqual([secret]);
  });

  it("aborts the run when the client leaves the stream", async () => {
    let steps = 0;
    let noticedAt = 0;
    const service = fakeService({
      attack: async (_, { onStep, signal }) => {
        for (steps = 1; steps <= 1000; steps++) {
          if (signal?.aborted) {
            noticedAt = steps;
            throw new FaultlineError({ kind: "cancelled" });
          }
          await onStep?.({ step: steps, steps: 1000, loss: 0, changedPixelShare: 0 });
        }
        throw new Error("the run went on");
      },
    });
    const response = await clientOf(service).form(path, image, { attack: "ifgsm" }, { accept: "text/event-stream" });
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await vi.waitFor(() => expect(noticedAt).toBeGreaterThan(0));
    expect(noticedAt).toBeLessThan(10);
  });

  it("aborts the run when the request is aborted", async () => {
    const abort = new AbortController();
    const service = fakeService({
      attack: async (_, { onStep, signal }) => {
        abort.abort();
        await onStep?.({ step: 1, steps: 1, loss: 0, changedPixelShare: 0 });
        if (signal?.aborted) throw new FaultlineError({ kind: "cancelled" });
        throw new Error("the run went on");
      },
    });
    const body = formBody(image, { attack: "fgsm" });
    const response = await clientOf(service).send(path, { method: "POST", body, signal: abort.signal });
    expect(response.status).toBe(499);
  });
});

it("the receipt's spec of each attack can be sent again", async () => {
  for (const name of attackNames) {
    const service = fakeService();
    const client = clientOf(service);
    expect((await client.form("/v1/attack", { image: fakePng }, { attack: name, epsilon: 8 })).status).toBe(200);
    const { spec } = service.calls.attack[0]!;
    expect([name, (await client.form("/v1/attack", { image: fakePng }, spec)).status]).toEqual([name, 200]);
    expect(service.calls.attack[1]!.spec).toEqual(spec);
  }
});
