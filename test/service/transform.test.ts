/** Transformations that a request asks for, and those of a model. */

import { describe, expect, it } from "vitest";
import type { AttackSpec } from "../../src/contract/attack.ts";
import { FaultlineError } from "../../src/contract/failure.ts";
import { transformEntry } from "../../src/transforms/catalogue.ts";
import type { TransformSpec } from "../../src/transforms/pipeline.ts";
import { readNpy } from "../segmenter/npy.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { grid, imagePng, serviceOf, spec, tiny } from "./tiny-service.ts";

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
    expect((await own.segment({ model: "tiny", image: imagePng })).labels).not.toEqual(
      (await service.segment({ model: "tiny", image: imagePng })).labels,
    );
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
