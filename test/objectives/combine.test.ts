/** Objectives made from others: what is multiplied, added and fed; and how a region's weights reach the pixels of a network. */

import { describe, expect, it } from "vitest";
import { fed, steeredByCrossEntropy, weighted, weightedSum } from "../../src/objectives/combine.ts";
import { objectiveNamed } from "../../src/objectives/catalogue.ts";
import type { Objective } from "../../src/objectives/objective.ts";
import { regionWeights } from "../../src/evaluation/region.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { numbersOf, tensorOf } from "../../src/tensor.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyNetwork, type ManifestChanges } from "../support/networks/tiny.ts";
import { distance, interpreted, sceneOf } from "./scene.ts";

const scene = sceneOf([2, 5, 4, 3], [0, 1, 2, 3, 4, 255], 3);
const of = (objective: Objective) => {
  const built = interpreted(objective, scene);
  return {
    value: numbersOf(built["value"]!)[0]!,
    cotangent: numbersOf(built["cotangent"]!),
    terms: numbersOf(built["terms"]!),
  };
};
const [crossEntropy, segpgd, margin] = ["cross-entropy", "segpgd", "margin"].map((name) => objectiveNamed(name)) as [
  Objective,
  Objective,
  Objective,
];

describe("a weighted sum", () => {
  it("is the sum of the parts, each in its own sense: value, terms, cotangent", () => {
    const [a, b, c] = [of(crossEntropy), of(segpgd), of(margin)];
    const sum = of(
      weightedSum([
        { objective: crossEntropy, weight: 0.5 },
        { objective: segpgd, weight: 2 },
        { objective: margin, weight: 0.25 },
      ]),
    );
    // The margin is descended.
    expect(sum.value).toBeCloseTo(0.5 * a.value + 2 * b.value - 0.25 * c.value, 9);
    for (const part of ["cotangent", "terms"] as const)
      expect(
        distance(
          sum[part],
          a[part].map((v, i) => 0.5 * v + 2 * b[part][i]! - 0.25 * c[part][i]!),
        ),
      ).toBeLessThan(1e-12);
  });

  it("is climbed, has every part's inputs once, is fed what each part is, and has a key that tells weights apart", () => {
    const [first, second] = [1, 2].map((weight) =>
      weightedSum([
        { objective: segpgd, weight },
        { objective: objectiveNamed("tsallis"), weight: 1 },
      ]),
    );
    expect(first!.sense).toBe(1);
    expect(Object.keys(first!.inputs)).toEqual(["target", "lambda", "order"]);
    expect(Object.keys(first!.feeds!({ step: 2, steps: 4 }))).toEqual(["lambda", "order"]);
    expect(first!.key).not.toBe(second!.key);
    expect(weightedSum([{ objective: crossEntropy, weight: 1 }]).feeds).toBeUndefined();
  });

  it("is refused without parts, with a weight that is no number, and where two inputs of one name differ", () => {
    expect(() => weightedSum([])).toThrow(/at least one/);
    expect(() => weightedSum([{ objective: crossEntropy, weight: NaN }])).toThrow(/weight of "cross-entropy".*NaN/);
    const other: Objective = { ...crossEntropy, inputs: { target: { dtype: "float32", per: "pixel" } } };
    expect(() => weightedSum([crossEntropy, other].map((objective) => ({ objective, weight: 1 })))).toThrow(/"target"/);
  });
});

it("a steered objective has its own cotangent, and cross-entropy's value and terms", () => {
  const [steered, own, ce] = [of(steeredByCrossEntropy(margin)), of(margin), of(crossEntropy)];
  expect(steered.cotangent).toEqual(own.cotangent);
  expect([steered.value, steered.terms]).toEqual([ce.value, ce.terms]);
});

describe("what is fed beside the clock", () => {
  const weights = tensorOf("float32", [1, 1, 1], [2]);

  it("joins what the clock gives", () => {
    const feeds = fed(weighted(segpgd), { weights }).feeds!({ step: 3, steps: 4 });
    expect(feeds).toEqual({ lambda: tensorOf("float32", [1], [0.25]), weights });
  });

  it("is refused where there is no such input, with those that there are", () => {
    expect(() => fed(crossEntropy, { weights })).toThrow(/no input "weights"; it has target/);
  });
});

describe("a region of an image", () => {
  const [height, width] = [11, 14];
  const image = noiseImage(height, width, 2);
  const labels = noiseLabels(height, width, 4, 3, true);
  const region = tensorOf("uint8", [height, width], noiseLabels(height, width, 2, 5).data);
  const outsideVoid = tensorOf(
    "uint8",
    [height, width],
    labels.data.map((label, i) => (region.data[i] === 0 ? 255 : label)),
  );

  // Padded to a multiple, of which the rest is cropped away, and with pixels that are shuffled at the end.
  const networks: readonly (readonly [string, ManifestChanges])[] = [
    ["whole", {}],
    ["cropped and shuffled", { input: { multipleOf: 8 } }],
    ["at several scales", { scales: [0.5, 1] }],
  ];
  it.each(networks)("has the gradient of cross-entropy whose labels outside are void: %s", async (_, changes) => {
    const segmenter = createSegmenter(
      tinyNetwork({ activation: "Tanh" }, changes),
      new SessionCache(startWasm(), 2 ** 28),
    );
    const objective = fed(objectiveNamed("region"), { weights: regionWeights(region) });
    const actual = await segmenter.objective({ objective, labels })(image);
    const expected = await segmenter.objective({ objective: crossEntropy, labels: outsideVoid })(image);
    const largest = expected.gradient.data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    expect(largest).toBeGreaterThan(0);
    for (const [i, v] of expected.gradient.data.entries())
      expect(Math.abs(actual.gradient.data[i]! - v)).toBeLessThanOrEqual(1e-5 * largest);
    expect(actual.value).toBeCloseTo(expected.value, 3);
  });
});
