/** What tests of manifests share: networks with what is said of them, a picture, and what is evaluated of it. */

import { crossEntropyObjective } from "../../src/objectives/cross-entropy.ts";
import type { Model } from "../../src/onnx/graph.ts";
import { normal, random } from "../../src/random.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import type { Manifest } from "../../src/segmenter/manifest.ts";
import { networkOf, type Network } from "../../src/segmenter/network.ts";
import { createSegmenter, type Image, type Labels } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { numbersOf, tensorOf } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { tinyManifest } from "../support/networks/tiny.ts";

export interface Said {
  readonly classes?: number;
  readonly input?: Partial<Manifest["input"]>;
  readonly output?: Partial<Manifest["output"]>;
}

const unitScale = { mean: [0, 0, 0], std: [1, 1, 1], scale: 1 / 255 } as const;

let count = 0;

/** Each with a name of its own: sessions are cached by manifests, which have a digest of the file otherwise. */
export const networkFor = (model: Model, { classes = 3, input, output }: Said = {}): Network =>
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
export const segmenterFor = (network: Network) => createSegmenter(network, cache);

export const [height, width] = [10, 12];

/** Grey levels between 40 and 215, not whole. */
export const picture = (planes = 3): Image => {
  const next = random(11);
  const values = Array.from({ length: planes * height * width }, () => 40 + 175 * next());
  return tensorOf("float32", [planes, height, width], values);
};

export const labelsBelow = (classes: number): Labels => {
  const next = random(12);
  return tensorOf(
    "uint8",
    [height, width],
    Array.from({ length: height * width }, () => Math.floor(classes * next())),
  );
};

export const evaluated = async (network: Network, image: Image, classes = 3) => {
  const segmenter = segmenterFor(network);
  const evaluation = await segmenter.objective({
    objective: crossEntropyObjective(false),
    labels: labelsBelow(classes),
  })(image);
  return { ...(await segmenter.predict(image)), ...evaluation };
};

/** The error of ⟨gradient, u⟩ against the difference quotient of the runtime's own forward along u, extrapolated. */
export const quotientError = async (
  network: Network,
  image: Image,
  gradient: Image,
  classes: number,
): Promise<number> => {
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

/** The raw map that a network of plain logits gives, interpreted in float64: [channel][pixel]. */
export const rawLogits = (model: Model, image: Image): number[][] => {
  const x = tensorOf("float64", [1, ...image.shape], numbersOf(image).map((v) => v / 255)); // prettier-ignore
  const { data, shape } = interpret(model.graph, { pixels: x })["map"]!;
  const values = Array.from(data, Number);
  return Array.from({ length: shape[1]! }, (_, c) => values.slice(c * height * width, (c + 1) * height * width));
};
export const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
