/** Transformations in a row: order, draws, and what is refused. */

import { describe, expect, it } from "vitest";
import { numbersOf, spatialSize, tensorOf } from "../../src/tensor.ts";
import { transformEntry, transformNames } from "../../src/transforms/catalogue.ts";
import { luminanceTable } from "../../src/transforms/jpeg-tables.ts";
import { createPipeline, MAX_TRANSFORMS, TransformError, type TransformSpec } from "../../src/transforms/pipeline.ts";
import { digestOf, seedOf } from "../../src/transforms/seed.ts";
import { noiseImage } from "../support/networks/image.ts";
import { applied, largestDifference } from "./support.ts";

const image = noiseImage(12, 16, 2);
const size = spatialSize(image);
const blur: TransformSpec = { name: "blur", sigma: 1 };
const few: TransformSpec = { name: "bit-depth", bits: 2 };

describe("composition", () => {
  it.each([[[blur, few]], [[few, blur]]])("%o is one after the other", async (specs) => {
    const [first, second] = specs as [TransformSpec, TransformSpec];
    const between = await applied([first], image);
    const after = await applied([second], tensorOf("float32", image.shape, between.y));
    expect(largestDifference((await applied(specs, image)).y, after.y)).toBeLessThan(1e-4);
  });

  it("has an order", async () => {
    const [one, other] = [await applied([blur, few], image), await applied([few, blur], image)];
    expect(largestDifference(one.y, other.y)).toBeGreaterThan(10);
  });

  it("goes on at the size that padding leaves", async () => {
    const { shape } = await applied([{ name: "pad", border: 3 }, { name: "noise" }, { name: "resize" }], image);
    expect(shape).toEqual([1, 3, 18, 22]);
  });
});

describe("draws", () => {
  it.each(transformNames)("of %s have the shapes that the graph declares", (name) => {
    const transform = transformEntry(name).make(
      Object.fromEntries(
        Object.entries(transformEntry(name).options).map(([key, { default: usual }]) => [
          key,
          typeof usual === "number" ? [usual, usual] : usual,
        ]),
      ),
    );
    const draw = Object.entries(transform.draw(Math.random, size));
    expect(Object.fromEntries(draw.map(([key, { shape }]) => [key, shape]))).toEqual(transform.shapes(size));
  });

  it.each(transformNames)(
    "of %s are the seed's: the same ones give the same, others differ if it is random",
    (name) => {
      const pipeline = createPipeline([{ name }]);
      const draw = (seed: number) => Object.values(pipeline.draw(seed, size)).flatMap(numbersOf);
      expect(draw(5)).toEqual(draw(5));
      const seeds = [1, 2, 3, 4, 5, 6].map((seed) => draw(seed).join());
      expect(new Set(seeds).size > 1).toBe(pipeline.random);
    },
  );

  it("lie in their interval and reach both ends", () => {
    const pipeline = createPipeline([{ name: "jpeg", quality: [30, 33] }]);
    const tables = [30, 31, 32, 33].map((q) => luminanceTable(q).join());
    const seen = Array.from({ length: 60 }, (_, seed) =>
      numbersOf(pipeline.draw(seed, size)["transform_0_luminance"]!).join(),
    );
    expect(new Set(seen)).toEqual(new Set(tables));
  });

  it("of noise are standard normal times σ", () => {
    const map = numbersOf(
      createPipeline([{ name: "noise", sigma: 5 }]).draw(1, { height: 64, width: 64 })["transform_0_map"]!,
    );
    const mean = map.reduce((a, b) => a + b) / map.length;
    const deviation = Math.sqrt(map.reduce((s, v) => s + (v - mean) ** 2, 0) / map.length);
    expect(Math.abs(mean)).toBeLessThan(0.2);
    expect(Math.abs(deviation - 5)).toBeLessThan(0.2);
  });

  it("of one transformation twice are independent", () => {
    const [first, second] = Object.values(createPipeline([{ name: "noise" }, { name: "noise" }]).draw(1, size));
    expect(numbersOf(first!)).not.toEqual(numbersOf(second!));
  });
});

describe("seeds", () => {
  it("depend on every part and on their order, and are integers of random()", () => {
    const seeds = [[1], [2], [1, 0], [0, 1], [1, 1], [2 ** 40, 1], [1, 2, 3], [3, 2, 1]].map((p) => seedOf(...p));
    expect(new Set(seeds).size).toBe(seeds.length);
    expect(seeds.every((s) => Number.isSafeInteger(s) && s >= 0)).toBe(true);
    const many = Array.from({ length: 20_000 }, (_, i) => seedOf(7, i >> 5, i & 31));
    expect(new Set(many).size).toBe(many.length);
  });

  it("of images differ where one value does by the least that float32 has", () => {
    const moved = Float32Array.from(image.data);
    moved[100] = moved[100]! * (1 + 2 ** -23) + 2 ** -20;
    expect(digestOf(image.data)).toBe(digestOf(Float32Array.from(image.data)));
    expect(digestOf(moved)).not.toBe(digestOf(image.data));
  });
});

describe("whether a pipeline is random", () => {
  it.each<[readonly TransformSpec[], boolean]>([
    [[{ name: "jpeg" }], false],
    [[{ name: "jpeg", quality: [50, 90] }], true],
    [[{ name: "jpeg", quality: [60, 60] }], false],
    [[{ name: "jpeg" }, { name: "noise" }], true],
    [[{ name: "resize" }], true],
    [[{ name: "resize", scale: 0.5 }], false],
  ])("%o: %s", (specs, random) => {
    expect(createPipeline(specs).random).toBe(random);
  });
});

describe("refused", () => {
  it.each<[unknown[], string, RegExp]>([
    [[], "", /1 to 8/],
    [Array.from({ length: MAX_TRANSFORMS + 1 }, () => ({ name: "jpeg" })), "", /9 transformations/],
    [[{ name: "sharpen" }], "0.name", /resize, jpeg/],
    [[{ name: "toString" }], "0.name", /resize, jpeg/],
    [[{ name: "jpeg" }, { name: "jpeg", quality: 0 }], "1.quality", /an integer from 1 to 100/],
    [[{ name: "jpeg", quality: 50.5 }], "0.quality", /an integer/],
    [[{ name: "jpeg", quality: [90, 50] }], "0.quality", /\[low, high\]/],
    [[{ name: "jpeg", quality: [10, 20, 30] }], "0.quality", /\[low, high\]/],
    [[{ name: "jpeg", subsampling: [1, 2] }], "0.subsampling", /an integer from 1 to 2$/],
    [[{ name: "jpeg", sigma: 1 }], "0.sigma", /quality, subsampling/],
    [[{ name: "blur", sigma: Number.NaN }], "0.sigma", /from 0 to 10/],
    [[{ name: "blur", sigma: "1" }], "0.sigma", /from 0 to 10/],
  ])("%o names %s", (specs, field, message) => {
    const make = () => createPipeline(specs as TransformSpec[]);
    expect(make).toThrow(TransformError);
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ field }));
  });
});
