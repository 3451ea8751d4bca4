/** Every objective on WebGPU, to the number: what it scatters twice to one place, and its ties, included. */

import { describe, expect, it } from "vitest";
import { lowerForWebGpu } from "../../../src/lowering/webgpu/webgpu.ts";
import { objectiveNamed, objectiveNames } from "../../../src/objectives/catalogue.ts";
import { writeModel } from "../../../src/onnx/write.ts";
import { startWebGpuInNode } from "../../../src/runtime/webgpu/node.ts";
import { numbersOf } from "../../../src/tensor.ts";
import { distance, fedTo, interpreted, modelOf, sceneOf, single } from "../../objectives/scene.ts";
import { gpu, gpuNote, hasGpu } from "../../support/gpu.ts";

const scene = sceneOf([2, 5, 6, 7], [0, 1, 2, 3, 4, 255], 2);
const cases = objectiveNames.flatMap((name) => [false, true].map((targeted) => [name, targeted] as const));

describe.skipIf(!hasGpu)(`objectives on WebGPU${gpuNote}`, () => {
  it.each(cases)("%s, targeted: %s", async (name, targeted) => {
    const objective = objectiveNamed(name, targeted);
    const runtime = await startWebGpuInNode({ device: gpu.device });
    const session = await runtime.createSession(writeModel(lowerForWebGpu(modelOf(objective, scene.shape))));
    const actual = await session.run(single(fedTo(objective, scene)));
    await session.release();
    for (const [output, t] of Object.entries(interpreted(objective, scene)))
      expect([output, distance(numbersOf(actual[output]!), numbersOf(t)) <= 5e-5]).toEqual([output, true]);
  });
});
