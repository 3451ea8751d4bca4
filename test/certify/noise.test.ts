/** The noise is Gaussian: its distribution, its tail, its independence. */

import { expect, it } from "vitest";
import { addNoise } from "../../src/certify/noise.ts";
import { normalQuantile } from "../../src/certify/normal-quantile.ts";

const COUNT = 1_000_000;
const noise = addNoise(new Float32Array(COUNT), 1, 5);

/** P(|X| > 3.6541528853610088), where the ziggurat's tail begins, is 2.58e-4. */
const probabilities = [1e-5, 1e-4, 1.29e-4, 0.001, 0.01, 0.1, 0.3, 0.5, 0.6, 0.9, 0.99, 0.9999, 0.99999];

it.each(probabilities)("lies below the quantile of %d as often as that", (p) => {
  const quantile = normalQuantile(p);
  const below = noise.reduce((count, x) => count + (x < quantile ? 1 : 0), 0);
  expect(Math.abs(below - p * COUNT)).toBeLessThan(4.5 * Math.sqrt(COUNT * p * (1 - p)));
});

it("fills 256 bins of equal probability evenly: chi-squared with 255 degrees of freedom, 99.99 % below 347", () => {
  const edges = Float64Array.from({ length: 255 }, (_, i) => normalQuantile((i + 1) / 256));
  const bins = new Float64Array(256);
  for (const x of noise) {
    let [low, high] = [0, 255];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (edges[middle]! <= x) low = middle + 1;
      else high = middle;
    }
    bins[low]! += 1;
  }
  const expected = COUNT / 256;
  expect(bins.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)).toBeLessThan(347);
});

it("has neighbours, squares of neighbours and neighbouring seeds uncorrelated", () => {
  const other = addNoise(new Float32Array(COUNT), 1, 6);
  let [next, squares, seeds] = [0, 0, 0];
  for (let i = 1; i < COUNT; i++) {
    next += noise[i]! * noise[i - 1]!;
    squares += (noise[i]! ** 2 - 1) * (noise[i - 1]! ** 2 - 1);
    seeds += noise[i]! * other[i]!;
  }
  for (const sum of [next, squares / 2, seeds]) expect(Math.abs(sum / Math.sqrt(COUNT))).toBeLessThan(4.5);
});

it("is scaled, added, repeatable, and not changed by how many there are", () => {
  const image = Float32Array.from({ length: 5000 }, (_, i) => i % 256);
  const noisy = addNoise(image, 16, 5);
  const worst = noisy.reduce((most, x, i) => Math.max(most, Math.abs(x - image[i]! - 16 * noise[i]!)), 0);
  expect(worst).toBeLessThan(1e-4);
  expect(addNoise(image, 16, 5)).toEqual(noisy);
  expect(addNoise(image, 16, 7)).not.toEqual(noisy);
});
