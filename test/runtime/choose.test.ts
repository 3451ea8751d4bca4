import { describe, expect, it } from "vitest";
import { chooseBackend, type Hosts } from "../../src/runtime/choose.ts";
import { RuntimeError } from "../../src/runtime/session.ts";

const gpu: Hosts = { adapter: () => Promise.resolve({ name: "Voodoo 2", software: false }), missing: () => [] };
const noAdapter: Hosts = { ...gpu, adapter: () => Promise.reject(new Error("this browser has no WebGPU")) };
const lacking: Hosts = { ...gpu, missing: () => ["MaxUnpool", "Celu"] };

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
    const software: Hosts = { ...gpu, adapter: () => Promise.resolve({ name: "SwiftShader", software: true }) };
    const why = "the only WebGPU adapter is software (SwiftShader)";
    expect(await chooseBackend("auto", software)).toEqual({ backend: "wasm", why });
    expect((await chooseBackend("webgpu", software)).backend).toBe("webgpu");
  });

  it("is WASM where that is asked for, without a look at the adapter", async () => {
    const unasked: Hosts = { adapter: () => Promise.reject(new Error("asked")), missing: () => ["asked"] };
    expect(await chooseBackend("wasm", unasked)).toEqual({ backend: "wasm", why: "it was asked for" });
  });

  it("is native onnxruntime where it is installed and there is no GPU, and says both", async () => {
    const version = "onnxruntime-node 0.0";
    const native = () => Promise.resolve(version);
    const why = `${version} is installed, and this browser has no WebGPU`;
    expect(await chooseBackend("auto", { ...noAdapter, native })).toEqual({ backend: "native", why });
    expect((await chooseBackend("auto", { ...lacking, native })).backend).toBe("native");
    expect((await chooseBackend("auto", { ...gpu, native })).backend).toBe("webgpu");
    expect(await chooseBackend("native", { ...gpu, native })).toEqual({ backend: "native", why: "it was asked for" });
    await expect(chooseBackend("webgpu", { ...noAdapter, native })).rejects.toThrow("WebGPU cannot be had");
  });

  it("is WASM where native onnxruntime is not installed; asked for, that is refused with its reason", async () => {
    const absent: Hosts = { ...noAdapter, native: () => Promise.reject(new Error("it is not installed")) };
    const why = "this browser has no WebGPU, and it is not installed";
    expect(await chooseBackend("auto", absent)).toEqual({ backend: "wasm", why });
    await expect(chooseBackend("native", absent)).rejects.toThrow(
      "native onnxruntime cannot be had: it is not installed",
    );
    await expect(chooseBackend("native", gpu)).rejects.toThrow("runs under Node only");
  });

  it.each([noAdapter, lacking])("is refused where WebGPU is asked for and cannot be had", async (without) => {
    await expect(chooseBackend("webgpu", without)).rejects.toThrow(RuntimeError);
  });
});
