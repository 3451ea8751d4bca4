/** The sums of the bootstrap against brute force, and the room that rows take. */

import { expect, test } from "vitest";
import { integer, random } from "../../src/random.ts";
import { weightedSums } from "../../src/report/weighted.ts";
import { study } from "../support/rows.ts";
import { storeOf } from "./reports.ts";

test.each([
  [1, 1],
  [3, 5],
  [4, 2],
])("%i columns under %i draws are summed as they are one by one", (width, draws) => {
  const next = random(width);
  const columns = Array.from({ length: width }, () =>
    Float64Array.from({ length: 7 }, () => integer(next, 0, 2 ** 32)),
  );
  const weights = Array.from({ length: draws }, () => Uint16Array.from({ length: 7 }, () => integer(next, 0, 4)));
  const expected = weights.flatMap((times) =>
    columns.map((column) => column.reduce((total, value, i) => total + times[i]! * value, 0)),
  );
  expect(Array.from(weightedSums(columns, weights))).toEqual(expected);
});

test.each([
  [false, 4],
  [true, 6],
])("rows with small objects: %s take %i counts a class, and no more", (small, counts) => {
  const classes = 11;
  const store = storeOf(study({ images: 320, classes, networks: ["alpha"], attacks: ["fgsm"], epsilons: [1], small }));
  for (const group of store.groups.values()) {
    const bytes = group.pages.reduce((total, { byteLength }) => total + byteLength, 0);
    expect(bytes).toBe(320 * counts * classes * 4);
  }
});
