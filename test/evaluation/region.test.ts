/** Targets and weights of regions, the filled ones against brute force. */

import { describe, expect, it } from "vitest";
import { classWeights, filledRegion, regionOf, regionWeights, swappedLabels } from "../../src/evaluation/region.ts";
import { integer, random } from "../../src/random.ts";
import { tensorOf, type Tensor } from "../../src/tensor.ts";

const labelsOf = (height: number, width: number, values: readonly number[]): Tensor<"uint8"> =>
  tensorOf("uint8", [height, width], values);

/** Squared distance from a pixel to the nearest one outside with a label, and the labels at that distance. */
const nearest = (labels: Tensor<"uint8">, region: Tensor<"uint8">, at: number): ReadonlySet<number> => {
  const width = labels.shape[1]!;
  let best = Infinity;
  let found = new Set<number>();
  labels.data.forEach((label, i) => {
    if (region.data[i] !== 0 || label === 255) return;
    const square = (Math.floor(i / width) - Math.floor(at / width)) ** 2 + ((i % width) - (at % width)) ** 2;
    if (square < best) [best, found] = [square, new Set()];
    if (square === best) found.add(label);
  });
  return found;
};

describe("a filled region", () => {
  it.each([
    [1, 1, 9],
    [9, 1, 2],
    [7, 11, 3],
    [16, 5, 4],
    [13, 13, 5],
  ])("of [%d,%d] has the label of the nearest pixel outside that is not void", (height, width, seed) => {
    const next = random(seed);
    const size = height * width;
    const values = Array.from({ length: size }, () => [0, 1, 2, 3, 255][integer(next, 0, 4)]!);
    const labels = labelsOf(height, width, values);
    const density = 0.3 + 0.6 * next();
    const inside = Array.from({ length: size }, () => Number(next() < density));
    const region = labelsOf(height, width, inside.with(0, 0));
    const known = labelsOf(height, width, values.with(0, 2));
    const filled = filledRegion(known, region);
    for (let i = 0; i < size; i++) {
      const allowed = region.data[i] === 0 ? new Set([known.data[i]!]) : nearest(known, region, i);
      expect([i, allowed.has(filled.data[i]!)]).toEqual([i, true]);
    }
    expect(labels.data).toEqual(Uint8Array.from(values));
  });

  it("is drawn by hand: a person hidden before road and sky", () => {
    const labels = labelsOf(4, 3, [1, 1, 1, 1, 9, 1, 0, 9, 0, 0, 9, 0]);
    expect(Array.from(filledRegion(labels, regionOf(labels, [9])).data)).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  });

  it("is refused where nothing is left to fill it with, and where sizes differ", () => {
    const all = labelsOf(2, 2, [3, 3, 255, 3]);
    expect(() => filledRegion(all, regionOf(all, [3]))).toThrow(/nothing outside the region has a label/);
    expect(() => filledRegion(all, labelsOf(1, 4, [0, 0, 1, 1]))).toThrow(/region is \[1, 4\].*labels are \[2, 2\]/);
  });
});

it("one class is swapped for another, and no other label moves", () => {
  expect(Array.from(swappedLabels(labelsOf(2, 2, [3, 1, 255, 3]), 3, 7).data)).toEqual([7, 1, 255, 7]);
});

it("weights are those of the region, or of each label's class", () => {
  const labels = labelsOf(2, 2, [3, 1, 255, 3]);
  const region = regionOf(labels, [3, 1]);
  expect(Array.from(region.data)).toEqual([1, 1, 0, 1]);
  expect(regionWeights(region)).toEqual(tensorOf("float32", [1, 2, 2], [1, 1, 0, 1]));
  expect(regionWeights(region, 0.75, 0.25).data).toEqual(Float32Array.of(0.75, 0.75, 0.25, 0.75));
  expect(classWeights(labels, [9, 0.5, 9, 2]).data).toEqual(Float32Array.of(2, 0.5, 0, 2));
});
