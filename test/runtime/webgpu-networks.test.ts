/**
 * Whole networks on WebGPU, none of their nodes on the CPU, their graphs captured: as on WASM. By default those that differ in
 * their operators: software Vulkan takes seconds to compile their shaders. FAULTLINE_ALL_ON_GPU=1 runs all, in minutes; that
 * each of them lowers wholly is tested without a GPU (test/segmenter/webgpu-target.test.ts).
 */

import { describe } from "vitest";
import { startWebGpuInNode } from "../../src/runtime/webgpu-node.ts";
import type { WebGpuRuntime } from "../../src/runtime/webgpu.ts";
import type { ElementType } from "../../src/runtime/gpu-shader.ts";
import type { Network } from "../../src/segmenter/network.ts";
import { tensor, type DataOf, type Tensor } from "../../src/tensor.ts";
import { hasReference } from "../../bench/networks.ts";
import { describeBackend, distinctNetworks, withinSize } from "../support/backend.ts";
import { gpu, gpuNote, hasGpu } from "../support/gpu.ts";

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

const operatorsOf = ({ model }: Network): ReadonlySet<string> => new Set(model.graph.nodes.map(({ op }) => op));

/** Networks of open size, those of many operators first, that bring one which those before them do not have. */
const representative = (): ReadonlySet<string> => {
  const open = distinctNetworks().filter((network) => withinSize(network, size));
  const seen = new Set<string>();
  const bringing = open
    .toSorted((a, b) => operatorsOf(b).size - operatorsOf(a).size)
    .filter((network) => {
      const fresh = [...operatorsOf(network)].filter((op) => !seen.has(op));
      for (const op of fresh) seen.add(op);
      return fresh.length > 0;
    });
  return new Set(bringing.map(({ manifest }) => manifest.name));
};

const all = process.env["FAULTLINE_ALL_ON_GPU"] === "1";
const few = representative();
const referenceNote = hasReference() ? "" : " (the reference networks are absent)";

describe.skipIf(!hasGpu)(`networks${gpuNote}${referenceNote}`, () => {
  describeBackend("WebGPU", () => startWebGpuInNode({ device: gpu.device }), {
    target: "webgpu",
    // An activation of an int8 network that lies between two levels, as float32 tells them, may be rounded to the other one.
    gradientError: { fp32: 1e-3, int8: 3e-2 },
    size,
    chosen: ({ manifest }) => all || few.has(manifest.name),
    run: captured,
  });
});
