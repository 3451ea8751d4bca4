/** /v1/certify by bounds: what the pure functions say, within bounds of work and memory, where they hold. */

import { expect, it } from "vitest";
import { createBounder, type Bounding } from "../../src/certify/deterministic.ts";
import { ABSTAINED } from "../../src/certify/smoothing.ts";
import type { CertifySpec } from "../../src/contract/certify.ts";
import { encodePng } from "../../src/image/encode.ts";
import { decodeImage } from "../../src/image/decode.ts";
import { decodeLabels } from "../../src/image/labels.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { failureOf, imagePng, pngOf, serviceOf } from "./tiny-service.ts";

const limits = { maxPixels: 1e6, maxSide: 1e3 };
const relu = tinyFile();
const service = serviceOf([relu]);
const shared = { model: "tiny", epsilon: 0.2, largest: false, rounding: "bounded", seed: 3 } as const;
const interval = { ...shared, method: "interval" } satisfies CertifySpec;
const linear = { ...shared, method: "linear", pixels: 20 } satisfies CertifySpec;
const bounding: Bounding = { method: "linear", rounding: "bounded", pixels: 20, seed: 3 };
const bounder = createBounder(openNetwork(relu.manifest, relu.bytes), new SessionCache(startWasm(), 2 ** 29));
const pixels = 12 * 16;

const mapsOf = ({ images }: Awaited<ReturnType<typeof service.certify>>) => ({
  labels: [...decodeLabels(images.labels.data, limits).data],
  outcome: [...decodeLabels(images.outcome.data, limits).data],
});

it.each([interval, linear])("has the labels, shares and largest ε of the pure function by $method", async (spec) => {
  const asked = { ...spec, largest: true };
  const result = await service.certify({ spec: asked, image: imagePng });
  const image = await decodeImage(imagePng, limits);
  const own = { ...bounding, method: interval === spec ? "interval" : "linear" } as const;
  const { labels, examined } = await bounder.certify(image, 0.2, own);
  const certified = [...labels.data].map((label) => (label === ABSTAINED ? 255 : label));
  const { labels: shown, outcome } = mapsOf(result);
  expect(shown).toEqual(certified);
  expect(outcome).toEqual(certified.map((label, i) => (!examined.includes(i) ? 255 : label === 255 ? 2 : 0)));
  const abstained = examined.filter((pixel) => certified[pixel] === 255).length;
  expect(result.scores.abstainedShare).toBeCloseTo(abstained / examined.length, 12);
  expect(abstained).toBeLessThan(examined.length);
  expect(result).toMatchObject({
    radius: 0.2,
    norm: "linf",
    examined: spec === interval ? pixels : 20,
    largest: await bounder.largest(image, own),
    reference: "prediction",
    clean: { miou: 1, pixelAccuracy: 1 },
    receipt: { spec: asked, backend: "wasm" },
  });
  expect(result).not.toHaveProperty("drawn");
});

it("counts pixels against a ground truth, without those that are void in it", async () => {
  const clean = await service.segment({ model: "tiny", image: imagePng });
  const truth = decodeLabels(clean.labels.data, limits);
  const wrong = truth.data.map((label, i) => (i < 50 ? 255 : i < 100 ? (label + 1) % 4 : label));
  const labels = pngOf({ ...truth, data: wrong });
  const { scores, reference, ...result } = await service.certify({ spec: { ...interval, epsilon: 1e-3 }, image: imagePng, labels }); // prettier-ignore
  const { outcome } = mapsOf({ scores, reference, ...result });
  const count = (value: number) => outcome.filter((each) => each === value).length;
  expect([reference, count(255)]).toEqual(["ground-truth", 50]);
  expect(count(1)).toBeGreaterThan(0);
  expect(scores.wrongShare).toBeCloseTo(count(1) / (pixels - 50), 12);
  expect(scores.certifiedAccuracy).toBeCloseTo(count(0) / (pixels - 50), 12);
});

it("draws its sample from the pixels that have a label", async () => {
  const clean = await service.segment({ model: "tiny", image: imagePng });
  const truth = decodeLabels(clean.labels.data, limits);
  const certified = async (labelled: number, spec: typeof interval | typeof linear) => {
    const data = truth.data.map((label, i) => (i % 7 === 0 && i < 7 * labelled ? label : 255));
    const result = await service.certify({ spec: { ...spec, epsilon: 1e-3 }, image: imagePng, labels: pngOf({ ...truth, data }) }); // prettier-ignore
    const counted = mapsOf(result).outcome.flatMap((value, i) => (value === 255 ? [] : [i]));
    expect(counted).toHaveLength(result.examined!);
    expect(counted.every((i) => i % 7 === 0 && i < 7 * labelled)).toBe(true);
    return result;
  };
  expect(await certified(25, linear)).toMatchObject({ examined: 20 });
  expect(await certified(5, linear)).toMatchObject({ examined: 5 });
  expect(await certified(5, interval)).toMatchObject({ examined: 5 });
  const one = await certified(1, linear);
  expect([one.examined, one.scores.certifiedAccuracy]).toEqual([1, 1]);
});

it("refuses by name an operator that has no bound rule, and WebGPU", async () => {
  const soft = tinyFile({ head: (op, z) => op.Softsign(z) });
  expect(await failureOf(serviceOf([soft]).certify({ spec: interval, image: imagePng }))).toMatchObject({
    kind: "invalid-spec",
    errors: [
      {
        pointer: "/spec/method",
        detail: expect.stringMatching(/^must be smoothing for this model: no bound rule for operator Softsign /),
        received: "interval",
        accepted: ["smoothing"],
      },
    ],
  });
  const runtime = { ...startWasm(), backend: "webgpu" as const };
  const webgpu = serviceOf([relu], { webgpu: async () => ({ runtime, adapter: "a", software: false }) });
  const spec: CertifySpec = { ...interval, backend: "webgpu" };
  expect(await failureOf(webgpu.certify({ spec, image: imagePng }))).toMatchObject({
    kind: "invalid-spec",
    errors: [{ pointer: "/spec/backend", received: "webgpu", accepted: ["wasm", "native"] }],
  });
});

it("is bounded in work before anything runs", async () => {
  const refusedAt = (maxWork: number, spec: CertifySpec) =>
    failureOf(serviceOf([relu], { maxWork }).certify({ spec, image: imagePng }));
  expect(await refusedAt(pixels - 1, interval)).toMatchObject({ kind: "work-exceeded", steps: 1 });
  // One run of intervals, and at most 20 + 15 pixels of three other classes each.
  expect(await refusedAt(pixels * 35, linear)).toMatchObject({ kind: "work-exceeded", steps: 36 });
  expect(await refusedAt(pixels * 300, { ...linear, largest: true })).toMatchObject({ kind: "work-exceeded" });
});

it("is bounded in memory before anything runs, and says which size would fit", async () => {
  const [height, width] = [240, 320];
  const image = encodePng(noiseImage(height, width, 5));
  const roomy = new SessionCache(startWasm(), 2 ** 29);
  const [needed] = bounder.footprints({ height, width }, { method: "linear", pixels: 1 }).slice(-1);
  const budgetBytes = roomy.predict([needed!]) - 1;
  const small = serviceOf([relu], { budgetBytes });
  const failure = await failureOf(small.certify({ spec: { ...linear, pixels: 1 }, image }));
  expect(failure).toMatchObject({ kind: "memory-exceeded", budgetBytes });
  const { largestFit } = failure as { readonly largestFit: { readonly width: number; readonly height: number } };
  expect(largestFit.width).toBeLessThan(width);
  const fitting = encodePng(noiseImage(largestFit.height, largestFit.width, 5));
  expect(await small.certify({ spec: { ...linear, pixels: 1 }, image: fitting })).toMatchObject({ examined: 1 });
});

it("ends when it is abandoned", async () => {
  const controller = new AbortController();
  const long = service.certify(
    { spec: { ...linear, pixels: 190, epsilon: 50, largest: true }, image: imagePng },
    { signal: controller.signal },
  );
  setTimeout(() => controller.abort(), 50);
  expect(await failureOf(long)).toEqual({ kind: "cancelled" });
});
