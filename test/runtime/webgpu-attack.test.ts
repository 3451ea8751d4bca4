/** The ascent that stays on the GPU makes the image that the attack on WASM makes, and reads nothing back on the way. */

import { describe, expect, it } from "vitest";
import { ascend, project, sign } from "../../src/attacks/attack.ts";
import { startWasm } from "../../src/runtime/wasm.ts";
import { startWebGpuInNode } from "../../src/runtime/webgpu-node.ts";
import { ascendOnDevice } from "../../src/segmenter/resident.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { createSegmenter, type Goal } from "../../src/segmenter/segmenter.ts";
import { tensor } from "../../src/tensor.ts";
import { gpu, gpuNote, hasGpu } from "../support/gpu.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

const [height, width, steps] = [24, 32, 10];
const ball = { epsilon: 8, pixelRange: [0, 255] } as const;
const network = tinyNetwork();
const image = noiseImage(height, width, 5);
const labels = noiseLabels(height, width, 4, 3, true);

/** How often the device's buffers were mapped for reading: there is a buffer for each time. */
const stagingBuffers = (): { count: number } => {
  const seen = { count: 0 };
  const { device } = gpu;
  const create = device.createBuffer.bind(device);
  Object.defineProperty(device, "createBuffer", {
    configurable: true,
    writable: true,
    value: (descriptor: GPUBufferDescriptor) => {
      seen.count += (descriptor.usage & 1) === 0 ? 0 : 1; // GPUBufferUsage.MAP_READ
      return create(descriptor);
    },
  });
  return seen;
};

const goals: readonly Goal[] = [{ kind: "away", labels }, { kind: "towards", labels }, { kind: "least-likely" }];

describe.skipIf(!hasGpu)(`an ascent on the device${gpuNote}`, () => {
  it.each(goals.flatMap((goal) => [false, true].map((capture) => [goal.kind, capture, goal] as const)))(
    "%s, captured: %s",
    async (_, capture, goal) => {
      const segmenter = createSegmenter(network, new SessionCache(startWasm(), 2 ** 30));
      const attack = ascend({ ...ball, alpha: 1, steps, direction: sign });
      const expected = await attack(segmenter.objective(goal), image);

      const end = (bound: number) =>
        project(new Float32Array(image.data.length).fill(bound), image.data, ball) as Float32Array<ArrayBuffer>;
      const device = { runtime: await startWebGpuInNode({ device: gpu.device }), gpu };
      const losses: number[] = [];
      const ascent = { goal, low: end(-Infinity), high: end(Infinity), alpha: 1, steps, capture };
      const staging = stagingBuffers();
      await ascendOnDevice(device, network, image, ascent);
      // The last loss, and the image.
      expect(staging.count).toBe(2);
      const actual = await ascendOnDevice(device, network, image, {
        ...ascent,
        onStep: async ({ loss }) => void losses.push(Number((await gpu.read(loss))[0])),
      });
      const delta = (to: Float32Array) => sign(to.map((v, i) => v - image.data[i]!));
      const [ours, theirs] = [delta(actual.data), delta(expected.data)];
      const differing = ours.filter((v, i) => v !== theirs[i]).length;
      expect(differing / ours.length).toBeLessThanOrEqual(0.001);
      expect(losses).toHaveLength(steps);
      expect(losses.at(-1)! > losses[0]!).toBe(goal.kind === "away");
      const moved = tensor("float32", image.shape, actual.data);
      const [a, b] = [await segmenter.predict(moved), await segmenter.predict(expected)];
      const same = a.labels.data.filter((v, i) => v === b.labels.data[i]).length;
      expect(same / a.labels.data.length).toBeGreaterThanOrEqual(0.995);
    },
  );
});
