import { describe, expect, test } from "vitest";
import { roundWithinL2, roundWithinLinf } from "../../src/image/round-within.ts";
import { random } from "../../src/random.ts";
import { tensor } from "../../src/tensor.ts";

const of = (...values: number[]) => tensor("float32", [1, 1, values.length], Float32Array.from(values));

const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
};

describe("rounding within an L∞ ball", () => {
  test("takes the next integer that lies in it, and the nearest where none does", () => {
    const rounded = (adversarial: number[], centre: number[], radius: number) =>
      Array.from(roundWithinLinf(of(...adversarial), of(...centre), radius).data);
    expect(rounded([10.5, 9.5, 10.4], [10, 10, 10], 0.5)).toEqual([10, 10, 10]);
    expect(rounded([12.5, 7.5, 11.6], [10, 10, 10], 2.5)).toEqual([12, 8, 12]);
    expect(rounded([0, 255], [0.4, 254.8], 0.4)).toEqual([0, 255]);
    expect(rounded([10.7], [10.5], 0.2)).toEqual([11]);
  });

  test("gives the image itself where that holds whole grey levels within the ball, and leaves it as it is where not", () => {
    const whole = of(0, 7, 255);
    expect(roundWithinLinf(whole, of(1, 7, 254), 1)).toBe(whole);
    expect(Array.from(roundWithinLinf(whole, of(2, 7, 255), 1).data)).toEqual([1, 7, 255]);
    expect(Array.from(whole.data)).toEqual([0, 7, 255]);
  });
});

describe("rounding within an L2 ball", () => {
  const rounded = (adversarial: number[], centre: number[], radius: number) =>
    Array.from(roundWithinL2(of(...adversarial), of(...centre), radius).data);

  test("undoes the steps that cost least until it lies in the ball", () => {
    expect(rounded([10.6, 10.9, 9.4], [10, 10, 10], 1)).toEqual([10, 11, 10]);
    expect(rounded([12.6, 10.4], [10, 10], 2.65)).toEqual([12, 10]);
    // Which of equal costs is undone follows from their order.
    expect(rounded([10.6, 10.6, 10.6], [10, 10, 10], 1.5)).toEqual([10, 11, 11]);
    expect(rounded([10.5, 9.5, 10.5], [10, 10, 10], 0.9)).toEqual([10, 10, 10]);
    expect(rounded([0, 255], [10, 245], 20)).toEqual([0, 255]);
  });

  test("gives the image itself where that is whole and in the ball, and changes none that is not", () => {
    const whole = of(0, 7, 255);
    expect(roundWithinL2(whole, of(1, 7, 254), 1.5)).toBe(whole);
    expect(Array.from(roundWithinL2(whole, of(1, 7, 254), 1).data)).toEqual([1, 7, 255]);
    expect(Array.from(whole.data)).toEqual([0, 7, 255]);
  });

  test("takes the nearest integers where no 8-bit image lies in the ball, and refuses NaN", () => {
    expect(rounded([10.7, 10.7], [10.5, 10.5], 0.2)).toEqual([11, 11]);
    expect(() => rounded([Number.NaN], [0], 1)).toThrow(/NaN/);
  });

  /** All vectors of integers from 0 to 255 that are at most `reach` from the centre in each value. */
  const integersAround = (centre: readonly number[], reach: number): number[][] =>
    centre.reduce<number[][]>(
      (heads, c) => {
        const levels: number[] = [];
        for (let v = Math.max(0, Math.ceil(c - reach)); v <= Math.min(255, c + reach); v++) levels.push(v);
        return heads.flatMap((head) => levels.map((v) => [...head, v]));
      },
      [[]],
    );

  const randomCase = (uniform: () => number, isWhole: boolean) => {
    const centre = Array.from({ length: 4 }, () => {
      const c = uniform() < 0.5 ? 255 * uniform() : 3 * uniform();
      return Math.fround(isWhole ? Math.floor(c) : c);
    });
    const x = centre.map((c) => Math.min(255, Math.max(0, Math.fround(c + 4 * (uniform() - 0.5)))));
    return { centre, x, radius: (isWhole ? 0.2 : 1.1) + uniform() * distance(x, centre) };
  };

  test("lies in the ball, and no 8-bit image as near to the centre is nearer to the image, by brute force", () => {
    const uniform = random(3);
    let rounder = 0;
    for (let trial = 0; trial < 300; trial++) {
      const { centre, x, radius } = randomCase(uniform, trial % 3 > 0);
      const all = integersAround(centre, 4);
      const z = rounded(x, centre, radius);
      expect(z.every((v) => Number.isInteger(v) && v >= 0 && v <= 255)).toBe(true);
      const own = distance(z, centre);
      expect(own).toBeLessThanOrEqual(radius);
      const nearer = all.filter((v) => distance(v, centre) <= own && distance(v, x) < distance(z, x) - 1e-9);
      expect(nearer).toEqual([]);
      // The nearest integers where these lie in the ball.
      const nearest = x.map(Math.round);
      const isInside = distance(nearest, centre) <= radius;
      expect(distance(z, nearest) === 0).toBe(isInside);
      rounder += Number(!isInside);
      // Of round(c + t·(x − c)) none that lies in the ball is nearer to the image.
      const path = Array.from({ length: 401 }, (_, k) =>
        x.map((v, i) => Math.min(255, Math.max(0, Math.round(centre[i]! + (k / 400) * (v - centre[i]!))))),
      );
      const best = Math.min(...path.filter((v) => distance(v, centre) <= radius).map((v) => distance(v, x)));
      expect(distance(z, x)).toBeLessThanOrEqual(best + 1e-9);
    }
    expect(rounder).toBeGreaterThan(100);
  });

  test("holds on many values, and depends on nothing but them", () => {
    const uniform = random(5);
    const centre = Float32Array.from({ length: 30_000 }, () => Math.floor(256 * uniform()));
    const x = centre.map((c) => Math.min(255, Math.max(0, c + 2 * (uniform() - 0.5))));
    const [image, around] = [tensor("float32", [3, 100, 100], x), tensor("float32", [3, 100, 100], centre)];
    const reach = distance(x, centre);
    for (const share of [0.1, 0.5, 0.9, 1]) {
      const { data } = roundWithinL2(image, around, share * reach);
      expect(distance(data, centre)).toBeLessThanOrEqual(share * reach);
      // Nearest integers are too long at each; a further step of one value, from 0 to 1, would leave the ball.
      expect(distance(data, centre) ** 2).toBeGreaterThan((share * reach) ** 2 - 1);
      expect(roundWithinL2(image, around, share * reach).data).toEqual(data);
    }
  });
});
