/** The size that is told to fit does, and the next one does not. */

import { describe, expect, it } from "vitest";
import { largestFit } from "../../src/networks/largest-fit.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { nativeSize } from "../../src/segmenter/size.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { encodePng } from "../../src/image/encode.ts";
import { given, leastLikely } from "../support/aims.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyNetwork, type ManifestChanges } from "../support/networks/tiny.ts";
import { failureOf, serviceOf, spec, tiny } from "../service/tiny-service.ts";
import type { Size } from "../../src/tensor.ts";

const MIB = 2 ** 20;

/** Names that a test prints, and the objectives. */
const objectives = { given, "least-likely": leastLikely } as const;
type Named = keyof typeof objectives;
const named = (names: readonly Named[]) => names.map((name) => objectives[name]);

const segmenterOf = (budgetBytes: number, changes: ManifestChanges = {}) => {
  const cache = new SessionCache(startWasm(), budgetBytes);
  const segmenter = createSegmenter(tinyNetwork({}, changes), cache);
  const fits = (size: Size, goals: readonly Named[]) =>
    goals.length > 0
      ? named(goals).every((o) => cache.predict(segmenter.attackFootprints(size, o)) <= budgetBytes)
      : cache.predict([segmenter.forwardFootprint(size)]) <= budgetBytes;
  return { cache, segmenter, fits };
};

describe("the largest fit", () => {
  it.each([
    { budget: 18, multipleOf: 2, wanted: { height: 1024, width: 1024 }, goals: ["given"] },
    { budget: 24, multipleOf: 8, wanted: { height: 3072, width: 4096 }, goals: ["least-likely"] },
    { budget: 24, multipleOf: 8, wanted: { height: 4096, width: 3072 }, goals: ["given"] },
    { budget: 40, multipleOf: 32, wanted: { height: 1000, width: 2000 }, goals: ["given", "least-likely"] },
    { budget: 96, multipleOf: 2, wanted: { height: 2000, width: 3000 }, goals: [] },
    { budget: 33.3, multipleOf: 16, wanted: { height: 600, width: 5000 }, goals: ["least-likely"] },
  ] as const)("%o fits, and one multiple, or 8 pixels, more does not", ({ budget, multipleOf, wanted, goals }) => {
    const { segmenter, cache, fits } = segmenterOf(budget * MIB, { input: { multipleOf } });
    const size = largestFit({ segmenter, cache }, wanted, named(goals))!;
    expect(fits(size, goals)).toBe(true);
    const longer = Math.max(size.height, size.width);
    const scale = (longer + Math.max(multipleOf, 8)) / Math.max(wanted.height, wanted.width);
    const nearest = (v: number) => Math.round((v * scale) / multipleOf) * multipleOf;
    expect(fits({ height: nearest(wanted.height), width: nearest(wanted.width) }, goals)).toBe(false);
    expect([size.height % multipleOf, size.width % multipleOf]).toEqual([0, 0]);
    const aspect = size.width / size.height / (wanted.width / wanted.height);
    expect(Math.abs(aspect - 1)).toBeLessThan(multipleOf / Math.min(size.height, size.width));
  });

  it("is all that is wanted where that fits, and nothing where nothing does", () => {
    const roomy = segmenterOf(500 * MIB);
    expect(largestFit(roomy, { height: 120, width: 200 }, [given])).toEqual({
      height: 120,
      width: 200,
    });
    const none = segmenterOf(10 * MIB);
    expect(largestFit(none, { height: 120, width: 200 }, [given])).toBeNull();
  });

  it("of a network that sees tiles is larger than a tile, and none that it takes", () => {
    const wanted = { height: 600, width: 800 };
    const input = { fit: "tile", height: 64, width: 96, overlap: 8 } as const;
    const { segmenter, cache, fits } = segmenterOf(20 * MIB, { input });
    const size = largestFit({ segmenter, cache }, wanted, [])!;
    expect(size.width).toBeGreaterThan(96);
    expect(size.width / size.height).toBeCloseTo(4 / 3, 1);
    expect([fits(size, []), fits(wanted, [])]).toEqual([true, false]);
  });

  it.each([
    { budget: 18, input: { fit: "tile", height: 48, width: 64, overlap: 8, multipleOf: 8 }, goals: ["given"] },
    {
      budget: 18.5,
      input: { fit: "tile", height: 64, width: 48, overlap: 16, multipleOf: 8 },
      goals: ["least-likely"],
    },
    { budget: 18, input: { fit: "pad", multipleOf: 8 }, goals: ["given", "least-likely"] },
    { budget: 18, input: { multipleOf: 16 }, goals: ["given"] },
  ] as const)("is the one that trying every size finds: %o", ({ budget, input, goals }) => {
    const wanted = { height: 300, width: 400 };
    const { segmenter, cache, fits } = segmenterOf(budget * MIB, { input });
    const sizes = Array.from({ length: wanted.width / input.multipleOf }, (_, i) => {
      const scale = ((i + 1) * input.multipleOf) / wanted.width;
      return nativeSize(segmenter.manifest, { height: wanted.height * scale, width: wanted.width * scale });
    });
    const fitting = sizes.filter((size) => fits(size, goals));
    expect(fitting).toEqual(sizes.slice(0, fitting.length));
    expect([0, sizes.length]).not.toContain(fitting.length);
    expect(largestFit({ segmenter, cache }, wanted, named(goals))).toEqual(fitting.at(-1));
  });

  it("of a network of fixed size is that size, or nothing", () => {
    const input = { height: 64, width: 96 };
    const wanted = { height: 1000, width: 1000 };
    const fits = segmenterOf(64 * MIB, { input });
    expect(largestFit(fits, wanted, [given])).toEqual(input);
    const not = segmenterOf(10 * MIB, { input });
    expect(largestFit(not, wanted, [given])).toBeNull();
  });

  it.each([{}, { attack: "ifgsm-ii" }, { targeted: { kind: "class", class: 1 } }] as const)(
    "is what the service tells, and takes: %o",
    async (choice) => {
      const service = serviceOf([tiny], { budgetBytes: 17 * MIB });
      const attack = ({ height, width }: Size) => {
        const image = encodePng(noiseImage(height, width));
        return service.attack({ spec: { ...spec, ...choice, steps: 1 }, image, outputs: [] }, {});
      };
      const failure = await failureOf(attack({ height: 900, width: 1200 }));
      if (failure.kind !== "memory-exceeded" || !failure.largestFit) throw new Error(JSON.stringify(failure));
      const { width, height } = await attack(failure.largestFit);
      expect({ width, height }).toEqual(failure.largestFit);
    },
  );
});
