/** Pixels before they are in order: what is computed there is what would be computed in order. */

import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { crossEntropy } from "../../src/objectives/cross-entropy.ts";
import { createBuilder, type Builder } from "../../src/onnx/build.ts";
import type { Value } from "../../src/onnx/value.ts";
import { normal, random } from "../../src/random.ts";
import { pixelsOf } from "../../src/segmenter/pixels.ts";
import { numbersOf, sizeOf, spatialSize, type Tensor, tensorOf } from "../../src/tensor.ts";
import { runWasm } from "../support/wasm.ts";

const classes = 3;

interface Rearrangement {
  /** Of the network's last convolution. */
  readonly shape: readonly [number, number, number, number];
  /** The logits, in order, from there. */
  readonly build: (op: Builder, x: Value) => Value;
  /** How many images a batch of the pixels before has. */
  readonly batch: number;
}

const shuffle = (op: Builder, x: Value, mode = "DCR"): Value => op.DepthToSpace(x, { blocksize: 2, mode });
const crop = (op: Builder, x: Value, from: readonly number[], to: readonly number[]): Value =>
  op.Slice(x, op.ints(from), op.ints(to), op.ints([2, 3]));

const rearrangements: Readonly<Record<string, Rearrangement>> = {
  none: { shape: [1, classes, 5, 6], build: (op, x) => op.Neg(x), batch: 1 },
  "a shuffle": { shape: [1, 4 * classes, 3, 4], build: (op, x) => shuffle(op, x), batch: 4 },
  "a shuffle whose phases stand behind the channels": {
    shape: [1, 4 * classes, 3, 4],
    build: (op, x) => shuffle(op, x, "CRD"),
    batch: 1,
  },
  "a crop": { shape: [1, classes, 7, 8], build: (op, x) => crop(op, x, [1, 2], [6, 7]), batch: 1 },
  "a crop from the end": { shape: [1, classes, 7, 8], build: (op, x) => crop(op, x, [-4, -5], [7, 7]), batch: 1 },
  "a shuffle and a crop": {
    shape: [1, 4 * classes, 4, 5],
    build: (op, x) => crop(op, shuffle(op, x), [1, 0], [8, 9]),
    batch: 4,
  },
  "two shuffles": { shape: [1, 16 * classes, 2, 3], build: (op, x) => shuffle(op, shuffle(op, x)), batch: 4 },
};

const draw = (shape: readonly number[], seed: number): Tensor => {
  const next = random(seed);
  return tensorOf(
    "float32",
    shape,
    Array.from({ length: sizeOf(shape) }, () => 2 * normal(next)),
  );
};

describe.each(Object.entries(rearrangements))("%s", (_, { shape, build, batch }) => {
  const graph = () => {
    const op = createBuilder();
    const x = op.input("x", "float32", shape);
    const logits = build(op, x);
    const { height, width } = spatialSize(logits);
    return { op, x, logits, labels: op.input("labels", "int32", [1, height, width]) };
  };
  const labels = (): Tensor => {
    const size = graph().labels.shape;
    const next = random(7);
    const of = Array.from({ length: sizeOf(size) }, () => [0, 1, 2, 255][Math.floor(4 * next())]!);
    return tensorOf("int32", size, of);
  };

  it("is undone as far as it is free, and maps go there and back", async () => {
    const { op, logits, labels: given } = graph();
    const pixels = pixelsOf(op, logits, 255);
    expect(pixels.logits.shape[0]).toBe(batch);
    const there = pixels.pack(given);
    expect(there.shape).toEqual([batch, ...pixels.logits.shape.slice(2)]);
    const back = pixels.unpack(there);
    const found = await runWasm(op.model({ back, there }), { labels: labels(), x: draw(shape, 1) });
    expect(numbersOf(found["back"]!)).toEqual(numbersOf(labels()));
    const counted = (t: Tensor) => numbersOf(t).filter((v) => v !== 255).length;
    expect(counted(found["there"]!)).toBe(counted(labels())); // what is cropped away is void
  });

  it("gives the labels, the loss and the gradient that the logits in order give", async () => {
    const ordered = graph();
    const loss = crossEntropy(ordered.op, ordered.logits, ordered.labels);
    const [dx] = gradient(ordered.op, loss, [ordered.x]);
    const best = ordered.op.ArgMax(ordered.logits, { axis: 1, keepdims: 0 });
    const feeds = { x: draw(shape, 2), labels: labels() };
    const expected = await runWasm(ordered.op.model({ loss, dx: dx!, best }), feeds);

    const early = graph();
    const { logits, pack, unpack } = pixelsOf(early.op, early.logits, 255);
    const earlyLoss = crossEntropy(early.op, logits, pack(early.labels));
    const [earlyDx] = gradient(early.op, earlyLoss, [early.x]);
    const earlyBest = unpack(early.op.ArgMax(logits, { axis: 1, keepdims: 0 }));
    const actual = await runWasm(early.op.model({ loss: earlyLoss, dx: earlyDx!, best: earlyBest }), feeds);

    expect(numbersOf(actual["best"]!)).toEqual(numbersOf(expected["best"]!));
    expect(numbersOf(actual["loss"]!)[0]).toBeCloseTo(numbersOf(expected["loss"]!)[0]!, 4);
    const [a, e] = [numbersOf(actual["dx"]!), numbersOf(expected["dx"]!)];
    expect(Math.max(...e.map((v, i) => Math.abs(v - a[i]!)))).toBeLessThan(1e-6);
    expect(Math.max(...e.map(Math.abs))).toBeGreaterThan(0.1);
  });
});
