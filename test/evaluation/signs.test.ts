/** Signs of weak attacks: courses and curves whose verdict is known. */

import { describe, expect, it } from "vitest";
import { curveSigns, lossSigns, maskingSigns, orderSigns } from "../../src/evaluation/signs.ts";

const steps = Array.from({ length: 20 }, (_, i) => i);

describe("a loss", () => {
  it("that rises or falls evenly still moves: of 19 differences the last 4", () => {
    for (const direction of [1, -1]) {
      const [sign] = lossSigns(steps.map((i) => 3 + direction * i));
      expect(sign).toMatchObject({ kind: "loss-still-moving", values: { steps: 20 } });
      expect(sign?.values["lateShare"]).toBeCloseTo(4 / 19, 12);
    }
  });

  it("that has settled, turned back, never moved or had no time shows nothing", () => {
    expect(lossSigns(steps.map((i) => 1 - 0.5 ** i))).toEqual([]);
    expect(lossSigns(steps.map((i) => Math.sin((2 * i) / 19)))).toEqual([]);
    expect(lossSigns(steps.map(() => 2))).toEqual([]);
    expect(lossSigns([1, 2, 3, 4])).toEqual([]);
  });
});

it("zero gradients and saturated confidence are signs from half, and from 0.999 on", () => {
  const kinds = (zeroGradientShare: number, confidence: number) =>
    maskingSigns({ zeroGradientShare, confidence }).map(({ kind }) => kind);
  expect(kinds(0.49, 0.998)).toEqual([]);
  expect(kinds(0.5, 0.9)).toEqual(["gradient-zero"]);
  expect(kinds(0, 0.9995)).toEqual(["saturated"]);
});

it("a larger ε that hurts less is found in the curve of its attack, beyond noise", () => {
  const curve = (attack: string, ratios: readonly (number | null)[]) =>
    ratios.map((iouRatio, i) => ({ attack, epsilon: 2 ** i, iouRatio }));
  expect(curveSigns([...curve("a", [0.9, 0.5, 0.51, 0.2]), ...curve("b", [0.1, null])])).toEqual([]);
  // Where one attack ends and another begins is no comparison.
  expect(curveSigns([...curve("a", [0.5, 0.1]), ...curve("b", [0.9, 0.8])])).toEqual([]);
  const [sign, ...others] = curveSigns([...curve("a", [0.9, 0.5, 0.2]), ...curve("b", [0.9, 0.4, 0.6])]);
  expect(others).toEqual([]);
  expect(sign).toMatchObject({
    kind: "larger-epsilon-weaker",
    attack: "b",
    values: { smallerEpsilon: 2, smallerIouRatio: 0.4, largerEpsilon: 4, largerIouRatio: 0.6 },
  });
});

it("an order is broken where the one that ought to be weaker does more, beyond noise", () => {
  const order = (stronger: number | null, weaker: number | null) =>
    orderSigns("weak-attack-stronger", { name: "S", iouRatio: stronger }, { name: "W", iouRatio: weaker }, "why");
  expect([order(0.2, 0.3), order(0.31, 0.3), order(null, 0.3)].flat()).toEqual([]);
  expect(order(0.4, 0.3)).toEqual([
    {
      kind: "weak-attack-stronger",
      values: { expectedStronger: 0.4, expectedWeaker: 0.3 },
      detail: "W leaves an IoU ratio of 0.300, S one of 0.400: why.",
    },
  ]);
});
