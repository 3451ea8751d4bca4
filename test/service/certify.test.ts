/** /v1/certify's work: what the certificate of the pure function says, within bounds. */

import { expect, it } from "vitest";
import { ABSTAINED, certify } from "../../src/certify/smoothing.ts";
import { decodeImage } from "../../src/image/decode.ts";
import { decodeLabels } from "../../src/image/labels.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { failureOf, imagePng, serviceOf, tiny } from "./tiny-service.ts";

const limits = { maxPixels: 1e6, maxSide: 1e3 };
const service = serviceOf([tiny]);
const spec = {
  method: "smoothing",
  model: "tiny",
  sigma: 16,
  tau: 0.75,
  alpha: 0.05,
  selection: 5,
  samples: 40,
  correction: "holm",
  seed: 3,
} as const;

it("has the labels, shares and radius of the pure function", async () => {
  const result = await service.certify({ spec, image: imagePng });
  const segmenter = createSegmenter(openNetwork(tiny.manifest, tiny.bytes), new SessionCache(startWasm(), 2 ** 30));
  const image = await decodeImage(imagePng, limits);
  const predict = async (noisy: typeof image) => (await segmenter.predict(noisy)).labels;
  const certificate = await certify(predict, image, segmenter.manifest.classes.length, spec);
  expect(result.radius).toBe(certificate.radius);
  const labels = decodeLabels(result.images.labels.data, limits);
  expect([...labels.data]).toEqual([...certificate.labels.data].map((label) => (label === ABSTAINED ? 255 : label)));
  const abstained = [...certificate.labels.data].filter((label) => label === ABSTAINED).length;
  expect(result.scores.abstainedShare).toBeCloseTo(abstained / labels.data.length, 12);
  expect(result).toMatchObject({ reference: "prediction", clean: { miou: 1, pixelAccuracy: 1 } });
  expect(await service.certify({ spec: result.receipt.spec, image: imagePng })).toMatchObject({
    scores: result.scores,
  });
});

it("falls back to groups of classes, by names", async () => {
  const names = tiny.manifest.classes.map(({ name }) => name);
  const hierarchy = [{ name: "group", of: names.slice(0, 2) }];
  const result = await service.certify({ spec: { ...spec, hierarchy }, image: imagePng });
  const { hierarchical, certifiedAccuracy } = result.scores;
  expect(hierarchical!.levels[0]!.certifiedAccuracy).toBeCloseTo(certifiedAccuracy!, 12);
  expect(hierarchical!.levels).toHaveLength(2);
  expect(result.receipt.spec).toMatchObject({ hierarchy });
  const written = await service.certify({ spec: { ...spec, hierarchy: { groups: hierarchy } }, image: imagePng });
  expect(written.scores).toEqual(result.scores);
  const refused = (wrong: typeof hierarchy | "manifest") =>
    failureOf(service.certify({ spec: { ...spec, hierarchy: wrong }, image: imagePng }));
  const problem = (detail: string) => ({
    errors: [{ pointer: "/spec/hierarchy", detail: expect.stringContaining(detail) }],
  });
  expect(await refused("manifest")).toMatchObject(problem("has no hierarchy"));
  expect(await refused([{ name: "g", of: ["x", names[0]!] }])).toMatchObject(problem('"x" is neither a class'));
});

it("takes networks that have no gradient", async () => {
  const odd = tinyFile(
    { head: (op, z) => op.append("Mod", [z, op.constant(7)], { fmod: 1 })[0]! },
    { name: "no-gradient" },
  );
  const result = await serviceOf([odd]).certify({ spec: { ...spec, model: "no-gradient" }, image: imagePng });
  expect(result.scores.certifiedAccuracy).not.toBeNull();
});

it("refuses fewer draws than could certify anything", async () => {
  // 192 pixels: 0.75ⁿ ≤ 0.05/192 from n = 29 on.
  const few = { ...spec, samples: 28 };
  expect(await failureOf(service.certify({ spec: few, image: imagePng }))).toMatchObject({
    kind: "invalid-spec",
    errors: [{ pointer: "/spec/samples", detail: expect.stringMatching(/^must be at least 29: /) }],
  });
});

it("is bounded before anything runs, and ends when it is abandoned", async () => {
  const bounded = serviceOf([tiny], { maxWork: 12 * 16 * 14 });
  expect(await failureOf(bounded.certify({ spec, image: imagePng }))).toMatchObject({
    kind: "work-exceeded",
    steps: 15,
  });
  const controller = new AbortController();
  const long = service.certify({ spec: { ...spec, samples: 1e5 }, image: imagePng }, { signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  expect(await failureOf(long)).toEqual({ kind: "cancelled" });
});
