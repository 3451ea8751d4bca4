/** Scores of certified labels, by hand. */

import { expect, it } from "vitest";
import { treeOf } from "../../src/certify/hierarchy.ts";
import { certifiedCounts, certifiedScores, mergeCertified, outcomesOf } from "../../src/certify/scores.ts";
import { ABSTAINED } from "../../src/certify/smoothing.ts";
import { tensor } from "../../src/tensor.ts";

const map = (...labels: number[]) => tensor("uint8", [1, labels.length], Uint8Array.from(labels));
const labels = map(0, 0, 1, ABSTAINED, ABSTAINED, 1);
const reference = map(0, 1, 1, 1, 255, 0);

it("an abstained pixel is wrong, and void is left out", () => {
  const counts = certifiedCounts(labels, reference, treeOf(2));
  expect([counts.pixels, counts.abstained]).toEqual([5, 1]);
  const scores = certifiedScores(counts);
  // Class 0: 1 / (2 present + 1 false); class 1: 1 / (3 present + 1 false).
  expect(scores.iou).toEqual([1 / 3, 1 / 4]);
  expect(scores.miou).toBeCloseTo(7 / 24, 12);
  expect([scores.certifiedAccuracy, scores.abstainedShare]).toEqual([0.4, 0.2]);
  expect(scores.wrongShare).toBeCloseTo(0.4, 12);
});

it("pools by counts", () => {
  const counts = certifiedCounts(labels, reference, treeOf(2));
  const twice = mergeCertified(counts, counts);
  expect([twice.pixels, twice.abstained]).toEqual([10, 2]);
  expect(certifiedScores(twice).miou).toBeCloseTo(7 / 24, 12);
});

it("is null where every pixel is void", () => {
  const scores = certifiedScores(certifiedCounts(map(0), map(255), treeOf(2)));
  expect([scores.certifiedAccuracy, scores.abstainedShare, scores.wrongShare]).toEqual([null, null, null]);
});

it("maps what became of each pixel", () => {
  expect([...outcomesOf(labels, reference, treeOf(2)).data]).toEqual([0, 1, 0, 2, 255, 1]);
});
