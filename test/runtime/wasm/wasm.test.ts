import { expect, it } from "vitest";
import { startWasm } from "../../../src/runtime/wasm/wasm.ts";
import { describeSession } from "../suite.ts";

describeSession("WASM", () => Promise.resolve(startWasm()), { skip: [] });

it("a second start gives the same instance: one memory", async () => {
  const [first, second] = [startWasm(), startWasm()];
  expect(second.memoryBytes()).toBe(first.memoryBytes());
  expect(first.version).toMatch(/^onnxruntime-web \d+\.\d+\.\d+/);
});
