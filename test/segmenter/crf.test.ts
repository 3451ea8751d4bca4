/** A segmenter with a CRF behind its network, against the mean field by its definition and against differences. */

import { awayFrom } from "../support/aims.ts";
import { describe, expect, it } from "vitest";
import { marginals } from "../support/crf/mean-field.ts";
import type { CrfParameters } from "../../src/crf/parameters.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { createSegmenter, type Image } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensor, tensorOf } from "../../src/tensor.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyManifest, tinyNetwork } from "../support/networks/tiny.ts";
import { logitsByHand, planesOf } from "./by-hand.ts";

const [height, width] = [8, 12];
const network = tinyNetwork({ activation: "Tanh" });
const cache = new SessionCache(startWasm(), 2 ** 30);
const image = noiseImage(height, width);
const smooth: CrfParameters = {
  iterations: 4,
  gaussian: { weight: 2, theta: 1.5 },
  bilateral: { weight: 0, thetaAlpha: 10, thetaBeta: 30 },
};
/** So wide that the lattice is exact but for a little. */
const both: CrfParameters = { ...smooth, bilateral: { weight: 1.5, thetaAlpha: 200, thetaBeta: 2000 } };
const labels = noiseLabels(height, width, 4, 2);

const confidenceByHand = (parameters: CrfParameters): number[] => {
  const { shape, data } = logitsByHand(network, planesOf(image));
  const q = marginals(image, tensorOf("float64", [1, ...shape], data), parameters).data;
  const pixels = height * width;
  return Array.from({ length: pixels }, (_, i) => Math.max(...[0, 1, 2, 3].map((c) => q[c * pixels + i]!)));
};

describe("predictions behind a CRF", () => {
  it.each([
    ["smoothness alone", smooth, 1e-4],
    ["with appearance, by the lattice", both, 0.02],
  ])("%s", async (_, parameters, tolerance) => {
    const plain = await createSegmenter(network, cache).predict(image);
    const refined = await createSegmenter(network, cache, { parameters, attacked: true }).predict(image);
    const expected = confidenceByHand(parameters);
    const distance = (values: ArrayLike<number>) => Math.max(...expected.map((v, i) => Math.abs(v - values[i]!)));
    expect(distance(refined.confidence.data)).toBeLessThan(tolerance);
    expect(distance(plain.confidence.data)).toBeGreaterThan(0.05);
  });

  it("are the manifest's unless another CRF, or none, is asked for", async () => {
    const own = createSegmenter({ ...network, manifest: tinyManifest({ crf: smooth }) }, cache);
    const asked = createSegmenter(network, cache, { parameters: smooth, attacked: true });
    expect((await own.predict(image)).confidence).toEqual((await asked.predict(image)).confidence);
    const none = own.withCrf(null);
    expect((await none.predict(image)).confidence).toEqual(
      (await createSegmenter(network, cache).predict(image)).confidence,
    );
  });
});

describe("gradients", () => {
  const gradientOf = async (attacked: boolean) => {
    const segmenter = createSegmenter(network, cache, { parameters: smooth, attacked });
    return segmenter.objective(awayFrom(labels))(image);
  };

  it("through the CRF are the derivative of its loss", async () => {
    const objective = createSegmenter(network, cache, { parameters: smooth, attacked: true }).objective(
      awayFrom(labels),
    );
    const { gradient } = await objective(image);
    const direction = noiseImage(height, width, 7).data.map((v) => v - 128);
    const moved = (t: number): Image =>
      tensor(
        "float32",
        image.shape,
        image.data.map((v, i) => v + t * direction[i]!),
      );
    const [t, ahead, behind] = [2 ** -6, await objective(moved(2 ** -6)), await objective(moved(-(2 ** -6)))];
    const slope = gradient.data.reduce((sum, v, i) => sum + v * direction[i]!, 0);
    expect((ahead.value - behind.value) / (2 * t) / slope).toBeCloseTo(1, 2);
  });

  it("around the CRF are the network's own", async () => {
    const plain = await createSegmenter(network, cache).objective(awayFrom(labels))(image);
    expect((await gradientOf(false)).gradient).toEqual(plain.gradient);
    expect((await gradientOf(true)).gradient).not.toEqual(plain.gradient);
  });
});

it("a CRF out of range is refused by its field", () => {
  const crf = { ...smooth, gaussian: { weight: 2, theta: 0 } };
  expect(() => tinyNetwork({}, { crf })).toThrow(/^crf\.gaussian\.theta: .*must be from 0\.25/);
});
