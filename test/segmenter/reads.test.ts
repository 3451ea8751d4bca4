/** The pixels that a network is said to read are those whose gradient is not zero, and those alone that move what it predicts. */

import { describe, expect, it } from "vitest";
import { bilinearMatrix } from "../../src/autodiff/rules/resize-matrix.ts";
import { ensembleOf } from "../../src/segmenter/ensemble.ts";
import { readingNotes } from "../../src/segmenter/reads.ts";
import type { Manifest } from "../../src/segmenter/manifest.ts";
import { createSegmenter, type Image, type Segmenter } from "../../src/segmenter/segmenter.ts";
import { tensor } from "../../src/tensor.ts";
import type { TransformSpec } from "../../src/transforms/pipeline.ts";
import { awayFrom } from "../support/aims.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyManifest, tinyNetwork } from "../support/networks/tiny.ts";
import { cache } from "./defended.ts";

const at = { step: 1, steps: 1 };
const fixed = (height: number, width: number, name = "fixed") =>
  tinyNetwork({ activation: "Tanh" }, { name, input: { height, width, multipleOf: 1 } });
const segmenter = createSegmenter(fixed(8, 12), cache);

/** Whether any channel of a pixel has a gradient. */
const reached = async (of: Segmenter, image: Image): Promise<readonly boolean[]> => {
  const [, height, width] = image.shape as [number, number, number];
  const { gradient } = await of.objective(awayFrom(noiseLabels(height, width, 4, 2)))(image, at);
  const pixels = height * width;
  return Array.from({ length: pixels }, (_, i) => [0, 1, 2].some((c) => gradient.data[c * pixels + i] !== 0));
};
const shareOf = (pixels: readonly boolean[]): number => pixels.filter(Boolean).length / pixels.length;

describe("the share of the pixels that a network reads is that of those with a gradient", () => {
  it.each([
    [8, 12, 1],
    [4, 6, 1],
    [12, 20, 1],
    [16, 24, 1],
    [24, 36, 1 / 9],
    [32, 48, 4 / 16],
    [64, 96, 4 / 64],
  ] as const)("of a picture of %i rows and %i columns", async (height, width, known) => {
    const image = noiseImage(height, width, 3);
    const share = segmenter.readShare(image, at);
    expect([share, shareOf(await reached(segmenter, image))]).toEqual([known, known]);
  });

  it.each([
    [20, 30],
    [57, 31],
    [8, 91],
  ])("of a picture of %i rows and %i columns, of which it is no whole fraction", async (height, width) => {
    const image = noiseImage(height, width, 3);
    expect(segmenter.readShare(image, at)).toBe(shareOf(await reached(segmenter, image)));
  });

  it("of an ensemble, whose networks read different ones, and of several scales", async () => {
    const both = createSegmenter(ensembleOf([fixed(8, 8, "a"), fixed(6, 10, "b")]), cache);
    const scaled = createSegmenter(
      tinyNetwork({ activation: "Tanh" }, { input: { height: 8, width: 8, multipleOf: 1, fit: "tile" } }),
      cache,
    ).withScales([0.25, 0.375]);
    const image = noiseImage(40, 48, 4);
    for (const each of [both, scaled]) {
      const share = each.readShare(image, at);
      expect(share).toBe(shareOf(await reached(each, image)));
      expect(share).toBeLessThan(0.8);
    }
  });

  it.each<[string, readonly TransformSpec[], "differentiable" | "bpda"]>([
    ["a reduction", [{ name: "resize", scale: 0.3 }], "differentiable"],
    ["a reduction at a place", [{ name: "resize-and-pad", probability: 1, scale: 0.4 }], "differentiable"],
    ["a shift", [{ name: "translate", dx: 5, dy: -3 }], "differentiable"],
    ["a frame", [{ name: "pad", border: 5, left: 0.3, top: 0.8 }], "differentiable"],
    ["a blur", [{ name: "blur", sigma: 0.3 }], "differentiable"],
    ["noise and less depth", [{ name: "noise" }, { name: "bit-depth", bits: 6 }], "differentiable"],
    ["a shift, straight through what moves nothing", [{ name: "resize", scale: 0.3 }, { name: "translate", dx: 3, dy: 2 }], "bpda"], // prettier-ignore
  ])("behind %s", async (_, transform, through) => {
    const defended = segmenter.withTransform({ transform, seed: 3, through, draws: 1 });
    const image = noiseImage(40, 63, 5);
    const share = defended.readShare(image, at);
    expect(share).toBe(shareOf(await reached(defended, image)));
    expect(share).toBeLessThan(1);
  });

  it("behind JPEG all of the blocks that are read; a naive attack's gradient is without it", async () => {
    const transform: TransformSpec[] = [{ name: "jpeg", quality: 40 }];
    const image = noiseImage(64, 96, 5);
    const share = (through: "differentiable" | "bpda" | "naive") =>
      segmenter.withTransform({ transform, seed: 3, through, draws: 1 }).readShare(image, at);
    expect([share("differentiable"), share("bpda"), share("naive")]).toEqual([1, 4 / 64, 4 / 64]);
  });

  it("in any of the draws of a random transformation", async () => {
    const [one, many] = [1, 8].map((draws) =>
      segmenter.withTransform({
        transform: [{ name: "translate", dx: [-4, 4], dy: [-4, 4] }],
        seed: 3,
        through: "differentiable",
        draws,
      }),
    );
    const image = noiseImage(64, 96, 5);
    expect(many!.readShare(image, at)).toBe(shareOf(await reached(many!, image)));
    expect(many!.readShare(image, at)).toBeGreaterThan(2 * one!.readShare(image, at));
  });
});

it("the network that runs predicts the same whatever the other pixels are", async () => {
  const image = noiseImage(33, 50, 6);
  const read = await reached(segmenter, image);
  const changed = (which: boolean): Image =>
    tensor(
      "float32",
      image.shape,
      image.data.map((v, i) => (read[i % read.length] === which ? 255 - v : v)),
    );
  const clean = await segmenter.predict(image);
  expect(shareOf(read)).toBeLessThan(0.5);
  expect(await segmenter.predict(changed(false))).toEqual(clean);
  expect(await segmenter.predict(changed(true))).not.toEqual(clean);
});

it("a picture of which pixels are stepped over is told, with the share that is read; no other is", () => {
  const manifest = tinyManifest({ name: "small", input: { height: 8, width: 12, multipleOf: 1 } });
  const notes = (height: number, width: number, ...manifests: Manifest[]) =>
    readingNotes(
      manifests.map((each) => ({ manifest: each })),
      noiseImage(height, width),
    );
  expect(notes(24, 36, manifest, tinyManifest(), manifest)).toEqual([
    "is resized from 36×24 to 12×8 (width×height) before small, which reads 11.1 % of its pixels; the others have no influence",
  ]);
  expect(notes(16, 24, manifest)).toEqual([]);
});

it("the largest pictures cost time along their sides alone", () => {
  const { at: columns } = bilinearMatrix(16_384, 480);
  expect(columns.length).toBeLessThanOrEqual(2 * 480);
});
