/** Certified labels: the promise on a network whose smoothed prediction is known, and that how the draws are made changes nothing. */

import { describe, expect, it } from "vitest";
import {
  ABSTAINED,
  beginSmoothing,
  certificateOf,
  certifiedRadius,
  certify,
  drawOnce,
  fewestSamples,
  isDecided,
  mergeHits,
  type Smoothing,
  type SmoothingState,
} from "../../src/certify/smoothing.ts";
import { treeOf } from "../../src/certify/hierarchy.ts";
import { normalQuantile } from "../../src/certify/normal-quantile.ts";
import type { Image, Labels } from "../../src/segmenter/segmenter.ts";
import { tensor } from "../../src/tensor.ts";

const smoothing: Smoothing = {
  sigma: 16,
  tau: 0.75,
  alpha: 0.05,
  selection: 10,
  samples: 60,
  correction: "holm",
  seed: 1,
};

const [height, width] = [2, 3];
const pixels = height * width;

const flat = treeOf(2);

/** Each pixel is of class 1 where its red value exceeds 128: the smoothed network exceeds τ exactly where |red − 128| > R. */
const threshold = async (image: Image): Promise<Labels> =>
  tensor(
    "uint8",
    [height, width],
    Uint8Array.from({ length: pixels }, (_, i) => (image.data[i]! > 128 ? 1 : 0)),
  );

const imageOf = (red: readonly number[]): Image =>
  tensor("float32", [3, height, width], Float32Array.from([...red, ...red, ...red]));

const testState = (state: SmoothingState) => {
  if (state.stage !== "test") throw new Error("the selection has not ended");
  return state;
};

describe("the promise", () => {
  const radius = certifiedRadius(smoothing);
  const runs = 2000;

  it("is the radius σ·Φ⁻¹(τ) in grey levels", () => {
    expect(radius).toBeCloseTo(16 * 0.6744897501960817, 12);
    expect(certifiedRadius({ sigma: 16, tau: 0.5 })).toBe(0);
  });

  // Each pixel lies by 1e-6 too near to the boundary: to certify any of them is wrong, and the probability of that is at its largest.
  it.each(["holm", "bonferroni"] as const)("is broken in at most a share α of 2000 images: %s", async (correction) => {
    const image = imageOf([1, -1, 1, -1, 1, -1].map((side) => 128 + side * (radius - 1e-6)));
    let broken = 0;
    for (let seed = 0; seed < runs; seed++) {
      const { labels } = await certify(threshold, image, 2, { ...smoothing, correction, seed });
      if (labels.data.some((label) => label !== ABSTAINED)) broken++;
    }
    // α = 0.05 and three standard deviations of 2000 runs; a bound that were never near would certify too little.
    expect(broken / runs).toBeLessThanOrEqual(0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs));
    expect(broken / runs).toBeGreaterThan(0.005);
  });

  it("is given where the probability is far above τ, with the smoothed network's label", async () => {
    const { labels } = await certify(threshold, imageOf([80, 180, 60, 200, 70, 190]), 2, smoothing);
    expect([...labels.data]).toEqual([0, 1, 0, 1, 0, 1]);
  });

  it("is not given where no class exceeds τ", async () => {
    const { labels } = await certify(threshold, imageOf([128, 128, 128, 128, 128, 128]), 2, smoothing);
    expect(new Set(labels.data)).toEqual(new Set([ABSTAINED]));
  });
});

it("needs so many draws that hits alone are significant", () => {
  // 0.75¹⁶ = 0.01002 > 0.06/6 ≥ 0.75¹⁷.
  expect(fewestSamples({ tau: 0.75, alpha: 0.06 }, 6)).toBe(17);
  for (const [samples, certified] of [
    [16, ABSTAINED],
    [17, 1],
  ] as const) {
    const top = tensor("uint8", [height, width], new Uint8Array(pixels).fill(1));
    const hits = new Uint32Array(pixels).fill(samples);
    const state = { stage: "test", drawn: samples, top, hits } as const;
    const { labels } = certificateOf(state, { ...smoothing, alpha: 0.06, samples });
    expect(new Set(labels.data)).toEqual(new Set([certified]));
  }
});

describe("the draws", () => {
  const image = imageOf([100, 128, 140, 117, 150, 139]);
  const begin = () => beginSmoothing(2, image.shape);
  const drawn = async (count: number, from: SmoothingState, skipped = 0): Promise<SmoothingState> => {
    let state = from;
    for (let i = 0; i < count; i++)
      state = await drawOnce(state, image, threshold, smoothing, flat, state.drawn + skipped);
    return state;
  };

  it("have the noise's mean and standard deviation, beyond 0..255 too", async () => {
    const values: number[] = [];
    const seen = async (noisy: Image): Promise<Labels> => {
      values.push(...noisy.data);
      return threshold(noisy);
    };
    let state = begin();
    for (let i = 0; i < 400; i++) state = await drawOnce(state, imageOf([0, 0, 0, 0, 0, 0]), seen, smoothing, flat);
    const mean = values.reduce((a, b) => a + b) / values.length;
    const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
    expect(Math.abs(mean)).toBeLessThan((4 * 16) / Math.sqrt(values.length));
    expect(Math.abs(deviation / 16 - 1)).toBeLessThan(4 / Math.sqrt(2 * values.length));
    expect(Math.min(...values)).toBeLessThan(16 * normalQuantile(0.001));
    expect(new Set(values).size).toBeGreaterThan(0.99 * values.length);
  });

  it("are the same for the same seed, and others for another", async () => {
    const hits = async (seed: number) => {
      let state = begin();
      for (let i = 0; i < 40; i++) state = await drawOnce(state, image, threshold, { ...smoothing, seed }, flat);
      return testState(state).hits;
    };
    expect(await hits(1)).toEqual(await hits(1));
    expect(await hits(1)).not.toEqual(await hits(2));
  });

  it("of two shards add up to those of one run", async () => {
    const selected = testState(await drawn(10, begin()));
    const whole = testState(await drawn(60, selected));
    const first = testState(await drawn(25, selected));
    const second = testState(await drawn(35, selected, 25));
    expect(mergeHits(first, second)).toEqual(whole);
    const other = {
      ...second,
      top: tensor(
        "uint8",
        [height, width],
        second.top.data.map((label) => 1 - label),
      ),
    };
    expect(() => mergeHits(first, other)).toThrow(RangeError);
  });

  it("are kept in the same bytes, however many there were: 2 for each class and pixel, then 5 for each pixel", async () => {
    const bytes = new Set<string>();
    const onDraw = (_: unknown, state: SmoothingState): void => {
      const arrays = Object.values(state).map((value) => (ArrayBuffer.isView(value) ? value : (value as Labels).data));
      bytes.add(`${state.stage} ${arrays.reduce((sum, array) => sum + (array?.byteLength ?? 0), 0)}`);
    };
    const { drawn: tests } = await certify(threshold, image, 2, { ...smoothing, samples: 2000 }, { onDraw });
    expect(tests).toBeGreaterThan(60);
    expect([...bytes]).toEqual([`selection ${2 * 2 * pixels}`, `test ${5 * pixels}`]);
  });

  it("go on from a kept state", async () => {
    const whole = await certify(threshold, image, 2, smoothing);
    for (const count of [4, 10, 33]) {
      const state = structuredClone(await drawn(count, begin()));
      expect(await certify(threshold, image, 2, smoothing, { state })).toEqual(whole);
    }
  });

  it("stop where the rest cannot change a decision, with the decisions of all", async () => {
    let spared = 0;
    for (let seed = 0; seed < 60; seed++) {
      const run = { ...smoothing, seed, samples: 200 };
      const early = await certify(threshold, image, 2, run);
      let state = begin();
      for (let i = 0; i < 210; i++) state = await drawOnce(state, image, threshold, run, flat);
      expect(early.labels).toEqual(certificateOf(testState(state), run).labels);
      if (early.drawn < 200) spared++;
    }
    expect(spared).toBeGreaterThan(0);
  });

  it("are decided at the end, and not at the beginning", async () => {
    const selected = testState(await drawn(10, begin()));
    expect(isDecided(selected, smoothing)).toBe(false);
    expect(isDecided(testState(await drawn(60, selected)), smoothing)).toBe(true);
  });

  it("end with the signal's reason, and report each", async () => {
    const seen: string[] = [];
    const controller = new AbortController();
    const onDraw = ({ stage, drawn: number, of }: { stage: string; drawn: number; of: number }): void => {
      seen.push(`${stage} ${number}/${of}`);
      if (seen.length === 12) controller.abort(new Error("enough"));
    };
    await expect(certify(threshold, image, 2, smoothing, { onDraw, signal: controller.signal })).rejects.toThrow(
      "enough",
    );
    expect([seen[0], seen[9], seen[10]]).toEqual(["selection 1/10", "selection 10/10", "test 1/60"]);
  });
});
