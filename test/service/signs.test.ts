/** The signs that answers of /v1/attack and /v1/robustness carry, on networks of which it is known what they must show. */

import { expect, it } from "vitest";
import type { RobustnessSpec } from "../../src/contract/robustness.ts";
import { encodePng } from "../../src/image/encode.ts";
import { noiseImage } from "../support/networks/image.ts";
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

it("an attack says what one attack leaves open, and where to get it", async () => {
  const { unchecked } = await attacked({});
  expect(unchecked.kinds).toContain("gradient-free-stronger");
  expect(unchecked.detail).toContain("/v1/audit");
});

const queried = (model: string): RobustnessSpec => ({
  ...grid,
  model,
  attacks: [
    { attack: "ifgsm", steps: 40 },
    { attack: "square", steps: 200 },
  ],
  epsilons: [16],
  alpha: undefined,
});

it("a grid is flagged where an attack without gradients does more than one with them", async () => {
  const run = (model: string) => service.robustness({ spec: queried(model), image: imagePng }, {});
  const [plain, blind] = [await run("tiny"), await run("masked")];
  const kinds = ({ signs }: typeof plain) => signs.map(({ kind }) => kind);
  expect(kinds(plain)).not.toContain("gradient-zero");
  expect(plain.curve.map(({ flags }) => flags)).toEqual([[], []]);
  expect(kinds(blind)).toEqual(["gradient-zero", "saturated", "gradient-free-stronger", "few-pixels"]);
  const [ifgsm, square] = blind.curve;
  expect(ifgsm?.flags).toMatchObject([
    { kind: "gradient-free-stronger", by: { attack: "square", epsilon: 16, iouRatio: square?.float.iouRatio } },
  ]);
  expect(square?.flags).toEqual([]);
});

it("a grid says where its strongest attack's steps were too few", async () => {
  const run = async (own: object) => {
    const spec = { ...grid, attacks: [{ attack: "ifgsm", ...own } as const], epsilons: [8], alpha: undefined };
    return service.robustness({ spec, image: imagePng }, {});
  };
  const few = await run({ steps: 6, alpha: 0.75 });
  expect(few.curve[0]?.signs.map(({ kind }) => kind)).toEqual(["loss-still-moving"]);
  expect(few.signs[0]?.detail).toMatch(/^ifgsm at ε = 8: .* of the 6 steps/);
  const enough = await run({ steps: 200, alpha: 0.5 });
  expect([enough.curve[0]?.signs, enough.signs]).toEqual([[], []]);
});

it("several images are flagged by what is pooled over them, and are not called unbroken then", async () => {
  const pictures = [imagePng, encodePng(noiseImage(12, 16, 6))].map((image) => ({ image }));
  const run = (model: string) =>
    service.robustnessOfSet({ spec: { ...queried(model), threshold: 0.01 }, pictures }, {});
  const [plain, blind] = [await run("tiny"), await run("masked")];
  expect(plain.signs).toEqual([]);
  expect(blind.signs.map(({ kind }) => kind)).toEqual(["gradient-free-stronger"]);
  expect(blind.curve.map(({ flags }) => flags.map(({ by }) => by.attack))).toEqual([["square"], []]);
  expect(blind.verdict).not.toBe("not-broken");
});
