/** A perturbation that a request brings: what is scored is the image with it. */

import { describe, expect, it } from "vitest";
import type { UniversalSpec } from "../../src/contract/attack.ts";
import { measure } from "../../src/evaluation/measure.ts";
import { scoresOf } from "../../src/metrics/counts.ts";
import { encodeNpy } from "../../src/image/npy.ts";
import { random } from "../../src/random.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensorOf } from "../../src/tensor.ts";
import { readNpy } from "../segmenter/npy.ts";
import { failureOf, image, imagePng, serviceOf, spec, tiny } from "./tiny-service.ts";

const service = serviceOf();
const next = random(4);
const values = Array.from(image.data, () => 24 * (next() - 0.5));
const delta = tensorOf("float32", [3, 12, 16], values);
const asked: UniversalSpec = { ...spec, attack: "universal", epsilon: 12, alpha: undefined, steps: 0 };
const outputs = ["adversarial-npy"] as const;
const run = (bytes: Uint8Array | undefined, changes: Partial<UniversalSpec> = {}) =>
  service.attack({ spec: { ...asked, ...changes }, image: imagePng, delta: bytes, outputs }, {});

describe("a perturbation of the request", () => {
  it.each([
    ["float32", encodeNpy(delta)],
    ["float64", encodeNpy(tensorOf("float64", [3, 12, 16], values))],
  ])("of %s is added, clipped and scored, without a step", async (_, bytes) => {
    const result = await run(bytes);
    const added = image.data.map((v, i) => Math.min(Math.max(v + Math.fround(values[i]!), 0), 255));
    expect(Float32Array.from(readNpy(result.images["adversarial-npy"]!.data).data)).toEqual(added);
    const segmenter = createSegmenter(openNetwork(tiny.manifest, tiny.bytes), new SessionCache(startWasm(), 2 ** 30));
    const plan = { attack: "universal", delta, epsilon: 12, pixelRange: "clip", seed: 0 } as const;
    const { counts } = (await measure({ segmenter, image, item: "" }, plan)).row;
    const { pixelAccuracy } = result.scores.float;
    expect(pixelAccuracy.adversarial).toBe(scoresOf(counts.float).pixelAccuracy);
    expect(pixelAccuracy.adversarial).toBeLessThan(1);
    expect([result.steps, result.evaluations.backward]).toEqual([[], 0]);
    expect(result.receipt.spec).toMatchObject({ attack: "universal", epsilon: 12, steps: 0 });
  });

  it.each<readonly [Uint8Array | undefined, Partial<UniversalSpec>, RegExp]>([
    [undefined, {}, /is required, because spec.attack is universal/],
    [encodeNpy(delta), { epsilon: 8 }, /changes a value by 1[12]\.\d+ grey levels, and epsilon is 8/],
    [encodeNpy(tensorOf("float32", [3, 16, 12], values)), {}, /is 12×16 .* the image 16×12 .* is not resized/],
    [encodeNpy(tensorOf("uint8", [3, 12, 16], values)), {}, /a perturbation is float32 or float64/],
    [imagePng, {}, /NPY: the signature is missing/],
  ])("is refused %#", async (bytes, changes, detail) => {
    expect(await failureOf(run(bytes, changes))).toMatchObject({
      kind: "invalid-spec",
      errors: [{ pointer: "/delta", detail: expect.stringMatching(detail) }],
    });
  });
});
