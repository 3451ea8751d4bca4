/**
 * Networks on WebGPU, none of their nodes on the CPU, their graphs captured: as on WASM. Those of a fixed size, which takes
 * software Vulkan minutes, run with FAULTLINE_ALL_ON_GPU=1 only.
 */

import { describe, vi } from "vitest";
import { startWebGpuInNode } from "../../../src/runtime/webgpu/node.ts";
import type { WebGpuRuntime } from "../../../src/runtime/webgpu/webgpu.ts";
import type { ElementType } from "../../../src/runtime/gpu/shader.ts";
import { tensor, type DataOf, type Tensor } from "../../../src/tensor.ts";
import { hasReference } from "../../../bench/networks.ts";
import { describeBackend, withinSize } from "../../support/backend.ts";
import { gpu, gpuNote, hasGpu, isHardware } from "../../support/gpu.ts";

type Feeds = Readonly<Record<string, Tensor>>;

/** Twice, so that what is recorded at first is replayed then. */
const captured = async (runtime: WebGpuRuntime, model: Uint8Array, feeds: Feeds): Promise<Record<string, Tensor>> => {
  const session = await runtime.createResidentSession(model, { capture: true });
  const uploaded = await Promise.all(
    session.inputs.map(async (name) => {
      const { dtype, shape, data } = feeds[name]!;
      return [name, { ...(await gpu.upload(dtype as ElementType, data as DataOf<ElementType>)), shape }] as const;
    }),
  );
  await session.run(Object.fromEntries(uploaded));
  const results = await session.run(Object.fromEntries(uploaded));
  const read = Object.entries(results).map(
    async ([name, t]) => [name, tensor(t.dtype, t.shape, await gpu.read(t))] as const,
  );
  const outputs = Object.fromEntries(await Promise.all(read));
  await session.release();
  for (const [, { buffer }] of uploaded) buffer.destroy();
  return outputs;
};

const size = { height: 32, width: 64 };

const all = process.env["FAULTLINE_ALL_ON_GPU"] === "1";
const referenceNote = hasReference() ? "" : " (the reference networks are absent)";

// On a busy machine software Vulkan compiles a network's shaders for a minute.
vi.setConfig({ testTimeout: all ? 1_800_000 : 300_000 });

describe.skipIf(!hasGpu)(`networks${gpuNote}${referenceNote}`, () => {
  describeBackend("WebGPU", () => startWebGpuInNode({ device: gpu.device }), {
    target: "webgpu",
    ...(isHardware && { gradientError: { fp32: 5e-3, int8: 0.1 }, agreement: 0.995 }),
    size,
    chosen: (network) => all || withinSize(network, size),
    run: captured,
  });
});
