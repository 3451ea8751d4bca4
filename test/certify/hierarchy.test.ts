/** Coarser classes: the choice and the scores against brute force, SegCertify as the case without groups, and the level α. */

import { array, assert, integer, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { upperTails } from "../../src/certify/binomial.ts";
import { chosenVertices, treeOf } from "../../src/certify/hierarchy.ts";
import { addNoise } from "../../src/certify/noise.ts";
import { certifiedCounts, certifiedScores, outcomesOf, vertexColours } from "../../src/certify/scores.ts";
import {
  ABSTAINED,
  certifiedRadius,
  certify,
  type Smoothing,
  type SmoothingState,
} from "../../src/certify/smoothing.ts";
import { random } from "../../src/random.ts";
import { groupsOf, HierarchyError, type Group } from "../../src/segmenter/hierarchy.ts";
import type { Image, Labels } from "../../src/segmenter/segmenter.ts";
import { tensor } from "../../src/tensor.ts";

const named = (...names: string[]) => names.map((name) => ({ name }));
const map = (labels: readonly number[]) => tensor("uint8", [1, labels.length], Uint8Array.from(labels));

/** Joins vertices that have no parent, two or three at a time, as the numbers say; never all that are left. */
const grown = (classes: number, joins: readonly (readonly number[])[]): Group[] => {
  const roots = Array.from({ length: classes }, (_, i) => i);
  const groups: Group[] = [];
  for (const [from, count] of joins as readonly (readonly [number, number])[]) {
    if (roots.length <= count) break;
    const of = roots.splice(from % (roots.length - count + 1), count);
    roots.push(classes + groups.length);
    groups.push({ name: `g${groups.length}`, of });
  }
  return groups;
};

/** The classes of each vertex by the definition, top down. */
const classesOf = (vertex: number, classes: number, groups: readonly Group[]): number[] =>
  vertex < classes ? [vertex] : groups[vertex - classes]!.of.flatMap((member) => classesOf(member, classes, groups));

const trees = record({
  classes: integer({ min: 2, max: 6 }),
  joins: array(
    record({ from: integer({ min: 0, max: 9 }), count: integer({ min: 2, max: 3 }) }).map(({ from, count }) => [
      from,
      count,
    ]),
    { maxLength: 4 },
  ),
  votes: array(integer({ min: 0, max: 30 }), { minLength: 24, maxLength: 24 }),
  labels: array(integer({ min: 0, max: 9 }), { minLength: 12, maxLength: 12 }),
});

it("tests the smallest set of classes that has enough votes, else the most voted of those in no group", () => {
  let coarser = 0;
  assert(
    property(trees, ({ classes, joins, votes }) => {
      const groups = grown(classes, joins);
      const tree = treeOf(classes, groups);
      const pixels = 4;
      const counts = Uint16Array.from({ length: classes * pixels }, (_, i) => votes[i]!);
      for (let i = 0; i < pixels; i++) {
        const all = Array.from({ length: classes }, (_, c) => counts[c * pixels + i]!);
        const total = all.reduce((a, b) => a + b, 0);
        const enough = Math.floor(total / 2) + 1 + Math.floor(total / 4);
        const votesOf = (vertex: number) => classesOf(vertex, classes, groups).reduce((sum, c) => sum + all[c]!, 0);
        const vertices = Array.from({ length: classes + groups.length }, (_, v) => v);
        const enoughOnes = vertices.filter((v) => votesOf(v) >= enough);
        const orphans = vertices.filter((v) => !groups.some(({ of }) => of.includes(v)));
        const [expected] =
          enoughOnes.length > 0
            ? enoughOnes.toSorted((a, b) => classesOf(a, classes, groups).length - classesOf(b, classes, groups).length)
            : orphans.toSorted((a, b) => votesOf(b) - votesOf(a) || a - b);
        expect(chosenVertices(counts, [3, 1, pixels], tree, enough).data[i]).toBe(expected);
        if (expected! >= classes) coarser += 1;
      }
    }),
  );
  expect(coarser).toBeGreaterThan(20);
});

it("scores what a look at each pixel gives", () => {
  assert(
    property(trees, ({ classes, joins, labels: drawn, votes }) => {
      const groups = grown(classes, joins);
      const tree = treeOf(classes, groups);
      const vertices = classes + groups.length;
      const labels = drawn.map((v) => (v < vertices ? v : ABSTAINED));
      const truth = votes.slice(0, 12).map((v) => (v === 30 ? 255 : v % classes));
      const scores = certifiedScores(certifiedCounts(map(labels), map(truth), tree), tree);
      const seen = labels.flatMap((vertex, i) => {
        if (truth[i] === 255) return [];
        const own = vertex === ABSTAINED ? null : classesOf(vertex, classes, groups);
        const gain = own?.includes(truth[i]!) ? 1 - Math.log(own.length) / Math.log(classes) : 0;
        return [{ own, right: own?.includes(truth[i]!) ?? false, gain, isClass: vertex < classes }];
      });
      const mean = (value: (pixel: (typeof seen)[number]) => number) =>
        seen.reduce((sum, pixel) => sum + value(pixel), 0) / seen.length;
      if (seen.length === 0) return;
      expect(scores.certifiedAccuracy).toBeCloseTo(
        mean(({ right, isClass }) => (right && isClass ? 1 : 0)),
        12,
      );
      expect(scores.abstainedShare).toBeCloseTo(
        mean(({ isClass }) => (isClass ? 0 : 1)),
        12,
      );
      expect(scores.hierarchical !== undefined).toBe(groups.length > 0);
      const { hierarchical } = scores;
      if (!hierarchical) return;
      expect(hierarchical.certifiedAccuracy).toBeCloseTo(
        mean(({ right }) => (right ? 1 : 0)),
        12,
      );
      expect(hierarchical.wrongShare).toBeCloseTo(
        mean(({ own, right }) => (own && !right ? 1 : 0)),
        12,
      );
      expect(hierarchical.abstainedShare).toBeCloseTo(
        mean(({ own }) => (own ? 0 : 1)),
        12,
      );
      expect(hierarchical.informationGain).toBeCloseTo(
        mean(({ gain }) => gain),
        12,
      );
      const atLevels = hierarchical.levels.reduce((sum, level) => sum + level.certifiedAccuracy!, 0);
      expect(atLevels).toBeCloseTo(hierarchical.certifiedAccuracy!, 12);
      expect(hierarchical.levels[0]!.certifiedAccuracy).toBeCloseTo(scores.certifiedAccuracy!, 12);
    }),
  );
});

it("maps outcomes and colours", () => {
  const tree = treeOf(3, [{ name: "g", of: [0, 2] }]);
  const outcomes = outcomesOf(map([0, 3, 3, 1, ABSTAINED, 3]), map([0, 2, 1, 0, 1, 255]), tree);
  expect([...outcomes.data]).toEqual([0, 3, 1, 1, 2, 255]);
  const colours = vertexColours([{ color: [0, 10, 255] }, { color: [1, 1, 1] }, { color: [100, 20, 0] }], tree);
  expect(colours[3]).toEqual([50, 15, 128]);
});

const smoothing: Smoothing = {
  sigma: 16,
  tau: 0.75,
  alpha: 0.05,
  selection: 10,
  samples: 60,
  correction: "holm",
  seed: 1,
};
const imageOf = (red: readonly number[]): Image =>
  tensor("float32", [3, 1, red.length], Float32Array.from([...red, ...red, ...red]));

/** A pixel's class is how many of the bounds its red value exceeds. */
const between =
  (...bounds: readonly number[]) =>
  async ({ data, shape }: Image): Promise<Labels> =>
    map(Array.from({ length: shape[2]! }, (_, i) => bounds.filter((bound) => data[i]! > bound).length));

it("without groups is SegCertify, step by step", async () => {
  const next = random(4);
  for (let run = 0; run < 25; run++) {
    const red = Array.from({ length: 7 }, () => 80 + 100 * next());
    const predict = between(100, 120, 160);
    const seen: Labels[] = [];
    const spy = async (noisy: Image): Promise<Labels> => {
      const labels = await predict(noisy);
      seen.push(labels);
      return labels;
    };
    const { labels } = await certify(spy, imageOf(red), 4, { ...smoothing, seed: run });
    while (seen.length < 70) {
      const key = Math.floor(random(run)() * 2 ** 21) * 2 ** 32 + (seen.length - 10) * 2 + 1;
      const { shape, data } = imageOf(red);
      seen.push(await predict(tensor("float32", shape, addNoise(data, 16, key))));
    }
    const count = (from: number, to: number, i: number, c: number) =>
      seen.slice(from, to).filter(({ data }) => data[i] === c).length;
    const top = red.map(
      (_, i) => [0, 1, 2, 3].toSorted((a, b) => count(0, 10, i, b) - count(0, 10, i, a) || a - b)[0]!,
    );
    const tails = upperTails(60, 0.75);
    const p = top.map((c, i) => tails[count(10, 70, i, c)]!);
    const order = p.map((_, i) => i).toSorted((a, b) => p[a]! - p[b]!);
    const stop = order.findIndex((pixel, rank) => p[pixel]! > 0.05 / (7 - rank));
    const certain = new Set(stop < 0 ? order : order.slice(0, stop));
    expect([...labels.data]).toEqual(top.map((c, i) => (certain.has(i) ? c : ABSTAINED)));
  }
});

describe("with groups", () => {
  const hierarchy = groupsOf([{ name: "high", of: ["b", "c"] }], named("a", "b", "c"));

  it("certifies a group where no class can be, and the class where it can", async () => {
    const predict = between(60, 128);
    const image = imageOf([10, 128, 200, 60]);
    const flat = await certify(predict, image, 3, smoothing);
    const tree = await certify(predict, image, 3, { ...smoothing, hierarchy });
    expect([...flat.labels.data]).toEqual([0, ABSTAINED, 2, ABSTAINED]);
    expect([...tree.labels.data]).toEqual([0, 3, 2, ABSTAINED]);
  });

  // Of 100 tests at α = 0.05 each needs 56 hits of 60 under Bonferroni: P(X ≥ 56) = 2.4e-4 ≤ 5e-4 < 9.6e-4 = P(X ≥ 55). That is 9.3 of 10 votes.
  it.each([
    [10, 1],
    [9, 3],
  ])("tests the class where it has as many votes as its test will need hits: %d of 10", async (votes, vertex) => {
    let calls = 0;
    const predict = async (): Promise<Labels> => {
      calls += 1;
      return map(Array.from({ length: 100 }, () => (calls <= votes ? 1 : 2)));
    };
    const tested = new Set<number>();
    const onDraw = (_: unknown, state: SmoothingState): void => {
      if (state.stage === "test") for (const top of state.top.data) tested.add(top);
    };
    await certify(predict, imageOf(Array.from({ length: 100 }, () => 0)), 3, { ...smoothing, hierarchy }, { onDraw });
    expect([...tested]).toEqual([vertex]);
  });

  // The group's probability is τ less a trifle, and each class's is far below: to certify either is wrong.
  it("breaks the promise in at most a share α of 2000 images", async () => {
    const red = 60 + certifiedRadius(smoothing) - 1e-6;
    const predict = between(60, red + 2);
    let broken = 0;
    for (let seed = 0; seed < 2000; seed++) {
      const { labels } = await certify(predict, imageOf([red, red, red, red]), 3, { ...smoothing, hierarchy, seed });
      if (labels.data.some((label) => label !== ABSTAINED)) broken++;
    }
    expect(broken / 2000).toBeLessThanOrEqual(0.05 + 3 * Math.sqrt((0.05 * 0.95) / 2000));
    expect(broken / 2000).toBeGreaterThan(0.005);
  });
});

it.each([
  [[{ name: "a", of: ["b", "c"] }], /group "a": there is already a class or a group of this name/],
  [[{ name: "g", of: ["a"] }], /group "g": it must have at least two members/],
  [[{ name: "g", of: ["a", "x"] }], /its member "x" is neither a class \(a, b, c\) nor a group before it/],
  [[{ name: "g", of: ["a", "g"] }], /its member "g" is neither/],
  [[{ name: "g", of: ["a", "a"] }], /its member "a" is in "g" already/],
  [[{ name: "g", of: ["a", "b", "c"] }], /it contains all classes/],
])("refuses %j", (groups, message) => {
  expect(() => groupsOf(groups, named("a", "b", "c"))).toThrow(HierarchyError);
  expect(() => groupsOf(groups, named("a", "b", "c"))).toThrow(message);
});
