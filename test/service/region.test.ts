/** Attacks on a region of an image: hidden, or swapped for a class. */

import { describe, expect, it } from "vitest";
import type { AttackSpec } from "../../src/contract/attack.ts";
import { filledRegion, regionOf, swappedLabels } from "../../src/evaluation/region.ts";
import type { RegionTarget } from "../../src/evaluation/targeted.ts";
import { boxRegion } from "../../src/evaluation/shapes.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { spatialSize, tensor } from "../../src/tensor.ts";
import { noiseLabels } from "../support/networks/image.ts";
import { readNpy } from "../segmenter/npy.ts";
import { failureOf, image, imagePng, pngOf, serviceOf, spec, tiny } from "./tiny-service.ts";

const service = serviceOf();
const segmenter = createSegmenter(openNetwork(tiny.manifest, tiny.bytes), new SessionCache(startWasm(), 2 ** 28));
const { labels: clean } = await segmenter.predict(image);
const strong = { attack: "ifgsm", epsilon: 30, alpha: 2, steps: 20 } as const;

const attack = async (
  targeted: AttackSpec["targeted"],
  parts: { labels?: Uint8Array; target?: Uint8Array } = {},
  changes: Partial<AttackSpec> = {},
) => {
  const outputs = ["adversarial-npy"] as const;
  const request = { spec: { ...spec, ...strong, targeted, ...changes }, image: imagePng, outputs, ...parts };
  const result = await service.attack(request, {});
  return { ...result, adversarial: readNpy(result.images["adversarial-npy"]!.data).data };
};

const present = clean.data[0]!;
const nameOf = (index: number): string => tiny.manifest.classes[index]!.name;

describe("a region", () => {
  it("of a class is hidden as by the label map that its surroundings make", async () => {
    const map = pngOf(filledRegion(clean, regionOf(clean, [present])));
    const [hidden, mapped] = [
      await attack({ kind: "hide", classes: [nameOf(present)] }),
      await attack({ kind: "map" }, { target: map }),
    ];
    expect(hidden.adversarial).toEqual(mapped.adversarial);
    expect(hidden.evaluations).toEqual(mapped.evaluations);
    const pixels = clean.data.filter((label) => label === present).length;
    expect(hidden.region).toMatchObject({ pixels, clean: { reached: 0, kept: 1 } });
    const wanted = filledRegion(clean, regionOf(clean, [present])).data;
    const after = (await segmenter.predict(tensor("float32", image.shape, Float32Array.from(hidden.adversarial))))
      .labels;
    const reached = clean.data.filter((label, i) => label === present && after.data[i] === wanted[i]).length;
    expect(reached).toBeGreaterThan(0);
    expect(hidden.region!.float.reached).toBe(reached / pixels);
    expect(hidden.receipt.spec.targeted).toEqual({ kind: "hide", classes: [nameOf(present)] });
    expect(mapped.region).toBeUndefined();
  });

  it("is swapped for a class, by names or by indices", async () => {
    const to = (present + 1) % 4;
    const map = pngOf(swappedLabels(clean, present, to));
    const expected = (await attack({ kind: "map" }, { target: map })).adversarial;
    for (const targeted of [
      { kind: "swap", classes: [present], to: nameOf(to) },
      { kind: "swap", classes: [nameOf(present)], to },
    ] as const)
      expect((await attack(targeted)).adversarial).toEqual(expected);
  });

  it("is a box, a polygon or a mask; and free elsewhere, its surroundings may change", async () => {
    const box = [3, 2, 6, 5] as const;
    const region = boxRegion(spatialSize(clean), box);
    const mask = encodeLabels(
      tensor(
        "uint8",
        region.shape,
        region.data.map((v) => 255 * v),
      ),
      [],
    );
    const polygon = [
      [3, 2],
      [9, 2],
      [9, 7],
      [3, 7],
    ] as const;
    const [boxed, drawn, masked, free] = [
      await attack({ kind: "swap", box, to: 1 }),
      await attack({ kind: "swap", polygon, to: 1 }),
      await attack({ kind: "swap", mask: true, to: 1 }, { target: mask }),
      await attack({ kind: "swap", box, to: 1, outside: "free" }),
    ];
    expect(boxed.region!.pixels).toBe(30);
    expect(drawn.adversarial).toEqual(boxed.adversarial);
    expect(masked.adversarial).toEqual(boxed.adversarial);
    expect(masked.warnings).toEqual([]);
    expect(free.region!.float.reached).toBeGreaterThanOrEqual(boxed.region!.float.reached!);
    expect(free.region!.float.kept).toBeLessThan(boxed.region!.float.kept!);
  });

  it("is where the ground truth has its class, where that is what the attack leaves", async () => {
    const truth = noiseLabels(12, 16, 4, 8, true);
    const { region } = await attack(
      { kind: "hide", classes: [2] },
      { labels: pngOf(truth) },
      { label: "ground-truth" },
    );
    expect(region!.pixels).toBe(truth.data.filter((label) => label === 2).length);
  });

  it.each<[RegionTarget, string, RegExp]>([
    [{ kind: "hide", classes: ["bus"] }, "/spec/targeted/classes/0", /no class "bus"; there are 0 /],
    [{ kind: "swap", classes: [0], to: 9 }, "/spec/targeted/to", /no class 9/],
    [{ kind: "hide", box: [99, 99, 3, 3] }, "/spec/targeted", /no pixel of the image/],
    [{ kind: "hide", box: [0, 0, 99, 99] }, "/spec/targeted", /nothing outside/],
  ])("%o is refused at %s", async (targeted, pointer, detail) => {
    const failure = await failureOf(attack(targeted));
    expect(failure).toMatchObject({
      kind: "invalid-spec",
      errors: [{ pointer, detail: expect.stringMatching(detail) as unknown }],
    });
  });
});
