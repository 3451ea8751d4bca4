/** What a manifest can say of a network's input and output: the predictions, losses and gradients are those of the plain network. */

import { describe, expect, it } from "vitest";
import { crossEntropyObjective } from "../../src/objectives/cross-entropy.ts";
import type { Model } from "../../src/onnx/graph.ts";
import { random } from "../../src/random.ts";
import { gradientFaults } from "../../src/segmenter/compile.ts";
import { requireFit } from "../../src/segmenter/fit.ts";
import type { Image } from "../../src/segmenter/segmenter.ts";
import { numbersOf, tensorOf } from "../../src/tensor.ts";
import { toPixels, toPlanes, unit, variant } from "../support/networks/variants.ts";
import { evaluated, height, labelsBelow, networkFor, picture, quotientError, rawLogits, segmenterFor, width, type Said } from "./described.ts"; // prettier-ignore

const furthest = (a: Image, b: Image): number =>
  numbersOf(a).reduce((worst, v, i) => Math.max(worst, Math.abs(v - b.data[i]!)), 0) /
  Math.max(...numbersOf(b).map(Math.abs));

const pixels = [1, null, null, 3] as const;

describe("the same network, written in another way, is the same segmenter", () => {
  it.each<[string, Model, Said]>([
    ["NHWC in", variant({ shape: pixels, head: toPlanes }), { input: { layout: "NHWC" } }],
    ["NHWC out", variant({ tail: toPixels }), { output: { layout: "NHWC" } }],
    ["NHWC in and out, tiled", variant({ shape: pixels, head: toPlanes, tail: toPixels }), { input: { layout: "NHWC", fit: "tile", width, height }, output: { layout: "NHWC" } }], // prettier-ignore
    ["without a batch axis", variant({ shape: [3, null, null], head: (op, x) => op.Unsqueeze(x, op.ints([0])), tail: (op, z) => op.Squeeze(z, op.ints([0])) }), { input: { layout: "CHW" }, output: { layout: "CHW" } }], // prettier-ignore
    ["HWC", variant({ shape: [null, null, 3], head: (op, x) => toPlanes(op, op.Unsqueeze(x, op.ints([0]))), tail: (op, z) => op.Squeeze(toPixels(op, z), op.ints([0])) }), { input: { layout: "HWC" }, output: { layout: "HWC" } }], // prettier-ignore
    ["preprocessing in the graph", variant({ head: unit }), { input: { scale: 1 } }],
    [
      "probabilities of a Softmax",
      variant({ tail: (op, z) => op.Softmax(z, { axis: 1 }) }),
      { output: { kind: "probabilities" } },
    ],
    ["probabilities of exponentials", variant({ tail: (op, z) => op.Div(op.Exp(z), op.ReduceSum(op.Exp(z), op.ints([1]), { keepdims: 1 })) }), { output: { kind: "probabilities" } }], // prettier-ignore
    [
      "the ArgMax of logits",
      variant({ tail: (op, z) => op.ArgMax(z, { axis: 1, keepdims: 0 }) }),
      { output: { kind: "labels" } },
    ],
    ["the ArgMax of a Softmax, as uint8", variant({ tail: (op, z) => op.cast(op.ArgMax(op.Softmax(z, { axis: 1 }), { axis: 1, keepdims: 1 }), "uint8") }), { output: { kind: "labels" } }], // prettier-ignore
    ["the ArgMax of NHWC logits", variant({ tail: (op, z) => op.ArgMax(toPixels(op, z), { axis: -1, keepdims: 0 }) }), { output: { kind: "labels" } }], // prettier-ignore
  ])("%s", async (_, model, said) => {
    const network = networkFor(model, said);
    requireFit(network);
    expect(gradientFaults(network)).toEqual([]);
    const [own, plain] = [await evaluated(network, picture()), await evaluated(networkFor(variant()), picture())];
    expect(own.labels.data).toEqual(plain.labels.data);
    expect(new Set(plain.labels.data).size).toBe(3);
    expect(own.loss).toBeCloseTo(plain.loss, 5);
    expect(furthest(own.gradient, plain.gradient)).toBeLessThan(1e-5);
  });

  it("and the plain network's gradient is the difference quotient of the runtime", async () => {
    const network = networkFor(variant());
    const { gradient } = await evaluated(network, picture());
    expect(await quotientError(network, picture(), gradient, 3)).toBeLessThan(1e-3);
    // The check can fail.
    const wrong = tensorOf("float32", gradient.shape, numbersOf(gradient).map((v) => 1.02 * v)); // prettier-ignore
    expect(await quotientError(network, picture(), wrong, 3)).toBeGreaterThan(1e-3);
  });

  it("says which logits it uses in place of the output", () => {
    const tail = (op: Parameters<typeof toPixels>[0], z: Parameters<typeof toPixels>[1]) => op.ArgMax(z, { axis: 1 });
    const { model, source } = networkFor(variant({ tail }), { output: { kind: "labels" } });
    expect(source.kind).toBe("logits");
    expect(model.notes).toEqual([`"map" is the argmax of "${source.name}"; the logits "${source.name}" are used in its place, so that there is a gradient.`]); // prettier-ignore
  });
});

describe("a network of uint8 pixels", () => {
  const bytes = networkFor(variant({ shape: pixels, dtype: "uint8", head: (op, x) => unit(op, toPlanes(op, x)) }), {
    input: { layout: "NHWC", scale: 1 },
  });
  const rounded = (image: Image): Image => tensorOf("float32", image.shape, numbersOf(image).map(Math.round));

  it("sees the picture rounded; its gradient is that of the same network in float at the rounded picture", async () => {
    requireFit(bytes);
    const [own, plain] = [
      await evaluated(bytes, picture()),
      await evaluated(networkFor(variant()), rounded(picture())),
    ];
    expect(own.labels.data).toEqual(plain.labels.data);
    expect(own.loss).toBeCloseTo(plain.loss, 5);
    expect(furthest(own.gradient, plain.gradient)).toBeLessThan(1e-5);
  });

  it("has the difference quotient over whole grey levels", async () => {
    const image = rounded(picture());
    const { gradient } = await evaluated(bytes, image);
    const value = segmenterFor(bytes).value({ objective: crossEntropyObjective(false), labels: labelsBelow(3) });
    const next = random(14);
    const u = numbersOf(image).map(() => (next() < 0.5 ? -1 : 1));
    const at = async (t: number) =>
      (await value(tensorOf("float32", image.shape, numbersOf(image).map((v, i) => v + t * u[i]!)))).value; // prettier-ignore
    const quotient = async (h: number) => ((await at(h)) - (await at(-h))) / (2 * h);
    const expected = (4 * (await quotient(1)) - (await quotient(2))) / 3;
    const terms = numbersOf(gradient).map((g, i) => g * u[i]!);
    expect(Math.abs(terms.reduce((a, b) => a + b, 0) - expected) / Math.hypot(...terms)).toBeLessThan(2e-3);
  });

  it("has a gradient at black and at white, where attacks begin", async () => {
    const extreme = tensorOf("float32", [3, height, width], Array.from({ length: 360 }, (_, i) => (i % 2) * 255)); // prettier-ignore
    const [own, plain] = [await evaluated(bytes, extreme), await evaluated(networkFor(variant()), extreme)];
    expect(furthest(own.gradient, plain.gradient)).toBeLessThan(1e-5);
  });
});

describe("the channels of a picture", () => {
  it("are one for a grey network, whose gradient has one plane", async () => {
    const said = { input: { channels: "GRAY", mean: [0], std: [1] } } as const;
    const network = networkFor(variant({ channels: 1 }), said as unknown as Said);
    requireFit(network);
    const image = picture(1);
    const raw = rawLogits(variant({ channels: 1 }), image);
    const { labels, gradient } = await evaluated(network, image);
    expect(gradient.shape).toEqual([1, height, width]);
    expect(Array.from(labels.data)).toEqual(raw[0]!.map((_, i) => raw.map((p) => p[i]!).indexOf(Math.max(...raw.map((p) => p[i]!))))); // prettier-ignore
    expect(await quotientError(network, image, gradient, 3)).toBeLessThan(2e-3);
  });

  it("may be others than red, green and blue", async () => {
    const channels = ["red", "green", "blue", "nir"];
    const said: Said = { input: { channels, mean: [0, 0, 0, 0], std: [1, 1, 1, 1] } };
    const network = networkFor(variant({ channels: 4 }), said);
    requireFit(network);
    const raw = rawLogits(variant({ channels: 4 }), picture(4));
    const { labels, gradient } = await evaluated(network, picture(4));
    expect(gradient.shape).toEqual([4, height, width]);
    expect(Array.from(labels.data)).toEqual(raw[0]!.map((_, i) => raw.map((p) => p[i]!).indexOf(Math.max(...raw.map((p) => p[i]!))))); // prettier-ignore
    expect(await quotientError(network, picture(4), gradient, 3)).toBeLessThan(2e-3);
  });

  it("are refused where they are not the network's", () => {
    const fit = () => requireFit(networkFor(variant({ channels: 4 })));
    expect(fit).toThrow(/^input\.channels: are "RGB", 3, but the network's input has 4 by the layout NCHW$/);
    const layout = () => requireFit(networkFor(variant(), { input: { layout: "CHW" } }));
    expect(layout).toThrow(/^input\.layout: is CHW, but the network's input has 4 axes$/);
    const batch = () => requireFit(networkFor(variant({ shape: [2, 3, null, null] })));
    expect(batch).toThrow(/^input\.name: takes 2 images at a time/);
  });
});
