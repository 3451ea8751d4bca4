/** A segmenter on small networks, run by WASM, against its definition. */

import { awayFrom, given, leastLikely, toLeastLikely, towards } from "../support/aims.ts";
import { describe, expect, it } from "vitest";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import type { Network } from "../../src/segmenter/network.ts";
import { createSegmenter, type Image, type Labels } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { normal, random } from "../../src/random.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyNetwork, type ManifestChanges } from "../support/networks/tiny.ts";
import { argmax, logitsByHand, logSumExp, lossByHand, pixelsOf, planesOf, type Planes } from "./by-hand.ts";

const segmenterOf = (network: Network) => createSegmenter(network, new SessionCache(startWasm(), 2 ** 30));

const smooth = (changes: ManifestChanges) => tinyNetwork({ activation: "Tanh" }, changes);
/** Logits at half the size. */
const coarse = (changes: ManifestChanges) =>
  tinyNetwork(
    { activation: "Tanh", head: (op, z) => op.AveragePool(z, { kernel_shape: [2, 2], strides: [2, 2] }) },
    { ...changes, output: { stride: 2 } },
  );
const tile = { fit: "tile", height: 8, width: 8, overlap: 3 } as const;

/** Networks that differ in one thing each, and image sizes for them. Tanh: differences must see no kink. */
const cases: readonly (readonly [string, Network, height: number, width: number])[] = [
  ["RGB", tinyNetwork({ activation: "Tanh" }), 8, 12],
  ["BGR", tinyNetwork({ activation: "Tanh" }, { input: { channels: "BGR" } }), 8, 12],
  [
    "scaled pixels",
    tinyNetwork({ activation: "Tanh" }, { input: { scale: 1 / 255, mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.1] } }),
    10,
    8,
  ],
  [
    "a size that is no multiple, enlarged and reduced",
    tinyNetwork({ activation: "Tanh" }, { input: { multipleOf: 4 } }),
    9,
    15,
  ],
  ["a size below the smallest", tinyNetwork({ activation: "Tanh" }, { input: { multipleOf: 8 } }), 3, 8],
  ["a fixed size", tinyNetwork({ activation: "Tanh" }, { input: { height: 10, width: 6 } }), 14, 9],
  [
    "probabilities",
    tinyNetwork(
      { activation: "Tanh", head: (op, z) => op.Softmax(z, { axis: 1 }) },
      { output: { kind: "probabilities" } },
    ),
    8,
    6,
  ],
  ["an output that is not scored", tinyNetwork({ activation: "Tanh", classes: 3, outputs: 5 }), 8, 12],
  ["padded to the next multiple", smooth({ input: { fit: "pad", multipleOf: 4 } }), 9, 14],
  ["padded, and cropped where the logits are coarse", coarse({ input: { fit: "pad", multipleOf: 8 } }), 9, 3],
  ["tiles", smooth({ input: { fit: "tile", height: 8, width: 6, overlap: 2 } }), 13, 15],
  ["tiles of coarse logits, BGR", coarse({ input: { ...tile, channels: "BGR" } }), 11, 20],
  ["a tile's size", smooth({ input: tile }), 8, 8],
  ["less than a tile one way, more the other", smooth({ input: tile }), 5, 11],
  ["the largest of three scales", smooth({ scales: [0.5, 0.75, 1], input: { multipleOf: 4 } }), 16, 22],
  ["the mean of three scales", smooth({ scales: [0.5, 1, 1.5], fusion: "mean" }), 10, 14],
  ["one scale", smooth({ scales: [0.5] }), 12, 18],
  ["scales of what is padded", smooth({ scales: [0.5, 1], input: { fit: "pad", multipleOf: 4 } }), 11, 14],
  ["scales of what is tiled", smooth({ scales: [1, 1.5], fusion: "mean", input: tile }), 9, 10],
];

/** Largest difference, relative to the largest value. */
const distance = (actual: ArrayLike<number>, expected: readonly number[]): number => {
  const scale = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-12);
  return expected.reduce((worst, v, i) => Math.max(worst, Math.abs(actual[i]! - v) / scale), 0);
};

const moved = (image: Planes, direction: readonly number[], t: number): Planes => ({
  ...image,
  data: image.data.map((v, i) => v + t * direction[i]!),
});

/** d f(image + t·direction) / dt at 0, by central differences with Richardson's extrapolation. */
const directional = (f: (image: Planes) => number, image: Planes, direction: readonly number[]): number => {
  const difference = (h: number) => (f(moved(image, direction, h)) - f(moved(image, direction, -h))) / (2 * h);
  return (4 * difference(0.05) - difference(0.1)) / 3;
};

describe.each(cases)("%s", (_, network, height, width) => {
  const segmenter = segmenterOf(network);
  const image = noiseImage(height, width, 5);
  const classes = network.manifest.classes.length;

  it("predicts the labels and the confidence of the definition", async () => {
    const { labels, confidence } = await segmenter.predict(image);
    const pixels = pixelsOf(logitsByHand(network, planesOf(image)));
    expect([labels.shape, confidence.shape]).toEqual([
      [height, width],
      [height, width],
    ]);
    expect([...labels.data]).toEqual(pixels.map(argmax));
    expect(
      distance(
        confidence.data,
        pixels.map((z) => Math.exp(Math.max(...z) - logSumExp(z))),
      ),
    ).toBeLessThan(1e-5);
    expect(new Set(labels.data).size).toBeGreaterThan(1);
  });

  it("climbs the loss of given labels, void ignored: value, loss, labels", async () => {
    const labels = noiseLabels(height, width, classes, 3, true);
    const counted = labels.data.filter((v) => v !== 255).length;
    expect(counted).toBeLessThan(height * width);
    const total = lossByHand(network, planesOf(image), labels);
    const away = await segmenter.objective(awayFrom(labels))(image);
    const approached = await segmenter.objective(towards(labels))(image);
    expect(Math.abs(away.value - total)).toBeLessThan(1e-4 * total);
    expect(away.loss).toBeCloseTo(total / counted, 4);
    expect([approached.value, approached.loss]).toEqual([-away.value, away.loss]);
    expect([...approached.gradient.data]).toEqual(Array.from(away.gradient.data, (v) => -v));
    expect(away.labels).toEqual((await segmenter.predict(image)).labels);
  });

  it.each(["given", "least-likely"] as const)("has the gradient of the definition: %s labels", async (against) => {
    const pixels = pixelsOf(logitsByHand(network, planesOf(image)));
    const least: Labels = {
      dtype: "uint8",
      shape: [height, width],
      data: Uint8Array.from(pixels, (z) => z.indexOf(Math.min(...z.slice(0, classes)))),
    };
    const labels = against === "given" ? noiseLabels(height, width, classes, 3, true) : least;
    const goal = against === "given" ? awayFrom(labels) : toLeastLikely;
    const { gradient, value } = await segmenter.objective(goal)(image);
    const sense = against === "given" ? 1 : -1;
    // The least-likely class is recomputed, but as labels of the moment: no gradient goes through it.
    const centre = planesOf(image);
    const f = (at: Planes) => sense * lossByHand(network, at, labels, centre);
    expect(Math.abs(value - f(centre))).toBeLessThan(1e-4 * Math.abs(value));
    expect(gradient.shape).toEqual(image.shape);
    for (const seed of [1, 2, 3]) {
      const next = random(seed);
      const direction = Array.from(image.data, () => normal(next));
      const terms = direction.map((u, i) => u * gradient.data[i]!);
      const along = terms.reduce((sum, v) => sum + v, 0);
      const scale = Math.hypot(...terms);
      expect(Math.abs(along - directional(f, centre, direction))).toBeLessThan(2e-4 * scale);
    }
  });
});

describe("a segmenter", () => {
  it("leaves images and labels alone, and gives memory of its own", async () => {
    const segmenter = segmenterOf(tinyNetwork());
    const [image, labels] = [noiseImage(8, 8), noiseLabels(8, 8, 4)];
    const before = [image.data.slice(), labels.data.slice()];
    const first = await segmenter.objective(awayFrom(labels))(image);
    const kept = first.gradient.data.slice();
    await segmenter.objective(awayFrom(labels))(noiseImage(8, 8, 9));
    expect([image.data, labels.data]).toEqual(before);
    expect(first.gradient.data).toEqual(kept);
  });

  it("climbs: a small step along the gradient raises the value, for each goal", async () => {
    const segmenter = segmenterOf(tinyNetwork({ activation: "Tanh" }));
    const [image, labels] = [noiseImage(8, 8), noiseLabels(8, 8, 4)];
    for (const goal of [awayFrom(labels), towards(labels), toLeastLikely] as const) {
      const objective = segmenter.objective(goal);
      const { gradient, value } = await objective(image);
      const norm = Math.hypot(...gradient.data);
      const up: Image = { ...image, data: image.data.map((v, i) => v + (0.5 * gradient.data[i]!) / norm) };
      const after = await objective(up);
      expect(after.value).toBeGreaterThan(value);
      expect(Math.abs(after.value - value - 0.5 * norm)).toBeLessThan(0.1 * norm);
    }
  });

  it("predicts its memory for each goal, more for a gradient than for a prediction, more for more pixels", () => {
    const segmenter = segmenterOf(tinyNetwork());
    const [size, larger] = [
      { height: 64, width: 64 },
      { height: 64, width: 128 },
    ];
    const [forward, backward] = segmenter.attackFootprints(size, given);
    expect(forward).toEqual(segmenter.forwardFootprint(size));
    expect(backward!.runBytes).toBeGreaterThan(forward!.runBytes);
    expect(segmenter.forwardFootprint(larger).runBytes).toBeCloseTo(2 * forward!.runBytes, -3);
    expect(segmenter.attackFootprints(size, leastLikely)).toHaveLength(2);
  });
});

describe("a value without its gradient", () => {
  it("is the objective's own, with the same labels", async () => {
    const segmenter = segmenterOf(tinyNetwork());
    const [image, labels] = [noiseImage(8, 8), noiseLabels(8, 8, 4, 3, true)];
    for (const aim of [awayFrom(labels), towards(labels), toLeastLikely]) {
      const { gradient, ...expected } = await segmenter.objective(aim)(image);
      const actual = await segmenter.value(aim)(image);
      expect(gradient.shape).toEqual(image.shape);
      expect(actual.labels).toEqual(expected.labels);
      expect(actual.value).toBeCloseTo(expected.value, 3);
      expect(actual.loss).toBeCloseTo(expected.loss, 5);
      expect(actual).not.toHaveProperty("gradient");
    }
  });
});
