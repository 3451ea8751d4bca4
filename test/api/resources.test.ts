import { describe, expect, it } from "vitest";
import { clientOf, problemIn } from "../support/api-request.ts";
import { failingService, fakeModel, fakePng, fakeService } from "../support/fake-service.ts";

const image = { image: fakePng };

describe("GET /v1/models", () => {
  const client = clientOf(fakeService());

  it("lists the manifests", async () => {
    expect(await (await client.send("/v1/models")).json()).toEqual({ default: "enet-street", models: [fakeModel] });
  });

  it("gives one by name", async () => {
    expect(await (await client.send("/v1/models/enet-street")).json()).toEqual(fakeModel);
  });

  it.each(["psp", "..%2f..", "%E0%A4%A", "constructor"])("404 for %s", async (name) => {
    const problem = await problemIn(await client.send(`/v1/models/${name}`));
    expect(problem).toMatchObject({ status: 404, type: "/problems/unknown-model", accepted: ["enet-street"] });
  });
});

describe("POST /v1/segment", () => {
  it.each(["form", "json"] as const)("takes %s", async (how) => {
    const service = fakeService();
    const response = await clientOf(service)[how]("/v1/segment", image);
    expect(await response.json()).toMatchObject({
      model: "enet-street",
      classes: [{ index: 0, name: "sky", color: [128, 128, 128], share: 0.5 }, { index: 1 }],
      confidence: { mean: 0.9, min: 0.4 },
      labels: { mediaType: "image/png", data: expect.stringMatching(/^iVBORw0KGgps/) },
    });
    expect(service.calls.segment).toEqual([{ model: "enet-street", image: fakePng, seed: 0 }]);
  });

  it("gives the label map alone", async () => {
    const response = await clientOf(fakeService()).form("/v1/segment", image, {}, { accept: "image/png" });
    expect(response.headers.get("content-type")).toBe("image/png");
    expect(new TextDecoder().decode((await response.arrayBuffer()).slice(8))).toBe("labels");
  });

  it("passes the model on, and refuses what it does not know", async () => {
    const service = fakeService();
    await clientOf(service).form("/v1/segment", image, { model: "other" });
    expect(service.calls.segment[0]?.model).toBe("other");
    const problem = await problemIn(
      await clientOf(service).form("/v1/segment", { ...image, labels: fakePng }, { epsilon: 1 }),
    );
    expect(problem.errors?.map(({ pointer, accepted }) => [pointer, accepted])).toEqual([
      ["/labels", ["image", "spec"]],
      ["/spec/epsilon", ["model", "crf", "transform", "seed", "backend"]],
    ]);
  });
});

describe("Vary", () => {
  const client = clientOf(fakeService());
  const ask = (accept: string) => client.form("/v1/segment", image, {}, { accept });

  it.each(["image/png", "application/json", "text/nothing"])("names Accept where it decides: %s", async (accept) => {
    expect((await ask(accept)).headers.get("vary")).toBe("Accept");
  });

  it("does not where it does not", async () => {
    expect((await client.send("/v1/models")).headers.get("vary")).toBeNull();
    expect((await client.send("/v1/segment")).status).toBe(405);
  });
});

describe("POST /v1/score", () => {
  const maps = { prediction: fakePng, reference: fakePng };

  it.each(["form", "json"] as const)("takes two maps as %s", async (how) => {
    const service = fakeService();
    const response = await clientOf(service)[how]("/v1/score", maps, { classes: 2 });
    const result: object = await response.json();
    expect(result).toMatchObject({
      prediction: {
        miou: 0.775,
        confusion: [
          [3, 1],
          [0, 4],
        ],
      },
    });
    expect(result).not.toHaveProperty("iouRatio");
    expect(service.calls.score[0]).toEqual({ ...maps, classes: { kind: "count", count: 2 }, meanOver: "reference" });
  });

  it("takes three maps, and a model's classes", async () => {
    const service = fakeService();
    const client = clientOf(service);
    const response = await client.form("/v1/score", { ...maps, adversarial: fakePng }, { model: "m" });
    expect(await response.json()).toMatchObject({ iouRatio: 1, adversarial: { miou: 0.775 } });
    await client.form("/v1/score", maps);
    expect(service.calls.score.map(({ classes }) => classes)).toEqual([
      { kind: "model", model: "m" },
      { kind: "model", model: "enet-street" },
    ]);
  });

  it.each([
    [{ classes: 2, model: "m" }, "/spec/classes"],
    [{ classes: 0 }, "/spec/classes"],
    [{ classes: 256 }, "/spec/classes"],
  ])("refuses %j", async (spec, pointer) => {
    const problem = await problemIn(await clientOf(fakeService()).form("/v1/score", maps, spec));
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  it("refuses a missing map", async () => {
    const problem = await problemIn(await clientOf(fakeService()).form("/v1/score", { prediction: fakePng }));
    expect(problem.errors).toEqual([{ pointer: "/reference", detail: "is required" }]);
  });
});

describe("health and headers", () => {
  it("lives, and is ready when the service is", async () => {
    const client = clientOf(fakeService());
    expect(await (await client.send("/health/live")).json()).toEqual({ status: "live" });
    expect(await (await client.send("/health/ready")).json()).toEqual({ status: "ready" });
    const waiting = clientOf(
      failingService({ kind: "model-unavailable", model: "enet-street", reason: "it is loading" }),
    );
    expect((await waiting.send("/health/live")).status).toBe(200);
    const response = await waiting.send("/health/ready");
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
  });

  it("lets pages of other origins call it", async () => {
    const client = clientOf(fakeService());
    const headers = {
      origin: "https://example.org",
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
    };
    const preflight = await client.send("/v1/attack", { method: "OPTIONS", headers });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
    expect(preflight.headers.get("access-control-allow-headers")).toBe("content-type");
    const response = await client.send("/v1/nothing", { headers });
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
  });

  it("keeps a caller's request id", async () => {
    const response = await clientOf(fakeService()).send("/nothing", { headers: { "x-request-id": "abc-1" } });
    expect((await problemIn(response)).instance).toBe("urn:faultline:request:abc-1");
  });
});
