/** A patch: where it lies, what is fed of it, and what it makes of a function and of a network. */

import { describe, expect, it } from "vitest";
import type { Evaluation, Objective } from "../../src/attacks/attack.ts";
import { measure } from "../../src/evaluation/measure.ts";
import { random } from "../../src/random.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { createSegmenter, type Labels } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensor, tensorOf } from "../../src/tensor.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";
import { named } from "./named.ts";
import { linear } from "./objectives.ts";

const [height, width] = [8, 12];
const image = noiseImage(height, width, 3);
const next = random(5);
const w = Array.from(image.data, () => (next() < 0.5 ? -1 : 1) * (0.5 + next()));
const settings = {
  epsilon: 255,
  alpha: 10,
  steps: 5,
  side: 0.5,
  top: 0.5,
  left: 0.25,
  jitter: 0,
  pixelRange: [0, 255] as const,
};

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Rows and columns of the square of 4 pixels from (top, left) on. */
const inside = (i: number, top = 2, left = 2): boolean => {
  const [y, x] = [Math.floor(i / width) % height, i % width];
  return y >= top && y < top + 4 && x >= left && x < left + 4;
};

describe("a patch", () => {
  it("on a linear function is n·α·sign w in its square, clipped, and nothing outside", async () => {
    const { data } = await named("patch")(settings)(linear(w), image);
    const expected = Array.from(image.data, (v, i) =>
      inside(i) ? Math.min(Math.max(v + 50 * Math.sign(w[i]!), 0), 255) : v,
    );
    for (const [i, v] of data.entries()) expect(v).toBeCloseTo(expected[i]!, 3);
    const within = await named("patch")({ ...settings, epsilon: 7 })(linear(w), image);
    expect(Math.max(...within.data.map((v, i) => Math.abs(v - image.data[i]!)))).toBe(7);
  });

  it("is put anew at each step, weighs nothing where it lies, and ends in its own place", async () => {
    const places = new Set<string>();
    const watched: Objective = (at, clock, feeds): Promise<Evaluation> => {
      const weights = feeds!["weights"]!.data as Float32Array;
      expect(weights.filter((v) => v === 0)).toHaveLength(16);
      const changed = [...at.data.keys()].filter((i) => at.data[i] !== image.data[i]);
      expect(changed.every((i) => weights[i % (height * width)] === 0)).toBe(true);
      places.add(String(weights.indexOf(0)));
      return linear(w)(at, clock);
    };
    const { data } = await named("patch")({ ...settings, steps: 30, jitter: 0.5 })(watched, image);
    expect(places.size).toBeGreaterThan(5);
    const changed = [...data.keys()].filter((i) => data[i] !== image.data[i]);
    expect(changed.every((i) => inside(i))).toBe(true);
    expect(changed.length).toBeGreaterThan(40);
  });

  it("moves labels outside of itself, more than noise in its place and than where they count under it alone", async () => {
    const segmenter = createSegmenter(tinyNetwork({ activation: "Tanh" }), new SessionCache(startWasm(), 2 ** 30));
    const clean = (await segmenter.predict(image)).labels;
    const moved = ({ data }: Labels): number => data.filter((v, i) => !inside(i) && v !== clean.data[i]).length;
    const plan = { ...settings, attack: "patch", steps: 40, seed: 0, pixelRange: "clip" } as const;
    const { float, row } = await measure({ segmenter, image, item: "" }, plan);
    expect(row.evaluations.backward).toBe(40);
    const noise = async (seed: number) => {
      const draw = random(seed);
      const data = Float32Array.from(image.data, (v, i) => (inside(i) ? 255 * Math.round(draw()) : v));
      return moved((await segmenter.predict(tensor("float32", image.shape, data))).labels);
    };
    const noises = [await noise(1), await noise(2), await noise(3)];
    expect(moved(float.labels)).toBeGreaterThan(Math.max(...noises) + 3);
    // Outside of the square it is the image itself.
    const outside = Array.from(float.image.data, (v, i) => (inside(i) ? image.data[i]! : v));
    expect(tensorOf("float32", image.shape, outside)).toEqual(image);
    // What is under it is in no count, and the unit says so.
    const right = clean.data.filter((v, i) => !inside(i) && v === float.labels.data[i]).length;
    expect(sum(row.counts.float.truePositive)).toBe(right);
    expect(sum(row.counts.clean.reference)).toBe(height * width - 16);
    expect(row.unit.attack).toMatchObject({ scored: "outside", side: 0.5 });
  });
});
