/** Transformations that a request asks for, and those of a model. */

import { describe, expect, it } from "vitest";
import type { AttackSpec } from "../../src/contract/attack.ts";
import { FaultlineError } from "../../src/contract/failure.ts";
import type { SegmentRequest } from "../../src/contract/segment.ts";
import { transformEntry } from "../../src/transforms/catalogue.ts";
import type { TransformSpec } from "../../src/transforms/pipeline.ts";
import { readNpy } from "../segmenter/npy.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { grid, image, imagePng, serviceOf, spec, tiny } from "./tiny-service.ts";

const blur = [{ name: "blur", sigma: 1.5 }] as const;
const service = serviceOf();
const own = serviceOf([tinyFile({ activation: "Tanh" }, { transform: [...blur] })]);

const attack = async (changes: Partial<AttackSpec>, from = service) => {
  const outputs = ["adversarial-npy"] as const;
  const result = await from.attack({ spec: { ...spec, ...changes }, image: imagePng, outputs }, {});
  return { ...result, adversarial: readNpy(result.images["adversarial-npy"]!.data).data };
};

const failureOf = async (run: Promise<unknown>) => {
  const cause = await run.then(
    () => null,
    (e: unknown) => e,
  );
  expect(cause).toBeInstanceOf(FaultlineError);
  return (cause as FaultlineError).failure;
};

describe("transformations", () => {
  it("stand before predictions and gradients, and make another image; a naive attack's is the network's own", async () => {
    const [plain, through, naive] = [
      await attack({}),
      await attack({ transform: blur }),
      await attack({ transform: blur, through: "naive" }),
    ];
    expect(through.adversarial).not.toEqual(plain.adversarial);
    expect(naive.scores.float.pixelAccuracy.adversarial).toBeGreaterThan(
      through.scores.float.pixelAccuracy.adversarial!,
    );
    const [{ name, ...options }] = through.receipt.spec.transform as [TransformSpec];
    expect([name, options["sigma"]]).toEqual(["blur", 1.5]);
    expect(Object.keys(options).toSorted()).toEqual(Object.keys(transformEntry("blur").options).toSorted());
    expect(through.receipt.spec).toMatchObject({ through: "differentiable", draws: 1 });
    expect(plain.receipt.spec.transform).toBeUndefined();
  });

  it("of the model hold unless the request names others, or none", async () => {
    const [implied, none] = [await attack({}, own), await attack({ transform: "none" }, own)];
    expect(implied.adversarial).toEqual((await attack({ transform: blur })).adversarial);
    expect(none.adversarial).toEqual((await attack({})).adversarial);
    const naive = await attack({ through: "naive" }, own);
    expect(naive.adversarial).toEqual((await attack({ transform: blur, through: "naive" })).adversarial);
  });

  it("are stated in the receipt, which gives the same answer when it is sent again", async () => {
    const jittered = { transform: [{ name: "resize" }, { name: "noise" }] as const, draws: 2 };
    for (const [changes, from] of [
      [jittered, service],
      [{}, own],
    ] as const) {
      const first = await attack(changes, from);
      const again = await attack(first.receipt.spec as AttackSpec, from);
      expect(again.adversarial).toEqual(first.adversarial);
      expect(again.receipt.spec).toEqual(first.receipt.spec);
    }
  });

  it("are drawn from the request's seed", async () => {
    const noise = { transform: [{ name: "noise", sigma: 30 }] as const, draws: 2 };
    const [one, again, other] = [
      await attack({ ...noise, seed: 1 }),
      await attack({ ...noise, seed: 1 }),
      await attack({ ...noise, seed: 2 }),
    ];
    expect(again.adversarial).toEqual(one.adversarial);
    expect(again.scores).toEqual(one.scores);
    expect(other.adversarial).not.toEqual(one.adversarial);
  });

  it("that are random are scored in trials, the first with the draws of the scores, and only then", async () => {
    const noise = { transform: [{ name: "noise", sigma: 30 }], epsilon: 2.5, steps: 2, seed: 4 } as const;
    const { scores, trials, receipt, evaluations } = await attack({ ...noise, trials: 3 });
    expect(receipt.spec.trials).toBe(3);
    for (const form of ["float", "uint8"] as const) {
      expect(trials![form].trials.map(({ seed }) => seed)).toEqual([4, 5, 6]);
      expect(trials![form].trials[0]!.iouRatio).toBe(scores[form].iouRatio);
      expect(trials![form].iouRatio!.twoDeviations).toBeGreaterThan(0);
    }
    const without = await attack(noise);
    expect(without.trials).toBeUndefined();
    // In each of three trials the clean image and the adversarial one, which is its own 8-bit form.
    expect(evaluations).toEqual({ ...without.evaluations, forward: without.evaluations.forward + 6 });
    for (const changes of [{ transform: blur, trials: 3 }, { trials: 3 }])
      expect(await failureOf(attack(changes))).toMatchObject({ errors: [{ pointer: "/spec/trials" }] });
    // Two steps, and three predictions in each of nine trials.
    const pixels = image.shape[1]! * image.shape[2]!;
    const [enough, tooFew] = [29, 28].map((runs) => serviceOf([tiny], { maxWork: pixels * runs }));
    expect((await attack({ ...noise, trials: 9 }, enough)).trials!.float.trials).toHaveLength(9);
    expect(await failureOf(attack({ ...noise, trials: 9 }, tooFew))).toMatchObject({ kind: "work-exceeded" });
  });

  it("are before the network of a grid too", async () => {
    const ratios = async (changes: object) =>
      (await service.robustness({ spec: { ...grid, ...changes }, image: imagePng }, {})).curve.map(
        ({ float }) => float.iouRatio,
      );
    expect(await ratios({ transform: blur })).not.toEqual(await ratios({}));
  });

  it("are in what is told of a model", async () => {
    expect((await own.model("tiny")).transform).toEqual(blur);
    expect((await service.model("tiny")).transform).toBeUndefined();
  });

  it("are before the labels of an image too, and are stated with them", async () => {
    const segment = (changes: Partial<SegmentRequest>, from = service) =>
      from.segment({ model: "tiny", image: imagePng, ...changes });
    const [plain, blurred, implied] = [await segment({}), await segment({ transform: blur }), await segment({}, own)];
    expect(blurred.labels).not.toEqual(plain.labels);
    expect(implied.labels).toEqual(blurred.labels);
    expect((await segment({ transform: "none" }, own)).labels).toEqual(plain.labels);
    expect([plain.transform, blurred.transform]).toEqual([undefined, [expect.objectContaining(blur[0])]]);
    const noisy = async (seed: number) =>
      (await segment({ transform: [{ name: "noise", sigma: 60 }], seed })).confidence.mean;
    expect(await noisy(1)).toBe(await noisy(1));
    expect(await noisy(2)).not.toBe(await noisy(1));
    expect(await failureOf(segment({ transform: [{ name: "blur", sigma: -1 }] }))).toMatchObject({
      errors: [{ pointer: "/spec/transform/0/sigma" }],
    });
  });

  it.each<[Partial<AttackSpec>, string]>([
    [{ transform: [{ name: "blur", sigma: [2, 1] }] }, "/spec/transform/0/sigma"],
    [{ transform: [] }, "/spec/transform"],
    [{ through: "bpda" }, "/spec/through"],
    [{ draws: 4 }, "/spec/draws"],
    [{ transform: "none", draws: 4 }, "/spec/draws"],
  ])("%o are refused at %s", async (changes, pointer) => {
    expect(await failureOf(attack(changes))).toMatchObject({ kind: "invalid-spec", errors: [{ pointer }] });
  });

  it("count for memory", async () => {
    const small = serviceOf([tiny], { budgetBytes: 24 * 2 ** 20 });
    expect((await attack({}, small)).adversarial.length).toBeGreaterThan(0);
    const failure = await failureOf(attack({ transform: [{ name: "pad", border: 64 }] }, small));
    expect(failure.kind).toBe("memory-exceeded");
  });
});
