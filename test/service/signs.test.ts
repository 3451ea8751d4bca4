/** The signs that answers of /v1/attack and /v1/robustness carry, on networks of which it is known what they must show. */

import { expect, it } from "vitest";
import { tinyFile } from "../support/networks/tiny.ts";
import { grid, imagePng, serviceOf, spec, tiny } from "./tiny-service.ts";

/** Its logits are scaled so that cross-entropy is saturated at every pixel and has no gradient. */
const masked = tinyFile({ activation: "Tanh", head: (op, z) => op.Mul(z, op.constant(1e5)) }, { name: "masked" });
const service = serviceOf([tiny, masked]);
const attacked = (changes: object) =>
  service.attack({ spec: { ...spec, ...changes }, image: imagePng, outputs: [] }, {});

it("an attack says what it took, and where its steps were too few", async () => {
  const few = await attacked({ steps: 6, alpha: 0.75 });
  // The clean prediction, the steps, and the image after them as floats and as 8 bits.
  expect(few.evaluations).toEqual({ forward: 9, backward: 6 });
  expect(few.signs.map(({ kind }) => kind)).toEqual(["loss-still-moving"]);
  expect(few.signs[0]?.detail).toMatch(/% of the loss's change came in the last fifth of the 6 steps/);
  expect((await attacked({ epsilon: 2, steps: 40, alpha: 0.5 })).signs).toEqual([]);
});

it("a masked gradient is a sign, with its numbers", async () => {
  const { signs, masking } = await attacked({ model: "masked" });
  expect(signs.map(({ kind }) => kind)).toEqual(["gradient-zero", "saturated"]);
  expect(signs[0]?.values).toEqual({ zeroGradientShare: masking.zeroGradientShare });
});

it("a grid is flagged where an attack without gradients does more than one with them", async () => {
  const run = (model: string) =>
    service.robustness(
      { spec: { ...grid, model, attacks: ["fgsm", "square"], epsilons: [16], alpha: undefined }, image: imagePng },
      {},
    );
  const kinds = async (model: string) => (await run(model)).signs.map(({ kind }) => kind);
  expect(await kinds("tiny")).not.toContain("gradient-zero");
  expect(await kinds("masked")).toEqual(["gradient-zero", "saturated", "gradient-free-stronger"]);
});
