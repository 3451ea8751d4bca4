/** Where requests run, and what is said of it. WebGPU here is WASM under its name: it runs the graphs that are written for it. */

import { describe, expect, it } from "vitest";
import { createService } from "../../src/service/service.ts";
import type { OpenWebGpu } from "../../src/networks/placement.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { failureOf, grid, imagePng, serviceOf, spec, tiny } from "../service/tiny-service.ts";

const host = (software: boolean): OpenWebGpu => {
  const runtime = { ...startWasm(), backend: "webgpu", version: "onnxruntime-web 0.0 on a fake GPU" } as const;
  return () => Promise.resolve({ runtime, adapter: "Fake GPU", software });
};
const none: OpenWebGpu = () => Promise.reject(new Error("this machine has no adapter"));

const attack = (service: ReturnType<typeof createService>, changes: object = {}) =>
  service.attack({ spec: { ...spec, ...changes }, image: imagePng, outputs: ["adversarial-npy"] }, {});
const ranBy = async (...asked: Parameters<typeof attack>) => {
  const { backend, backendWhy, versions } = (await attack(...asked)).receipt;
  return { backend, backendWhy, version: versions.onnxruntime };
};

describe("a request", () => {
  it("runs on WebGPU where there is an adapter, and says so", async () => {
    const why = "there is an adapter, Fake GPU, and the whole network runs on it";
    const version = "onnxruntime-web 0.0 on a fake GPU";
    expect(await ranBy(serviceOf([tiny], { webgpu: host(false) }))).toEqual({
      backend: "webgpu",
      backendWhy: why,
      version,
    });
  });

  it("runs on WASM where there is none, and says why", async () => {
    const found = await ranBy(serviceOf([tiny], { webgpu: none }));
    expect(found).toMatchObject({ backend: "wasm", backendWhy: "this machine has no adapter" });
    expect(await ranBy(serviceOf())).toMatchObject({
      backend: "wasm",
      backendWhy: "this service has no WebGPU",
    });
  });

  it("runs on software Vulkan only where it asks for it", async () => {
    const service = serviceOf([tiny], { webgpu: host(true) });
    const why = "the only WebGPU adapter is software (Fake GPU)";
    expect(await ranBy(service)).toMatchObject({ backend: "wasm", backendWhy: why });
    expect(await ranBy(service, { backend: "webgpu" })).toMatchObject({ backend: "webgpu" });
  });

  it("runs where it asks to, against the service's own setting; both give the same", async () => {
    const service = serviceOf([tiny], { webgpu: host(false), backend: "wasm" });
    expect(await ranBy(service)).toMatchObject({ backend: "wasm", backendWhy: "it was asked for" });
    const [there, here] = [await attack(service, { backend: "webgpu" }), await attack(service, { backend: "wasm" })];
    expect([there.receipt.backend, here.receipt.backend]).toEqual(["webgpu", "wasm"]);
    expect(there.images).toEqual(here.images);
    expect(there.scores).toEqual(here.scores);
  });

  it("that asks for WebGPU where there is none is told what would be accepted", async () => {
    const error = {
      pointer: "/spec/backend",
      detail: "WebGPU cannot be had: this machine has no adapter",
      received: "webgpu",
      accepted: ["auto", "wasm"],
    };
    const failure = { kind: "invalid-spec", errors: [error] };
    const service = serviceOf([tiny], { webgpu: none });
    expect(await failureOf(attack(service, { backend: "webgpu" }))).toEqual(failure);
    const asked = { model: "tiny", image: imagePng, backend: "webgpu" } as const;
    expect(await failureOf(service.segment(asked))).toEqual(failure);
    expect(await failureOf(attack(service, { backend: "native" }))).toMatchObject({
      errors: [{ detail: expect.stringContaining("runs under Node only"), accepted: ["auto", "wasm"] }],
    });
    const robustness = service.robustness({ spec: { ...grid, backend: "webgpu" }, image: imagePng }, {});
    expect(await failureOf(robustness)).toEqual(failure);
  });

  it("with a CRF gives the same on both, climbed through and around it", async () => {
    const service = serviceOf([tiny], { webgpu: host(false) });
    for (const attacked of [true, false]) {
      const crf = {
        iterations: 2,
        gaussian: { weight: 3, theta: 3 },
        bilateral: { weight: 5, thetaAlpha: 20, thetaBeta: 30 },
        attacked,
      };
      const [there, here] = [await attack(service, { crf }), await attack(service, { crf, backend: "wasm" })];
      expect([there.receipt.backend, here.receipt.backend]).toEqual(["webgpu", "wasm"]);
      expect(there.images).toEqual(here.images);
      expect(there.scores).toEqual(here.scores);
    }
  });

  it("to segment, and to find the smallest radius, says it too", async () => {
    const service = serviceOf([tiny], { webgpu: host(false) });
    expect((await service.segment({ model: "tiny", image: imagePng })).backend).toBe("webgpu");
    expect((await service.robustness({ spec: grid, image: imagePng }, {})).receipt.backend).toBe("webgpu");
  });

  it("asks for an adapter once, whether there is one or not", async () => {
    for (const found of [none, host(false)]) {
      let asked = 0;
      const service = serviceOf([tiny], {
        webgpu: () => {
          asked += 1;
          return found();
        },
      });
      const first = await ranBy(service);
      expect(await ranBy(service)).toEqual(first);
      expect(asked).toBe(1);
    }
  });
});
