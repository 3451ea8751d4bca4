/** Each transformation against its definition, and its gradient against differences, with the draw held. */

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/onnx/build.ts";
import { between, normal, random } from "../../src/random.ts";
import { numbersOf, spatialSize, tensorOf, type Tensor } from "../../src/tensor.ts";
import { transformNames, type TransformName } from "../../src/transforms/catalogue.ts";
import { chrominanceTable, luminanceTable } from "../../src/transforms/jpeg-tables.ts";
import { createPipeline, type TransformSpec } from "../../src/transforms/pipeline.ts";
import { runWasm } from "../support/wasm.ts";
import * as by from "./definitions.ts";
import { applied, graphOf, interpreted, largestDifference } from "./support.ts";

const [height, width] = [19, 26];

/** Values of `low` to `high` that are not whole. */
const imageOf = (seed: number, low = 0, high = 255): Tensor<"float32"> => {
  const next = random(seed);
  return tensorOf(
    "float32",
    [3, height, width],
    Array.from({ length: 3 * height * width }, () => between(next, low, high)),
  );
};
const pictureOf = ({ data }: Tensor): by.Picture =>
  by.picture(height, width, (c, i, j) => Number(data[(c * height + i) * width + j]));

const tables = (quality: number) => ({ luminance: luminanceTable(quality), chrominance: chrominanceTable(quality) });

interface Case {
  readonly spec: TransformSpec;
  readonly definition: (x: by.Picture, drawn: Readonly<Record<string, Tensor>>) => by.Picture;
  /** What the gradient is that of, where that is not the definition: the definition without its rounding. */
  readonly surrogate?: Case["definition"];
}

const cases: readonly Case[] = [
  { spec: { name: "resize", scale: 0.6 }, definition: (x) => by.resizedAndBack(x, 0.6) },
  { spec: { name: "resize", scale: 1.7 }, definition: (x) => by.resizedAndBack(x, 1.7) },
  {
    spec: { name: "jpeg", quality: 60, subsampling: 1 },
    definition: (x) => by.compressed(x, tables(60), 1),
    surrogate: (x) => by.compressed(x, tables(60), 1, (v) => v),
  },
  {
    spec: { name: "jpeg", quality: 35 },
    definition: (x) => by.compressed(x, tables(35), 2),
    surrogate: (x) => by.compressed(x, tables(35), 2, (v) => v),
  },
  { spec: { name: "blur", sigma: 1.3 }, definition: (x) => by.blurred(x, 1.3) },
  {
    spec: { name: "noise", sigma: 12 },
    definition: (x, drawn) => {
      const map = drawn["transform_0_map"]!;
      return by.picture(height, width, (c, i, j) => x[c]![i]![j]! + Number(map.data[(c * height + i) * width + j]));
    },
  },
  {
    spec: { name: "colour-jitter", hue: 75, saturation: 1.3, value: 0.9 },
    definition: (x) => by.jittered(x, 75, 1.3, 0.9),
  },
  {
    spec: { name: "colour-jitter", hue: -170, saturation: 0.2, value: 1.9 },
    definition: (x) => by.jittered(x, -170, 0.2, 1.9),
  },
  { spec: { name: "greyscale", amount: 0.7 }, definition: (x) => by.grey(x, 0.7) },
  { spec: { name: "bit-depth", bits: 3 }, definition: (x) => by.fewerBits(x, 3), surrogate: (x) => x },
  { spec: { name: "translate", dx: 5, dy: -3 }, definition: (x) => by.translated(x, 5, -3) },
  {
    spec: { name: "pad", border: 4, left: 0.25, top: 0.5, value: 77 },
    definition: (x) => by.padded(x, 4, 2, 4, 77),
  },
  {
    // 19 × 26 become 13 × 18; of the 6 and 8 left, 3 are above and 2 on the left.
    spec: { name: "resize-and-pad", probability: 1, scale: 0.7, left: 0.25, top: 0.5, value: 77 },
    definition: (x) => by.resizedAndPadded(x, 0.7, 2, 3, 77),
  },
  { spec: { name: "resize-and-pad", probability: 0, scale: 0.7 }, definition: (x) => x },
];

const flat = (x: by.Picture): number[] => x.flat(2);

describe.each(cases)("$spec", ({ spec, definition, surrogate = definition }) => {
  const { pipeline, model, shape } = graphOf([spec], [3, height, width]);
  const drawn = pipeline.draw(7, { height, width });

  it("has the numbers of its definition, in float64 and on WASM", async () => {
    const image = imageOf(3);
    const expected = flat(definition(pictureOf(image), drawn));
    const zero = tensorOf("float32", shape, new Float32Array(expected.length));
    const { y } = interpreted(model, image, { ...drawn, cotangent: zero });
    expect(largestDifference(y, expected)).toBeLessThan(1e-3);
    expect(largestDifference((await applied([spec], image, 7)).y, expected)).toBeLessThan(1e-2);
  });

  it("has their derivative, straight through what is rounded", () => {
    // Between 90 and 130: nothing is clipped, neither before nor after.
    const image = imageOf(4, 90, 130);
    const next = random(5);
    const direction = Float64Array.from(image.data, () => normal(next));
    const cotangent = tensorOf(
      "float32",
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => normal(next)),
    );
    const { d } = interpreted(model, image, { ...drawn, cotangent });
    const along = (t: number): number => {
      const moved = tensorOf(
        "float64",
        image.shape,
        Float64Array.from(image.data, (v, i) => v + t * direction[i]!),
      );
      const y = flat(surrogate(pictureOf(moved), drawn));
      return numbersOf(cotangent).reduce((sum, v, i) => sum + v * y[i]!, 0);
    };
    const step = 2 ** -16;
    const slope = (along(step) - along(-step)) / (2 * step);
    const terms = d.map((v, i) => v * direction[i]!);
    const scale = Math.max(Math.abs(slope), Math.hypot(...terms));
    expect(Math.hypot(...terms)).toBeGreaterThan(1);
    expect(Math.abs(terms.reduce((a, b) => a + b, 0) - slope) / scale).toBeLessThan(2e-5);
  });
});

it("every transformation has a case", () => {
  expect(new Set(cases.map(({ spec }) => spec.name))).toEqual(new Set(transformNames));
});

const identities: readonly TransformSpec[] = [
  { name: "resize", scale: 1 },
  { name: "blur", sigma: 0 },
  { name: "blur", sigma: [0, 0] },
  { name: "noise", sigma: 0 },
  { name: "colour-jitter", hue: 0, saturation: 1, value: 1 },
  { name: "greyscale", amount: 0 },
  { name: "bit-depth", bits: 8 },
  { name: "translate", dx: 0, dy: 0 },
];

describe("parameters that change nothing", () => {
  const image = tensorOf("float32", [3, height, width], imageOf(8).data.map(Math.round));

  it.each(identities)("%o", async (spec) => {
    expect(largestDifference((await applied([spec], image)).y, numbersOf(image))).toBeLessThan(2e-4);
  });

  it("JPEG of quality 100 at full chroma is near it, of 10 is not", async () => {
    const distance = async (quality: number) =>
      largestDifference((await applied([{ name: "jpeg", quality, subsampling: 1 }], image)).y, numbersOf(image));
    expect(await distance(100)).toBeLessThanOrEqual(3);
    expect(await distance(10)).toBeGreaterThan(30);
  });
});

describe("at the ends of the grey levels", () => {
  const ends = tensorOf(
    "float32",
    [3, 8, 8],
    Array.from({ length: 192 }, (_, i) => [0, 255, -9, 264][i % 4]!),
  );

  it("black and white pixels keep their gradient, and what is outside has none", async () => {
    const { d } = await applied([{ name: "bit-depth", bits: 4 }], ends);
    expect(new Set(d.map((v, i) => `${i % 4} ${v}`))).toEqual(new Set(["0 1", "1 1", "2 0", "3 0"]));
  });

  it("half-way between two levels the even one is taken", async () => {
    // One bit: 255·round(x/255), x/255 = ½ to the even 0.
    const half = tensorOf("float32", [3, 1, 1], [127.5, 127.4, 127.6]);
    expect((await applied([{ name: "bit-depth", bits: 1 }], half)).y).toEqual([0, 0, 255]);
  });
});

describe("geometry is undone", () => {
  it("resize-and-pad: a map comes back as if it had been reduced and enlarged", async () => {
    const image = imageOf(9);
    const op = createBuilder();
    const pipeline = createPipeline([{ name: "resize-and-pad", probability: 1, scale: 0.7 }]);
    const { to, transform, inputs } = pipeline.build(op, op.input("image", "float32", [1, 3, height, width]))[0]!;
    const model = op.model({ y: transform.geometry!.undo(op, to, inputs) });
    for (const seed of [1, 2, 3]) {
      const feeds = { image: { ...image, shape: [1, ...image.shape] }, ...pipeline.draw(seed, spatialSize(image)) };
      const { y } = await runWasm(model, feeds);
      expect(largestDifference(numbersOf(y!), flat(by.resizedAndBack(pictureOf(image), 0.7)))).toBeLessThan(1e-3);
    }
  });

  it.each<[TransformName, number]>([
    ["pad", 0],
    ["translate", 8],
  ])("%s: a map comes back to the image's pixels, but for %d at the border", async (name, margin) => {
    const image = imageOf(9);
    const op = createBuilder();
    const pipeline = createPipeline([{ name }]);
    const x = op.input("image", "float32", [1, 3, height, width]);
    const { to, transform, inputs } = pipeline.build(op, x)[0]!;
    const model = op.model({ y: transform.geometry!.undo(op, to, inputs), to });
    const feeds = { image: { ...image, shape: [1, ...image.shape] }, ...pipeline.draw(3, spatialSize(image)) };
    const { y, to: moved } = await runWasm(model, feeds);
    expect(y!.shape).toEqual([1, 3, height, width]);
    expect(numbersOf(moved!).slice(0, y!.data.length)).not.toEqual(numbersOf(y!));
    const inside = (i: number): boolean => {
      const [row, column] = [Math.floor(i / width) % height, i % width];
      return row >= margin && row < height - margin && column >= margin && column < width - margin;
    };
    const differing = numbersOf(y!).filter((v, i) => inside(i) && Math.abs(v - image.data[i]!) > 1e-4);
    expect(differing).toEqual([]);
  });
});
