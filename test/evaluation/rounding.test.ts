import { expect, it } from "vitest";
import { roundingFault } from "../../src/evaluation/rounding.ts";

const fault = (iouRatios: readonly [number | null, number | null], l0: readonly [number, number] = [9, 9]) =>
  roundingFault({
    scores: { float: { iouRatio: iouRatios[0] }, uint8: { iouRatio: iouRatios[1] } },
    perturbation: { float: { l0: l0[0] }, uint8: { l0: l0[1] } },
  });

it("is found where the 8-bit image is the clean one, or leaves a ratio higher by more than 0.02", () => {
  expect(fault([0.3, 1], [9, 0])).toMatch(/^rounding to 8 bits undoes the attack: the 8-bit image is the clean one$/);
  expect(fault([null, null], [9, 0])).toMatch(/is the clean one$/);
  expect(fault([0.3, 0.45])).toMatch(/undoes part of the attack: .* an IoU ratio of 0\.300, the 8-bit one 0\.450$/);
});

it("is none where both do alike, the 8-bit image does more, there is no ratio, or nothing was changed", () => {
  expect([fault([0.3, 0.319]), fault([0.3, 0.1]), fault([null, 0.5]), fault([1, 1], [0, 0])]).toEqual([
    null,
    null,
    null,
    null,
  ]);
});
