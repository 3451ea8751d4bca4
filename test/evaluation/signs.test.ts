/** Signs of weak attacks: courses and curves whose verdict is known. */

import { describe, expect, it } from "vitest";
import { lossSigns, maskingSigns, orderSigns, startSigns } from "../../src/evaluation/signs.ts";

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

  it("of stages is judged at the end of the last one, by the change of the whole", () => {
    // It falls where a stage starts within a smaller ball.
    const earlier = [0, 4, 8, 4];
    const rising = [5, 6, 7, 8, 9, 10];
    expect(lossSigns([...earlier, ...rising], rising.length)).toMatchObject([{ values: { lateShare: 0.2, steps: 6 } }]);
    expect(lossSigns([...earlier, ...rising], rising.length)[0]?.detail).toContain("of its last stage");
    expect(lossSigns([...earlier, 5, 8, 9, 9.5, 9.5, 9.5], 6)).toEqual([]);
    expect(lossSigns([...earlier, ...rising], 4)).toEqual([]);
  });
});

it("a random start that leaves less than the image itself is a sign, beyond noise", () => {
  expect(startSigns({ clean: 0.3, random: [0.4, 0.29] })).toEqual([]);
  const [sign] = startSigns({ clean: 0.3, random: [0.4, 0.1] });
  expect(sign).toMatchObject({ kind: "random-start-stronger", values: { cleanStart: 0.3, randomStart: 0.1 } });
  expect(sign?.detail).toMatch(/best of 2 random starts the attack leaves 10\.0 % .* itself 30\.0 %/);
});

it("zero gradients and saturated confidence are signs from half, and from 0.999 on", () => {
  const kinds = (zeroGradientShare: number, confidence: number) =>
    maskingSigns({ zeroGradientShare, confidence }).map(({ kind }) => kind);
  expect(kinds(0.49, 0.998)).toEqual([]);
  expect(kinds(0.5, 0.9)).toEqual(["gradient-zero"]);
  expect(kinds(0, 0.9995)).toEqual(["saturated"]);
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
