/** What a manifest can say of a network's output where its channels are no logits of the classes: sigmoids, and labels. */

import { describe, expect, it } from "vitest";
import { crossEntropyObjective } from "../../src/objectives/cross-entropy.ts";
import type { Model } from "../../src/onnx/graph.ts";
import { gradientFaults } from "../../src/segmenter/compile.ts";
import { requireFit } from "../../src/segmenter/fit.ts";
import { ManifestError } from "../../src/segmenter/manifest.ts";
import { variant } from "../support/networks/variants.ts";
import { evaluated, labelsBelow, networkFor, picture, quotientError, rawLogits, segmenterFor, sigmoid, type Said } from "./described.ts"; // prettier-ignore

describe("one output channel is background and foreground", () => {
  const plain = variant({ outputs: 1 });
  const tanhHalf: NonNullable<Parameters<typeof variant>[0]>["tail"] = (op, z) =>
    op.Mul(op.Add(op.Tanh(op.Mul(z, op.constant(0.5))), op.constant(1)), op.constant(0.5));
  const cases: readonly (readonly [string, Model, Said["output"]])[] = [
    ["a logit", plain, { kind: "logits" }],
    [
      "the probability of a Sigmoid",
      variant({ outputs: 1, tail: (op, z) => op.Sigmoid(z) }),
      { kind: "probabilities" },
    ],
    ["a probability of another origin", variant({ outputs: 1, tail: tanhHalf }), { kind: "probabilities" }],
    ["a logit without a channel axis", variant({ outputs: 1, tail: (op, z) => op.Squeeze(z, op.ints([1])) }), { kind: "logits", layout: "NHW" }], // prettier-ignore
    ["a logit alone", variant({ outputs: 1, tail: (op, z) => op.Squeeze(z, op.ints([0, 1])) }), { kind: "logits", layout: "HW" }], // prettier-ignore
  ];
  it.each(cases)("%s", async (_, model, output) => {
    const network = networkFor(model, { classes: 2, output: { ...output, activation: "sigmoid" } });
    requireFit(network);
    const z = rawLogits(plain, picture())[0]!;
    const { labels, confidence, loss, gradient } = await evaluated(network, picture(), 2);
    expect(Array.from(labels.data)).toEqual(z.map((v) => (v > 0 ? 1 : 0)));
    expect(new Set(labels.data).size).toBe(2);
    for (const [i, v] of z.entries()) expect(confidence.data[i]).toBeCloseTo(sigmoid(Math.abs(v)), 4);
    const target = labelsBelow(2);
    const binary = z.map((v, i) => -Math.log(sigmoid(target.data[i] === 1 ? v : -v)));
    expect(loss).toBeCloseTo(binary.reduce((a, b) => a + b, 0) / z.length, 4);
    expect(await quotientError(network, picture(), gradient, 2)).toBeLessThan(2e-3);
  });

  it("with a threshold of its own", async () => {
    const network = networkFor(plain, { classes: 2, output: { activation: "sigmoid", threshold: 0.6 } });
    const { labels } = await segmenterFor(network).predict(picture());
    const expected = rawLogits(plain, picture())[0]!.map((v) => (sigmoid(v) > 0.6 ? 1 : 0));
    expect(Array.from(labels.data)).toEqual(expected);
    expect(expected).not.toEqual(rawLogits(plain, picture())[0]!.map((v) => (v > 0 ? 1 : 0)));
  });

  it("is refused without that word", () => {
    const fit = () => requireFit(networkFor(plain, { classes: 2 }));
    expect(fit).toThrow(
      /^classes: are 2, but "map" has 1 channel; a single channel is a sigmoid's: "activation": "sigmoid"$/,
    );
  });
});

describe("several independent sigmoids", () => {
  it("are classes behind a background, which is where none exceeds the threshold", async () => {
    const network = networkFor(variant({ tail: (op, z) => op.Sigmoid(z) }), {
      classes: 4,
      output: { kind: "probabilities", activation: "sigmoid", threshold: 0.55 },
    });
    requireFit(network);
    const raw = rawLogits(variant(), picture());
    const expected = raw[0]!.map((_, i) => {
      const p = raw.map((plane) => sigmoid(plane[i]!));
      const top = Math.max(...p);
      return top > 0.55 ? 1 + p.indexOf(top) : 0;
    });
    const { labels, gradient } = await evaluated(network, picture(), 4);
    expect(Array.from(labels.data)).toEqual(expected);
    expect(new Set(expected).size).toBe(4);
    expect(await quotientError(network, picture(), gradient, 4)).toBeLessThan(2e-3);
  });
});

describe("labels without logits", () => {
  const threshold = variant({
    outputs: 1,
    tail: (op, z) => op.cast(op.Greater(op.Squeeze(z, op.ints([1])), op.constant(0)), "int64"),
  });
  const network = networkFor(threshold, { classes: 2, output: { kind: "labels" } });

  it("are predicted and scored, and have no gradient, by the name of the operator that ends it", async () => {
    requireFit(network);
    expect(gradientFaults(network)).toEqual(["Greater"]);
    const expected = rawLogits(variant({ outputs: 1 }), picture())[0]!.map((v) => (v > 0 ? 1 : 0));
    const { labels, confidence } = await segmenterFor(network).predict(picture());
    expect(Array.from(labels.data)).toEqual(expected);
    expect(new Set(confidence.data)).toEqual(new Set([1]));
    const aim = { objective: crossEntropyObjective(false), labels };
    expect((await segmenterFor(network).value(aim)(picture())).value).toBe(0);
    await expect(segmenterFor(network).objective(aim)(picture())).rejects.toThrow(/Greater/);
  });

  it("beyond the classes are predicted as one more", async () => {
    const odd = variant({ tail: (op, z) => op.Mul(op.ArgMax(z, { axis: 1, keepdims: 0 }), op.constant(4, "int64")) });
    const labelled = networkFor(odd, { classes: 2, output: { kind: "labels" } });
    const { labels } = await segmenterFor(labelled).predict(picture());
    expect(new Set(labels.data)).toEqual(new Set([0, 2]));
  });

  it("that are no map of labels are refused", () => {
    const fit = () => requireFit(networkFor(variant(), { output: { kind: "labels" } }));
    expect(fit).toThrow(ManifestError);
    expect(fit).toThrow(/^output\.kind: "map" is \[1, 3, 128, 128\], not a map of labels/);
  });
});
