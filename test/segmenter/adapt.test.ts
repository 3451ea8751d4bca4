/** What a manifest can say of a network's input and output: the predictions, losses and gradients are those of the plain network. */

import { describe, expect, it } from "vitest";
import { crossEntropyObjective } from "../../src/objectives/cross-entropy.ts";
import type { Model } from "../../src/onnx/graph.ts";
import { normal, random } from "../../src/random.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { gradientFaults } from "../../src/segmenter/compile.ts";
import { requireFit } from "../../src/segmenter/fit.ts";
import { ManifestError, type Manifest } from "../../src/segmenter/manifest.ts";
import { networkOf, type Network } from "../../src/segmenter/network.ts";
import { createSegmenter, type Image, type Labels } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { numbersOf, tensorOf } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { tinyManifest } from "../support/networks/tiny.ts";
import { toPixels, toPlanes, unit, variant } from "../support/networks/variants.ts";

interface Said {
  readonly classes?: number;
  readonly input?: Partial<Manifest["input"]>;
  readonly output?: Partial<Manifest["output"]>;
}

const unitScale = { mean: [0, 0, 0], std: [1, 1, 1], scale: 1 / 255 } as const;

let count = 0;

/** Each with a name of its own: sessions are cached by manifests, which have a digest of the file otherwise. */
const networkFor = (model: Model, { classes = 3, input, output }: Said = {}): Network =>
  networkOf(
    tinyManifest({
      name: `net-${count++}`,
      classes,
      input: { name: "pixels", multipleOf: 1, ...unitScale, ...input } as Partial<Manifest["input"]>,
      output: { name: "map", ...output },
    }),
    model,
  );

const cache = new SessionCache(startWasm(), 2 ** 31);
const segmenterFor = (network: Network) => createSegmenter(network, cache);

const [height, width] = [10, 12];

/** Grey levels between 40 and 215, not whole. */
const picture = (planes = 3): Image => {
  const next = random(11);
  const values = Array.from({ length: planes * height * width }, () => 40 + 175 * next());
  return tensorOf("float32", [planes, height, width], values);
};

const labelsBelow = (classes: number): Labels => {
  const next = random(12);
  return tensorOf(
    "uint8",
    [height, width],
    Array.from({ length: height * width }, () => Math.floor(classes * next())),
  );
};

const evaluated = async (network: Network, image: Image, classes = 3) => {
  const segmenter = segmenterFor(network);
  const evaluation = await segmenter.objective({
    objective: crossEntropyObjective(false),
    labels: labelsBelow(classes),
  })(image);
  return { ...(await segmenter.predict(image)), ...evaluation };
};

/** The error of ⟨gradient, u⟩ against the difference quotient of the runtime's own forward along u, extrapolated. */
const quotientError = async (network: Network, image: Image, gradient: Image, classes: number): Promise<number> => {
  const value = segmenterFor(network).value({ objective: crossEntropyObjective(false), labels: labelsBelow(classes) });
  const next = random(13);
  const u = numbersOf(image).map(() => normal(next));
  const at = async (t: number) => {
    const moved = numbersOf(image).map((v, i) => v + t * u[i]!);
    return (await value(tensorOf("float32", image.shape, moved))).value;
  };
  const quotient = async (h: number) => ((await at(h)) - (await at(-h))) / (2 * h);
  const expected = (4 * (await quotient(2)) - (await quotient(4))) / 3;
  const terms = numbersOf(gradient).map((g, i) => g * u[i]!);
  return Math.abs(terms.reduce((a, b) => a + b, 0) - expected) / Math.hypot(...terms);
};

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

/** The raw map that a network of plain logits gives, interpreted in float64: [channel][pixel]. */
const rawLogits = (model: Model, image: Image): number[][] => {
  const x = tensorOf("float64", [1, ...image.shape], numbersOf(image).map((v) => v / 255)); // prettier-ignore
  const { data, shape } = interpret(model.graph, { pixels: x })["map"]!;
  const values = Array.from(data, Number);
  return Array.from({ length: shape[1]! }, (_, c) => values.slice(c * height * width, (c + 1) * height * width));
};
const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

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
