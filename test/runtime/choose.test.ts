import { describe, expect, it } from "vitest";
import { chooseBackend, type WebGpu } from "../../src/runtime/choose.ts";
import { RuntimeError } from "../../src/runtime/session.ts";

const gpu: WebGpu = { adapter: () => Promise.resolve({ name: "Voodoo 2", software: false }), missing: () => [] };
const noAdapter: WebGpu = { ...gpu, adapter: () => Promise.reject(new Error("this browser has no WebGPU")) };
const lacking: WebGpu = { ...gpu, missing: () => ["MaxUnpool", "Celu"] };

describe("the backend", () => {
  it("is WebGPU where there is an adapter and nothing is missing, and says on what", async () => {
    for (const wanted of ["auto", "webgpu"] as const) {
      const { backend, why } = await chooseBackend(wanted, gpu);
      expect([backend, why]).toEqual(["webgpu", expect.stringContaining("Voodoo 2")]);
    }
  });

  it("is WASM without an adapter, or where operators are missing, and says why", async () => {
    expect(await chooseBackend("auto", noAdapter)).toEqual({ backend: "wasm", why: "this browser has no WebGPU" });
    const { backend, why } = await chooseBackend("auto", lacking);
    expect([backend, why]).toEqual(["wasm", expect.stringContaining("MaxUnpool, Celu")]);
  });

  it("is WebGPU by software only where it is asked for", async () => {
    const software: WebGpu = { ...gpu, adapter: () => Promise.resolve({ name: "SwiftShader", software: true }) };
    const why = "the only WebGPU adapter is software (SwiftShader)";
    expect(await chooseBackend("auto", software)).toEqual({ backend: "wasm", why });
    expect((await chooseBackend("webgpu", software)).backend).toBe("webgpu");
  });

  it("is WASM where that is asked for, without a look at the adapter", async () => {
    const unasked: WebGpu = { adapter: () => Promise.reject(new Error("asked")), missing: () => ["asked"] };
    expect(await chooseBackend("wasm", unasked)).toEqual({ backend: "wasm", why: "it was asked for" });
  });

  it.each([noAdapter, lacking])("is refused where WebGPU is asked for and cannot be had", async (without) => {
    await expect(chooseBackend("webgpu", without)).rejects.toThrow(RuntimeError);
  });
});
