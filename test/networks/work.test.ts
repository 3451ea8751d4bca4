/** What is refused by its size is refused before any graph of that size is compiled; the search for a size that fits is bounded. */

import { describe, expect, it, vi } from "vitest";
import { MAX_WORK } from "../../src/contract/limits.ts";
import { leastBytes } from "../../src/networks/least-bytes.ts";
import { largestFit } from "../../src/networks/largest-fit.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import type * as Compile from "../../src/segmenter/compile.ts";
import { createSegmenter, type Segmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { encodePng } from "../../src/image/encode.ts";
import { tensor, type Size } from "../../src/tensor.ts";
import { given, leastLikely } from "../support/aims.ts";
import { chunk, ihdr, pngSignature } from "../image/png-writer.ts";
import { failureOf, grid, imagePng, serviceOf, spec, tiny } from "../service/tiny-service.ts";
import { tinyNetwork, type ManifestChanges } from "../support/networks/tiny.ts";

const compiledSizes = vi.hoisted(() => [] as Size[]);
vi.mock("../../src/segmenter/compile.ts", async (original) => {
  const actual = await original<typeof Compile>();
  const counted =
    <A extends [unknown, Size, ...unknown[]], R>(compile: (...args: A) => R) =>
    (...args: A): R => {
      compiledSizes.push(args[1]);
      return compile(...args);
    };
  return {
    ...actual,
    compileForward: counted(actual.compileForward),
    compileGradient: counted(actual.compileGradient),
  };
});

/** The first 33 bytes of a PNG: the header alone. */
const headerOf = (width: number, height: number): Uint8Array =>
  new Uint8Array(Buffer.concat([pngSignature, ihdr({ width, height, depth: 8, colour: 2 })]));

describe("a picture that is refused by its header", () => {
  it.each([
    ["33 bytes that announce 16×12372 pixels", 16, 12_372],
    ["33 bytes that announce 8193×1 pixels", 8193, 1],
    ["33 bytes that announce 5000×5000 pixels", 5000, 5000],
  ])("%s: no graph is compiled", async (_, width, height) => {
    const bytes = headerOf(width, height);
    expect(bytes.length).toBe(33);
    const service = serviceOf([tiny]);
    await service.segment({ model: "tiny", image: headerOf(8, 8) }).catch(() => undefined);
    compiledSizes.length = 0;
    for (const refused of [
      service.attack({ spec, image: bytes, outputs: [] }, {}),
      service.segment({ model: "tiny", image: bytes }),
    ])
      // prettier-ignore
      expect(await failureOf(refused)).toMatchObject({ kind: "image-too-large", size: { width, height }, maxSide: 8192 });
    expect(compiledSizes).toEqual([]);
  });

  it("holds label maps to the same sides", async () => {
    const score = serviceOf([tiny]).score({
      classes: { kind: "count", count: 2 },
      prediction: headerOf(1, 9000),
      reference: headerOf(1, 9000),
    });
    expect(await failureOf(score)).toMatchObject({ kind: "image-too-large", part: "reference" });
    expect(chunk("IEND", []).length).toBe(12);
  });
});

describe("the lower bound on memory", () => {
  const changes: ManifestChanges[] = [
    {},
    { input: { multipleOf: 16 } },
    { input: { fit: "pad", multipleOf: 8 } },
    { input: { fit: "tile", height: 48, width: 64, overlap: 8, multipleOf: 8 } },
    { input: { height: 32, width: 32 } },
  ];
  const sizes = [
    { height: 33, width: 47 },
    { height: 200, width: 300 },
    { height: 700, width: 90 },
  ];
  it.each(changes)("is below what is predicted for %o", (change) => {
    const cache = new SessionCache(startWasm(), 2 ** 30);
    const segmenter = createSegmenter(tinyNetwork({}, change), cache);
    for (const size of sizes) {
      expect(leastBytes(segmenter, size, [])).toBeLessThan(segmenter.forwardFootprint(size).runBytes);
      for (const goal of [given, leastLikely]) {
        const [, attack] = segmenter.attackFootprints(size, goal);
        expect(leastBytes(segmenter, size, [goal])).toBeLessThan(attack!.runBytes);
      }
    }
  });
});

describe("the search for the largest fit", () => {
  it.each([
    { nodes: 10, most: 40 },
    { nodes: 4096, most: 14 },
    { nodes: 100_000, most: 14 },
  ])("compares at most $most sizes for a network of $nodes nodes, and what it finds fits", ({ nodes, most }) => {
    const cache = new SessionCache(startWasm(), 24 * 2 ** 20);
    const segmenter = createSegmenter(tinyNetwork({}, { input: { multipleOf: 8 } }), cache);
    const tried: Size[] = [];
    const counting: Segmenter = {
      ...segmenter,
      attackFootprints: (size, goal) => {
        tried.push(size);
        return segmenter.attackFootprints(size, goal);
      },
    };
    const found = largestFit({ segmenter: counting, cache, nodes }, { height: 3072, width: 4096 }, [
      given,
      leastLikely,
    ])!;
    expect(tried.length).toBeLessThanOrEqual(most);
    for (const goal of [given, leastLikely])
      expect(cache.predict(segmenter.attackFootprints(found, goal))).toBeLessThanOrEqual(cache.budgetBytes);
  });
});

describe("a refusal for memory", () => {
  const budgetBytes = 17 * 2 ** 20;
  const refusal = (service: ReturnType<typeof serviceOf>, width: number, height: number) => {
    const image = encodePng(tensor("float32", [3, height, width], new Float32Array(3 * height * width)));
    return failureOf(service.attack({ spec, image, outputs: [] }, {}));
  };

  it("compiles no graph of a size that the lower bound rules out, and nothing when it is repeated", async () => {
    const service = serviceOf([tiny], { budgetBytes });
    await service.attack({ spec, image: imagePng, outputs: [] }, {});
    compiledSizes.length = 0;
    const first = await refusal(service, 1200, 900);
    expect(first).toMatchObject({ kind: "memory-exceeded", largestFit: { width: expect.any(Number) as number } });
    expect(compiledSizes.length).toBeGreaterThan(0);
    const classes = tiny.manifest.classes.length;
    for (const { height, width } of compiledSizes)
      expect(4 * height * width * 2 * (3 + classes)).toBeLessThanOrEqual(budgetBytes);
    compiledSizes.length = 0;
    expect(await refusal(service, 1200, 900)).toEqual(first);
    expect(compiledSizes).toEqual([]);
  });

  it("compiles nothing where the lower bound rules out every size", () => {
    const cache = new SessionCache(startWasm(), 2 ** 10);
    const segmenter = createSegmenter(tinyNetwork({}, { input: { multipleOf: 8 } }), cache);
    compiledSizes.length = 0;
    expect(largestFit({ segmenter, cache }, { height: 3072, width: 4096 }, [given])).toBeNull();
    expect(compiledSizes).toEqual([]);
  });
});

describe("the work of a request", () => {
  const maxWork = 12 * 16 * 8;
  it("is its pixels times the steps of all its attacks, and is refused before anything is compiled", async () => {
    const service = serviceOf([tiny], { maxWork });
    const attack = (steps: number) => service.attack({ spec: { ...spec, steps }, image: imagePng, outputs: [] }, {});
    expect(await attack(8)).toMatchObject({ width: 16, height: 12 });
    compiledSizes.length = 0;
    expect(await failureOf(attack(9))).toEqual({ kind: "work-exceeded", pixels: 192, steps: 9, maxWork });
    // fgsm has one step at each radius, ifgsm-ii 1, 3 and 20.
    const robustness = service.robustness({ spec: grid, image: imagePng }, {});
    expect(await failureOf(robustness)).toEqual({ kind: "work-exceeded", pixels: 192, steps: 27, maxWork });
    expect(compiledSizes).toEqual([]);
    const { cost } = await serviceOf([tiny]).robustness({ spec: grid, image: imagePng }, {});
    expect(cost).toEqual({ pixels: 192, steps: 27, work: 192 * 27, maxWork: MAX_WORK });
  });
});
