/** Every family of networks, end to end: the file in an exporter's words, its gradient, the segmenter's graph, onnxruntime. */

import { given, leastLikely } from "../support/aims.ts";
import { describe, expect, test } from "vitest";
import { createBuilder } from "../../src/onnx/build.ts";
import type { Model } from "../../src/onnx/graph.ts";
import { load } from "../../src/onnx/load.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { compileForward, compileGradient, gradientFaults } from "../../src/segmenter/compile.ts";
import { openNetwork, type Network } from "../../src/segmenter/network.ts";
import { numbersOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { runModel } from "../onnx/support.ts";
import { argmax, logSumExp, pixelsOf, planesOf, resize } from "../segmenter/by-hand.ts";
import { interpret } from "../support/interpreter.ts";
import { miniatures } from "../support/networks/all.ts";
import {
  TOLERANCE,
  backwardModel,
  directionalError,
  forwardProduct,
  relativeError,
  trialOf,
} from "../support/networks/check.ts";
import { noiseLabels } from "../support/networks/image.ts";
import { CLASSES, miniature, type Miniature } from "../support/networks/miniature.ts";
import { tinyManifest } from "../support/networks/tiny.ts";
import { runWasm } from "../support/wasm.ts";

/** `f`, computed when it is first asked for. */
const once = <T>(f: () => T): (() => T) => {
  let known: { readonly value: T } | undefined;
  return () => (known ??= { value: f() }).value;
};

const networkOf = (m: Miniature): Network => {
  const { height, width, dynamic, output, model } = m;
  const size = dynamic ? {} : { height, width };
  const changes = { classes: CLASSES, input: { multipleOf: 1, ...size }, output: { name: output } };
  return openNetwork(tinyManifest(changes), writeModel(model));
};

/** The image that the network sees as `x`. */
const imageOf = ({ input: { mean, std } }: Network["manifest"], x: Tensor): Tensor => {
  const plane = x.data.length / 3;
  return tensorOf(
    "float32",
    x.shape,
    numbersOf(x).map((v, i) => v * std[Math.floor(i / plane)]! + mean[Math.floor(i / plane)]!),
  );
};

/** The logits of each pixel of an image of this size. */
const pixelLogits = ({ shape, data }: Tensor, { height, width }: Miniature): number[][] =>
  pixelsOf(
    resize(planesOf({ dtype: "float64", shape: shape.slice(1), data: Float64Array.from(data, Number) }), height, width),
  );

describe.each(miniatures)("$name", (m) => {
  const trial = once(() => trialOf(m));
  const backward = once(() => backwardModel(m));
  const feeds = once(() => ({ x: trial().x, cotangent: trial().cotangent }));
  const expected = once(() => interpret(backward().graph, feeds())["dx"]!);

  test("⟨v, J·u⟩ = ⟨u, Jᵀ·v⟩ in float64", () => {
    expect(directionalError(expected(), trial().direction, forwardProduct(trial()))).toBeLessThan(TOLERANCE);
  });

  test("onnxruntime's float32: the file itself has these logits, and the gradient agrees", async () => {
    const logits = (await runModel(writeModel(m.model), { input: trial().x }))[m.output]!;
    expect(relativeError(logits, trial().logits)).toBeLessThan(1e-5);
    const { dx } = await runWasm(backward(), feeds());
    expect(relativeError(dx!, expected())).toBeLessThanOrEqual(1e-4);
  });

  test("the segmenter's loss, labels and gradient", async () => {
    const network = networkOf(m);
    expect(gradientFaults(network)).toEqual([]);
    compileGradient(network, m, leastLikely);
    const labels = noiseLabels(m.height, m.width, CLASSES, 3, true);
    const lossOf = (logits: Tensor): number =>
      pixelLogits(logits, m).reduce((sum, z, i) => {
        const y = labels.data[i]!;
        return y === 255 ? sum : sum + logSumExp(z) - z[y]!;
      }, 0);
    const run = await runWasm(compileGradient(network, m, given).model, {
      image: imageOf(network.manifest, trial().x),
      target: tensorOf("int32", [1, m.height, m.width], labels.data),
    });
    const deviation = (i: number) => network.manifest.input.std[Math.floor(i / (m.height * m.width))]!;
    const direction = trial().direction.map((u, i) => u * deviation(i));
    expect(Math.abs(numbersOf(run["loss"]!)[0]! / lossOf(trial().logits) - 1)).toBeLessThan(1e-5);
    expect(numbersOf(run["labels"]!)).toEqual(pixelLogits(trial().logits, m).map(argmax));
    expect(directionalError(run["gradient"]!, direction, trial().along(lossOf))).toBeLessThan(1e-4);
  });
});

describe("inputs and outputs", () => {
  const convolutions = ({ graph }: Model): number => graph.nodes.filter(({ op }) => op === "Conv").length;

  test("the head that the manifest does not name is left out", () => {
    const heads = miniatures.filter((m) => m.model.graph.outputs.length > 1 && m.output === "aux");
    expect(heads.length).toBeGreaterThan(0);
    for (const m of heads)
      expect(convolutions(compileForward(networkOf(m), m).model)).toBeLessThan(convolutions(m.model));
  });

  test("a further input is refused by name, and the message says what to do", () => {
    const wide = miniature("two inputs", (e, x) => e.node("Mul", [x, e.input("gain", [1])]));
    expect(() => networkOf(wide)).toThrow(/^input\.name: .* needs "gain" too; export .* as initializers$/);
  });

  test("an initializer that is listed among the inputs, as before IR version 4, is none", () => {
    const old = miniatures.find((m) => m.model.irVersion < 4)!;
    expect(networkOf(old).model.graph.inputs.map(({ name }) => name)).toEqual(["input"]);
  });
});

describe("sizes are computed when the graph is loaded, not when it runs", () => {
  test.each(miniatures)("$name", (m) => {
    const op = createBuilder();
    load(op, m.model, { input: op.input("x", "float32", [1, 3, m.height, m.width]) });
    const sizes = op.steps.filter(
      ({ inputs, outputs }) => outputs.some(({ dtype }) => dtype === "int64") && inputs.every((v) => !v || v.constant),
    );
    expect(sizes.map(({ node }) => node.op)).toEqual([]);
  });
});
