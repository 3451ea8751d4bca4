/** The WebGPU runtime: what every runtime does, sessions whose tensors stay on the device, and the device's loss. */

import { describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../../src/onnx/build.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { writeModel } from "../../../src/onnx/write.ts";
import { DeviceLostError } from "../../../src/runtime/gpu/error.ts";
import { RuntimeError } from "../../../src/runtime/session.ts";
import { startWebGpuInNode } from "../../../src/runtime/webgpu/node.ts";
import { numbersOf, tensorOf } from "../../../src/tensor.ts";
import { gpu, gpuNote, hasGpu, openTestDevice, withArrays } from "../../support/gpu.ts";
import { describeSession } from "../suite.ts";

const model = (build: (op: Builder, x: Value) => Readonly<Record<string, Value>>, shape: readonly number[]) => {
  const op = createBuilder();
  return writeModel(op.model(build(op, op.input("x", "float32", shape))));
};

/** y = 2x + 1, bytes = x as uint8. */
const doubled = model(
  (op, x) => ({ y: op.Add(op.Mul(x, op.constant(2)), op.constant(1)), bytes: op.cast(x, "uint8") }),
  [2, 3],
);
const values = Float32Array.of(1, 2, 3, 4, 5, 6);

const { device } = gpu;

describe.skipIf(!hasGpu)(`a session${gpuNote}`, () => {
  describeSession("WebGPU", () => startWebGpuInNode({ device, cpuFallback: true }), {
    skip: [{ test: "tells its memory, which grows with what runs", reason: "it tells the GPU's; see below" }],
  });

  it("tells the most bytes that the device's buffers took", async () => {
    const runtime = await startWebGpuInNode({ device });
    const before = runtime.memoryBytes();
    const session = await runtime.createSession(model((op, x) => ({ y: op.Mul(x, x) }), [2 ** 20]));
    await session.run({ x: tensorOf("float32", [2 ** 20], new Float32Array(2 ** 20)) });
    expect(runtime.memoryBytes() - before).toBeGreaterThanOrEqual(2 * 4 * 2 ** 20);
    await session.release();
  });

  it("is refused where a node has no kernel, unless the CPU may help", async () => {
    const bytes = model((op, x) => ({ y: op.Softsign(x) }), [2, 3]);
    await expect((await startWebGpuInNode({ device })).createSession(bytes)).rejects.toThrow(RuntimeError);
    const session = await (await startWebGpuInNode({ device, cpuFallback: true })).createSession(bytes);
    const { y } = await session.run({ x: tensorOf("float32", [2, 3], values) });
    expect(numbersOf(y!)[0]).toBe(0.5);
    await session.release();
  });
});

describe.skipIf(!hasGpu)(`a resident session${gpuNote}`, () => {
  it.each([false, true])("gives on the device what it is given there, run by run; captured: %s", async (capture) => {
    const runtime = await startWebGpuInNode({ device });
    const session = await runtime.createResidentSession(doubled, { capture });
    await withArrays(gpu, async (upload) => {
      const x = { ...(await upload("float32", values)), shape: [2, 3] };
      for (let round = 1; round <= 4; round++) {
        const given = values.map((v) => round * v);
        device.queue.writeBuffer(x.buffer, 0, given);
        const { y, bytes } = await session.run({ x });
        expect([y!.dtype, y!.shape, bytes!.dtype]).toEqual(["float32", [2, 3], "uint8"]);
        expect(await gpu.read(y!)).toEqual(given.map((v) => 2 * v + 1));
        expect(await gpu.read(bytes!)).toEqual(Uint8Array.from(given));
      }
    });
    await session.release();
  });

  it("names an input that is missing", async () => {
    const runtime = await startWebGpuInNode({ device });
    const session = await runtime.createResidentSession(doubled);
    await expect(session.run({})).rejects.toThrow(/"x" is missing/);
    await session.release();
  });
});

describe.skipIf(!hasGpu)(`the loss of the device${gpuNote}`, () => {
  it("is told, by every call from then on; a new device runs", async () => {
    const device = await openTestDevice();
    const runtime = await startWebGpuInNode({ device });
    const session = await runtime.createSession(doubled);
    const feeds = { x: tensorOf("float32", [2, 3], values) };
    await session.run(feeds);
    device.destroy();
    await expect(session.run(feeds)).rejects.toThrow(DeviceLostError);
    await expect(runtime.createSession(doubled)).rejects.toThrow(DeviceLostError);
    const next = await (await startWebGpuInNode({ device: await openTestDevice() })).createSession(doubled);
    expect(numbersOf((await next.run(feeds))["y"]!)[0]).toBe(3);
    await next.release();
  });
});
