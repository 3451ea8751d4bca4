/** Compiling, binding and launching, and what goes wrong with them. */

import { describe, expect, it } from "vitest";
import { DeviceLostError, GpuError } from "../../../src/runtime/gpu/error.ts";
import { arrayOf, clear, openGpu, sequence, type Gpu, type LaunchOptions } from "../../../src/runtime/gpu/gpu.ts";
import { RuntimeCrash } from "../../../src/runtime/session.ts";
import { gpu as shared, gpuNote, hasGpu, openTestDevice, withArrays } from "../../support/gpu.ts";

/** x ← factor·x + 1, by threads that stride; one thread a workgroup. */
const scale = `
struct Parameters { count: u32, factor: f32 }
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<uniform> parameters: Parameters;
override OFFSET: f32 = 1;
@compute @workgroup_size(1)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = thread.x; i < parameters.count; i += groups.x) { x[i] = parameters.factor * x[i] + OFFSET; }
}
`;

const broken = scale.replace("x[i] = ", "x[i] = nowhere + ");

const bound = (gpu: Gpu, x: LaunchOptions["buffers"][string], more: Partial<LaunchOptions> = {}) =>
  gpu.launch("scale", { buffers: { x }, parameters: { count: x.length, factor: 2 }, items: x.length, ...more });

describe.skipIf(!hasGpu)(`a kernel on a device${gpuNote}`, () => {
  const { device } = shared;
  const gpu = openGpu(device, { scale, broken });

  it("runs as often as it is submitted, in order, with constants of its own", async () => {
    await withArrays(gpu, async (upload) => {
      const x = await upload("float32", Float32Array.of(1, 2, 3));
      const [plain, other] = [await bound(gpu, x), await bound(gpu, x, { constants: { OFFSET: 10 } })];
      await gpu.run(plain, plain, other);
      expect([...(await gpu.read(x))]).toEqual([24, 32, 40]); // 2·(2·(2x + 1) + 1) + 10
      await gpu.run(sequence(clear(x), plain));
      expect([...(await gpu.read(x))]).toEqual([1, 1, 1]);
    });
  });

  it("is compiled once a device, and again for other constants", async () => {
    const fresh = await openTestDevice();
    let made = 0;
    const create = fresh.createComputePipelineAsync.bind(fresh);
    fresh.createComputePipelineAsync = (descriptor) => {
      made += 1;
      return create(descriptor);
    };
    const [one, two] = [openGpu(fresh, { scale }), openGpu(fresh, { scale })];
    const x = await one.upload("float32", Float32Array.of(0));
    await Promise.all([bound(one, x), bound(two, x), bound(one, x)]);
    expect(made).toBe(1);
    await bound(two, x, { constants: { OFFSET: 3 } });
    expect(made).toBe(2);
    fresh.destroy();
  });

  it("covers more items than there may be workgroups", async () => {
    const most = device.limits.maxComputeWorkgroupsPerDimension;
    const x = await gpu.allocate("float32", most + 100);
    await gpu.run(await bound(gpu, x));
    expect((await gpu.read(x)).every((v) => v === 1)).toBe(true);
    x.buffer.destroy();
  });

  it("takes buffers of another owner", async () => {
    const buffer = device.createBuffer({ size: 64, usage: 128 | 4 | 8 });
    device.queue.writeBuffer(buffer, 0, Float32Array.of(5, 6, 7));
    const x = arrayOf(buffer, "float32", 2);
    await gpu.run(await bound(gpu, x));
    expect([...(await gpu.read(x))]).toEqual([11, 13]);
    expect([...(await gpu.read(arrayOf(buffer, "float32", 3)))]).toEqual([11, 13, 7]);
    expect(() => arrayOf(buffer, "float32", 17)).toThrow(/68 bytes; the buffer has 64/);
  });

  it("reads and writes bytes that fill no word", async () => {
    const x = await gpu.upload("uint8", Uint8Array.of(1, 2, 3, 4, 5));
    expect([...(await gpu.read(x))]).toEqual([1, 2, 3, 4, 5]);
  });

  it("that does not compile is refused with its name, line and column, each time", async () => {
    const options = { buffers: {}, parameters: {}, items: 1 };
    for (let i = 0; i < 2; i++) {
      const error: unknown = await gpu.launch("broken", options).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(GpuError);
      expect(String(error)).toMatch(/broken\.wgsl:8:\d+: .*nowhere/);
    }
    await expect(gpu.launch("other", options)).rejects.toThrow("no kernel other; there are scale, broken");
  });

  it("refuses what is bound by another name, type or use", async () => {
    const x = await gpu.upload("float32", Float32Array.of(1));
    const wrongly = (more: Partial<LaunchOptions>) => bound(gpu, x, more);
    await expect(wrongly({ buffers: { y: x } })).rejects.toThrow(
      "scale: buffers: x missing; y not known (declared: x)",
    );
    await expect(wrongly({ parameters: { count: 1 } })).rejects.toThrow(/factor missing/);
    await expect(wrongly({ buffers: { x: await gpu.upload("uint32", Uint32Array.of(1)) } })).rejects.toThrow(
      "scale: x is float32, not uint32",
    );
    await expect(wrongly({ buffers: { x: await gpu.allocate("float32", 0) } })).rejects.toThrow(/0 bytes were given/);
    const unusable = device.createBuffer({ size: 16, usage: 8 });
    await expect(wrongly({ buffers: { x: arrayOf(unusable, "float32", 1) } })).rejects.toThrow(/not for storage/);
    await expect(wrongly({ constants: { NONE: 1 } })).rejects.toThrow(GpuError);
  });

  it("reports what the device objects to: a buffer of another device, one that is destroyed, one too large", async () => {
    const other = await openTestDevice();
    const foreign = await openGpu(other, {}).upload("float32", Float32Array.of(1));
    await expect(bound(gpu, foreign)).rejects.toThrow(GpuError);
    const gone = await gpu.upload("float32", Float32Array.of(1));
    const launch = await bound(gpu, gone);
    gone.buffer.destroy();
    await expect(gpu.run(launch)).rejects.toThrow(/^run: .*destroyed/);
    await expect(gpu.read(gone)).rejects.toThrow(/^read: /);
    await expect(gpu.allocate("float32", device.limits.maxBufferSize / 2)).rejects.toThrow(/the device takes at most/);
    other.destroy();
  });
});

describe.skipIf(!hasGpu)(`a device that is lost${gpuNote}`, () => {
  it("rejects everything with DeviceLostError, also what is under way; a new device takes over", async () => {
    const device = await openTestDevice();
    const gpu = openGpu(device, { scale });
    const x = await gpu.upload("float32", Float32Array.of(1, 2));
    const launch = await bound(gpu, x);
    const underWay = gpu.read(x);
    device.destroy();
    const error: unknown = await underWay.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DeviceLostError);
    expect(error).toBeInstanceOf(RuntimeCrash);
    expect((error as DeviceLostError).reason).toBe("destroyed");
    expect((error as Error).message).toMatch(/^the GPU device was lost \(destroyed\)/);
    for (const call of [
      () => gpu.run(launch),
      () => gpu.read(x),
      () => gpu.upload("float32", Float32Array.of(1)),
      () => bound(gpu, x),
    ]) {
      await expect(call()).rejects.toThrow(DeviceLostError);
    }
    const next = await openTestDevice();
    const again = openGpu(next, { scale });
    const y = await again.upload("float32", Float32Array.of(1, 2));
    await again.run(await bound(again, y));
    expect([...(await again.read(y))]).toEqual([3, 5]);
    next.destroy();
  });
});
