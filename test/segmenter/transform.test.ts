/** A segmenter with transformations before its network: predictions, gradients as an attack takes them, expectation over draws. */

import { describe, expect, it } from "vitest";
import type { Defence } from "../../src/segmenter/defence.ts";
import { createFronts } from "../../src/segmenter/front.ts";
import { requireConsistent } from "../../src/segmenter/consistent.ts";
import { parseManifest } from "../../src/segmenter/manifest.ts";
import { createSegmenter, type Image } from "../../src/segmenter/segmenter.ts";
import { numbersOf, tensor, tensorOf } from "../../src/tensor.ts";
import { TransformError, type TransformSpec } from "../../src/transforms/pipeline.ts";
import { awayFrom, given } from "../support/aims.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyManifest } from "../support/networks/tiny.ts";
import { applied, largestDifference } from "../transforms/support.ts";
import { cache, defended, height, image, jpeg, labels, network, plain, width } from "./defended.ts";

const imageFrom = (values: readonly number[], h = height, w = width): Image => tensorOf("float32", [3, h, w], values);
const plus = (x: Image, map: ArrayLike<number>, t = 1): Image =>
  tensor(
    "float32",
    x.shape,
    x.data.map((v, i) => v + t * map[i]!),
  );
const gradientOf = async (segmenter: typeof plain, at: Image) =>
  numbersOf((await segmenter.objective(awayFrom(labels))(at)).gradient);
const largest = (values: readonly number[]): number => values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);

describe("predictions", () => {
  it.each<[readonly TransformSpec[]]>([[[jpeg]], [[{ name: "blur" }, { name: "bit-depth" }]]])(
    "through %o are those of the transformed image",
    async (specs) => {
      const { y } = await applied(specs, image);
      const expected = await plain.predict(imageFrom(y));
      const { labels: seen, confidence } = await defended(specs).predict(image);
      expect(seen).toEqual(expected.labels);
      expect(largestDifference(numbersOf(confidence), numbersOf(expected.confidence))).toBeLessThan(1e-4);
      expect(seen).not.toEqual((await plain.predict(image)).labels);
    },
  );

  it("of a padded image are cropped", async () => {
    const specs: TransformSpec[] = [{ name: "pad", border: 4, left: 0.25, top: 0.75 }];
    const { y } = await applied(specs, image);
    const whole = (await plain.predict(imageFrom(y, height + 8, width + 8))).labels;
    const expected = Array.from(
      { length: height * width },
      (_, i) => whole.data[(Math.floor(i / width) + 6) * (width + 8) + (i % width) + 2],
    );
    const { labels: seen } = await defended(specs).predict(image);
    expect([seen.shape, [...seen.data]]).toEqual([[height, width], expected]);
  });

  it("of a translated image are moved back", async () => {
    const specs: TransformSpec[] = [{ name: "translate", dx: 2, dy: -4 }];
    const moved = (await plain.predict(imageFrom((await applied(specs, image)).y))).labels;
    const { labels: seen } = await defended(specs).predict(image);
    for (let i = 4; i < height; i++)
      for (let j = 0; j < width - 2; j++) expect(seen.data[i * width + j]).toBe(moved.data[(i - 4) * width + j + 2]);
  });

  it("are a function of the image and of the seed", async () => {
    const specs: TransformSpec[] = [{ name: "noise", sigma: 60 }];
    const confidence = async (seed: number, at: Image) =>
      numbersOf((await defended(specs, { seed }).predict(at)).confidence);
    expect(await confidence(1, image)).toEqual(await confidence(1, image));
    expect(await confidence(1, image)).not.toEqual(await confidence(2, image));
    // Two images of one seed have draws of their own: the noise, and with it the confidence, differs by more than they do.
    const near = plus(
      image,
      image.data.map((_, i) => (i === 7 ? 1e-3 : 0)),
    );
    expect(largestDifference(await confidence(1, image), await confidence(1, near))).toBeGreaterThan(0.05);
  });

  it("are the manifest's, unless others or none are asked for", async () => {
    const own = createSegmenter({ ...network, manifest: tinyManifest({ transform: [jpeg] }) }, cache);
    expect(own.defence?.transform).toEqual([jpeg]);
    expect(await own.predict(image)).toEqual(await defended([jpeg]).predict(image));
    expect(await own.withTransform(null).predict(image)).toEqual(await plain.predict(image));
    expect(own.withCrf(null).defence).toEqual(own.defence);
  });
});

describe("gradients", () => {
  const smooth: TransformSpec[] = [
    { name: "resize" },
    { name: "translate" },
    { name: "blur", sigma: [0.5, 1] },
    { name: "pad" },
  ];

  it("through transformations are the derivative of the loss, with the draw held", async () => {
    const objective = defended(smooth).objective(awayFrom(labels));
    const at = { step: 5, steps: 9 };
    const { gradient } = await objective(image, at);
    const direction = noiseImage(height, width, 7).data.map((v) => v - 128);
    const t = 2 ** -7;
    const [ahead, behind] = [
      await objective(plus(image, direction, t), at),
      await objective(plus(image, direction, -t), at),
    ];
    const slope = gradient.data.reduce((sum, v, i) => sum + v * direction[i]!, 0);
    expect((ahead.value - behind.value) / (2 * t) / slope).toBeCloseTo(1, 2);
    expect((await objective(image, { step: 6, steps: 9 })).gradient).not.toEqual(gradient);
  });

  it("straight through are the network's at the transformed image", async () => {
    const specs: TransformSpec[] = [{ name: "greyscale" }, jpeg];
    const { y } = await applied(specs, image);
    const expected = await gradientOf(plain, imageFrom(y));
    const actual = await gradientOf(defended(specs, { through: "bpda" }), image);
    expect(largestDifference(actual, expected)).toBeLessThan(1e-4 * largest(expected));
    expect(largestDifference(await gradientOf(defended(specs), image), expected)).toBeGreaterThan(
      0.1 * largest(expected),
    );
  });

  it("straight through what changes values follow what moves pixels", async () => {
    const moving: TransformSpec = { name: "translate", dx: 3, dy: 1 };
    const exact = await gradientOf(defended([moving]), image);
    const straight = await gradientOf(defended([moving, { name: "noise", sigma: 0 }], { through: "bpda" }), image);
    expect(largestDifference(straight, exact)).toBeLessThan(1e-4 * largest(exact));
  });

  it("of a naive attack are the network's alone", async () => {
    expect(await gradientOf(defended([jpeg], { through: "naive", draws: 5 }), image)).toEqual(
      await gradientOf(plain, image),
    );
  });

  it("of an objective's value go through, naive or not", async () => {
    const value = async (segmenter: typeof plain) => (await segmenter.value(awayFrom(labels))(image)).value;
    expect(await value(defended([jpeg], { through: "naive" }))).toBe(await value(defended([jpeg])));
    expect(await value(defended([jpeg]))).not.toBe(await value(plain));
  });
});

describe("expectation over transformation", () => {
  const noise: TransformSpec[] = [{ name: "noise", sigma: 20 }];

  it("is the mean over independent draws", async () => {
    const defence: Defence = { transform: noise, seed: 3, through: "differentiable", draws: 4 };
    const at = { step: 2, steps: 3 };
    const { ofStep } = createFronts(defence);
    const draws = [0, 1, 2, 3].map((sample) => ofStep(image, at, sample)["transform_0_map"]!.data);
    expect(new Set(draws.map((d) => d[0])).size).toBe(4);
    const evaluate = plain.objective(awayFrom(labels));
    const alone = await Promise.all(draws.map((d) => evaluate(plus(image, d), at)));
    const mean = alone[0]!.gradient.data.map((_, i) => alone.reduce((sum, e) => sum + e.gradient.data[i]! / 4, 0));
    const seen = await plain.withTransform(defence).objective(awayFrom(labels))(image, at);
    expect(largestDifference(numbersOf(seen.gradient), [...mean])).toBeLessThan(1e-5 * largest([...mean]));
    expect(seen.value).toBeCloseTo(
      alone.reduce((sum, e) => sum + e.value / 4, 0),
      2,
    );
    expect([seen.runs, seen.labels]).toEqual([4, alone[0]!.labels]);
  });

  it("takes one draw where no two differ", async () => {
    const evaluate = (draws: number) => defended([jpeg], { draws }).objective(awayFrom(labels))(image);
    expect(await evaluate(9)).toEqual(await evaluate(1));
    expect((await evaluate(9)).runs).toBe(1);
  });

  it.each([0, 1.5, 2000])("of %d draws is refused", (draws) => {
    expect(() => defended(noise, { draws })).toThrow(/draws is .* 1 to 1024/);
  });
});

it("memory includes the transformations", () => {
  const size = { height: 64, width: 64 };
  const bytes = (segmenter: typeof plain) =>
    segmenter.attackFootprints(size, given).map(({ runBytes, staticBytes }) => runBytes + staticBytes);
  const [forward, backward] = bytes(plain);
  const [forwardAfter, backwardAfter] = bytes(defended([jpeg, { name: "resize" }]));
  expect(forwardAfter).toBeGreaterThan(forward!);
  expect(backwardAfter).toBeGreaterThan(backward!);
});

describe("refused", () => {
  it("a transformation out of range, by its place", () => {
    expect(() => defended([jpeg, { name: "blur", sigma: 99 }])).toThrow(TransformError);
    const manifest = tinyManifest();
    expect(() => parseManifest({ ...manifest, transform: [{ name: "blur", sigma: 99 }] })).toThrow(/transform\.0/);
    expect(() => parseManifest({ ...manifest, transform: [{ name: "sharpen" }] })).toThrow(/transform\.0\.name/);
    const crossed = parseManifest({ ...manifest, transform: [{ name: "blur", sigma: [2, 1] }] });
    expect(() => requireConsistent(crossed)).toThrow(/transform\.0\.sigma: .*low, high/);
  });
});
