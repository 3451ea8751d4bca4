/** A batch is its images one by one, to the bit, or it is refused. */

import { describe, expect, it } from "vitest";
import { objectiveNamed, objectiveNames } from "../../src/objectives/catalogue.ts";
import { weightedSum } from "../../src/objectives/combine.ts";
import type { Objective } from "../../src/objectives/objective.ts";
import { OnnxError } from "../../src/onnx/graph.ts";
import { compileForward, compileGradient, compileValue } from "../../src/segmenter/compile.ts";
import { networkOf, prepared, type Network } from "../../src/segmenter/network.ts";
import { normal, random } from "../../src/random.ts";
import { sizeOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { given } from "../support/aims.ts";
import { noiseImage } from "../support/networks/image.ts";
import { miniatures } from "../support/networks/all.ts";
import { tinyManifest, tinyNetwork } from "../support/networks/tiny.ts";
import { runWasm } from "../support/wasm.ts";

type Feeds = Readonly<Record<string, Tensor>>;
const COUNT = 3;

/** What an objective is fed with an image; labels beyond the classes are void. */
const feedsOf = (objective: Objective | null, height: number, width: number, seed: number): Feeds => {
  const next = random(seed);
  const of = (dtype: "float32" | "int32", shape: readonly number[]): Tensor =>
    tensorOf(
      dtype,
      shape,
      Array.from({ length: sizeOf(shape) }, () =>
        dtype === "int32" ? Math.floor(5 * next()) : Math.abs(normal(next)),
      ),
    );
  const inputs = Object.entries(objective?.inputs ?? {}).map(
    ([name, { dtype, per }]) => [name, of(dtype, per === "scalar" ? [1] : [1, height, width])] as const,
  );
  return {
    image: tensorOf("float32", [1, 3, height, width], noiseImage(height, width, seed).data),
    ...Object.fromEntries(inputs),
  };
};

const stacked = (each: readonly Feeds[]): Feeds =>
  Object.fromEntries(
    Object.entries(each[0]!).map(([name, { dtype, shape }]) => {
      const data = each.flatMap((own) => Array.from(own[name]!.data as ArrayLike<number>));
      return [name, tensorOf(dtype, [each.length * shape[0]!, ...shape.slice(1)], data)];
    }),
  );

/** The bits of the outputs, one image after another. */
const bitsOf = (outputs: readonly Feeds[]): Record<string, string> =>
  Object.fromEntries(
    Object.keys(outputs[0]!).map((name) => {
      const bytes = outputs.map(({ [name]: t }) => Buffer.from(t!.data.buffer, t!.data.byteOffset, t!.data.byteLength));
      return [name, Buffer.concat(bytes).toString("base64")];
    }),
  );

type Compile = (
  network: Network,
  size: { height: number; width: number },
  batch: number,
) => ReturnType<typeof compileForward>;

/** The bits of a batch, and of its images alone. */
const bothWays = async (
  network: Network,
  height: number,
  width: number,
  objective: Objective | null,
  compile: Compile,
) => {
  const size = { height, width };
  const batch = compile(network, size, COUNT).model;
  const single = compile(network, size, 1).model;
  const feeds = Array.from({ length: COUNT }, (_, i) => feedsOf(objective, height, width, 11 + i));
  const alone: Feeds[] = [];
  for (const own of feeds) alone.push(await runWasm(single, own));
  return { together: bitsOf([await runWasm(batch, stacked(feeds))]), alone: bitsOf(alone) };
};

const gradient =
  (objective: Objective): Compile =>
  (network, size, batch) =>
    compileGradient(network, size, objective, { batch });

/** What the networks of a batch do with an image. */
const tile = { fit: "tile", height: 6, width: 8, overlap: 2 } as const;
const networks: readonly (readonly [string, Network])[] = [
  ["plain", tinyNetwork()],
  ["padded", tinyNetwork({}, { input: { fit: "pad", multipleOf: 8 } })],
  ["in tiles", tinyNetwork({}, { input: tile })],
  ["at two scales", tinyNetwork({}, { scales: [0.5, 1] })],
  ["of sigmoids", tinyNetwork({ outputs: 3 }, { output: { activation: "sigmoid" } })],
  ["of one pixel after another", tinyNetwork({ outputs: 16, head: (op, z) => op.DepthToSpace(z, { blocksize: 2 }) })],
];

describe("a batch of three images on WASM", () => {
  it.each(networks)("gives the gradient, the loss and the labels of each: %s", async (_, network) => {
    const { together, alone } = await bothWays(network, 12, 10, given, gradient(given));
    expect(together).toEqual(alone);
    const seen = await bothWays(network, 12, 10, null, (own, size, batch) => compileForward(own, size, "wasm", batch));
    expect(seen.together).toEqual(seen.alone);
  });

  it.each(objectiveNames)("of the objective %s, each image has a value and a cotangent of its own", async (name) => {
    const objective = objectiveNamed(name);
    const { together, alone } = await bothWays(tinyNetwork(), 6, 8, objective, gradient(objective));
    expect(together).toEqual(alone);
  });

  it("has values without a gradient", async () => {
    const value: Compile = (own, size, batch) => compileValue(own, size, given, { batch });
    const { together, alone } = await bothWays(tinyNetwork(), 6, 8, given, value);
    expect(together).toEqual(alone);
  });

  it("is what it is alone, or refused, for networks of several families", async () => {
    const chosen = miniatures.filter(({ name }, i) => i % 6 === 0 || /^E-Net$|^int8/.test(name));
    const [taken, refused]: [string[], string[]] = [[], []];
    for (const { name, model, height, width, output } of chosen) {
      const input = { height, width, multipleOf: undefined };
      const network = networkOf(tinyManifest({ classes: 3, input, output: { name: output } }), prepared(model));
      try {
        gradient(given)(network, { height, width }, COUNT);
      } catch (cause) {
        if (!(cause instanceof OnnxError)) throw cause;
        refused.push(name);
        continue;
      }
      const { together, alone } = await bothWays(network, height, width, given, gradient(given));
      expect(together).toEqual(alone);
      taken.push(name);
    }
    expect(taken).toContain("E-Net");
    expect(taken).toContain("int8, QuantizeLinear and DequantizeLinear");
    expect(taken.length).toBeGreaterThan(6);
    // One scale for all images, which is found as the network runs.
    expect(refused).toContain("int8, quantised as it runs");
  });
});

/** The graphs for WebGPU, which build the objective of all images in one; here they run on WASM. */
describe("a batch of three images as it is written for a GPU", () => {
  const onGpu =
    (objective: Objective): Compile =>
    (network, size, batch) =>
      compileGradient(network, size, objective, { batch, target: "webgpu" });

  it.each(networks)("gives the gradient, the loss and the labels of each: %s", async (_, network) => {
    const { together, alone } = await bothWays(network, 12, 10, given, onGpu(given));
    expect(together).toEqual(alone);
  });

  const mixing = "balanced-cross-entropy";
  const separable = objectiveNames.filter((name) => name !== mixing);
  it.each(separable)("of the objective %s, each image has a value and a cotangent of its own", async (name) => {
    const objective = objectiveNamed(name);
    const { together, alone } = await bothWays(tinyNetwork(), 6, 8, objective, onGpu(objective));
    expect(together).toEqual(alone);
  });

  it("is refused where an objective weighs a pixel by others, alone or in a sum", () => {
    const mixed = objectiveNamed(mixing);
    const size = { height: 6, width: 8 };
    const parts = [given, mixed].map((objective) => ({ objective, weight: 1 }));
    for (const objective of [mixed, weightedSum(parts)]) {
      expect(() => onGpu(objective)(tinyNetwork(), size, 1)).not.toThrow();
      expect(() => onGpu(objective)(tinyNetwork(), size, 2)).toThrow(/mixes the pixels of several images/);
    }
  });

  it("has as many nodes as one, and few more", () => {
    const nodesOf = (batch: number) =>
      onGpu(given)(tinyNetwork(), { height: 12, width: 10 }, batch).model.graph.nodes.length;
    expect(nodesOf(8)).toBe(nodesOf(2));
    expect(nodesOf(8)).toBeLessThanOrEqual(nodesOf(1) + 4);
  });

  it("is refused where an image's pixels cannot be summed in parts of one number", () => {
    const resized = tinyNetwork({}, { input: { height: 8, width: 8, multipleOf: undefined } });
    const size = { height: 1, width: 37 };
    expect(() => onGpu(given)(resized, size, 1)).not.toThrow();
    expect(() => onGpu(given)(resized, size, 2)).toThrow(OnnxError);
  });
});
