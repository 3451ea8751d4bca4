/** A network with a CRF behind it on WebGPU, against WASM: splatting adds many values to a vertex there, in no fixed order. */

import { awayFrom, toLeastLikely } from "../../support/aims.ts";
import { describe, expect, it } from "vitest";
import type { CrfParameters } from "../../../src/crf/parameters.ts";
import { latticeOfImage } from "../../../src/crf/image-lattice.ts";
import type { Runtime } from "../../../src/runtime/session.ts";
import { startWasm } from "../../../src/runtime/wasm/wasm.ts";
import { startWebGpuInNode } from "../../../src/runtime/webgpu/node.ts";
import { createSegmenter, type Aim } from "../../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../../src/segmenter/session-cache.ts";
import { largestDifference, pictureOf } from "../../crf/support.ts";
import { relativeError } from "../../support/case-graphs.ts";
import { gpu, gpuNote, hasGpu } from "../../support/gpu.ts";
import { noiseLabels } from "../../support/networks/image.ts";
import { tinyNetwork } from "../../support/networks/tiny.ts";

const size = { height: 12, width: 16 };
const network = tinyNetwork({ activation: "Tanh" });
const image = pictureOf(size);
const parameters: CrfParameters = {
  iterations: 2,
  gaussian: { weight: 3, theta: 1.5 },
  bilateral: { weight: 5, thetaAlpha: 40, thetaBeta: 20 },
};

/** On one backend: what is predicted, and what is climbed through the CRF. */
const refinedOn = async (runtime: Runtime, aim: Aim, crf: CrfParameters | null = parameters) => {
  const cache = new SessionCache(runtime, 2 ** 30);
  const segmenter = createSegmenter(network, cache, crf && { parameters: crf, attacked: true });
  return { ...(await segmenter.predict(image)), climbed: await segmenter.objective(aim)(image) };
};

describe.skipIf(!hasGpu)(`a CRF${gpuNote}`, () => {
  it.each<readonly [string, Aim]>([
    ["given labels", awayFrom(noiseLabels(size.height, size.width, 4, 2, true))],
    ["the least likely ones", toLeastLikely],
  ])("is WASM's, forward and back, against %s", async (_, aim) => {
    const expected = await refinedOn(startWasm(), aim);
    const actual = await refinedOn(await startWebGpuInNode({ device: gpu.device }), aim);
    expect(actual.labels.data).toEqual(expected.labels.data);
    expect(largestDifference(actual.confidence.data, expected.confidence.data)).toBeLessThan(1e-5);
    expect(actual.climbed.value / expected.climbed.value).toBeCloseTo(1, 5);
    expect(relativeError(actual.climbed.gradient, expected.climbed.gradient)).toBeLessThan(1e-4);
    // The CRF says something, and pixels share vertices.
    const plain = await refinedOn(startWasm(), aim, null);
    expect(largestDifference(actual.confidence.data, plain.confidence.data)).toBeGreaterThan(0.05);
    expect(latticeOfImage(image, parameters)!.vertices).toBeLessThan((6 * image.data.length) / 3 / 4);
  });
});
