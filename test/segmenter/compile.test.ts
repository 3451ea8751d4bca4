/** The compiled graphs themselves: in float64 by the interpreter, and in the order in which they ship. */

import { given, leastLikely } from "../support/aims.ts";
import { describe, expect, it } from "vitest";
import { lowerForGradient } from "../../src/lowering/wasm/rewrites.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import type { Model } from "../../src/onnx/graph.ts";
import { load, type Lower } from "../../src/onnx/load.ts";
import { prune } from "../../src/onnx/passes/prune.ts";
import { normal, random } from "../../src/random.ts";
import { executionOrder } from "../../src/runtime/memory/liveness.ts";
import { footprint } from "../../src/runtime/memory/memory.ts";
import { compileForward, compileGradient } from "../../src/segmenter/compile.ts";
import type { Network } from "../../src/segmenter/network.ts";
import { nativeSize, networkSize } from "../../src/segmenter/size.ts";
import { typesOf } from "../../src/onnx/types.ts";
import { numbersOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyManifest, tinyNetwork, type ManifestChanges } from "../support/networks/tiny.ts";
import { runWasm } from "../support/wasm.ts";
import { lossByHand, planesOf, type Planes } from "./by-hand.ts";

const feedsOf = (height: number, width: number, classes: number, dtype: "float32" | "float64" = "float32") => {
  const image = noiseImage(height, width, 5);
  const labels = noiseLabels(height, width, classes, 3, true);
  const feeds: Record<string, Tensor> = {
    image: tensorOf(dtype, [1, 3, height, width], image.data),
    target: tensorOf("int32", [1, height, width], labels.data),
  };
  return { image, labels, feeds };
};

describe("the compiled gradient in float64", () => {
  const smooth = (changes: ManifestChanges) => tinyNetwork({ activation: "Tanh" }, changes);
  const tile = { fit: "tile", height: 6, width: 8, overlap: 2 } as const;
  const networks: readonly (readonly [string, Network, readonly [height: number, width: number]])[] = [
    ["logits", smooth({ input: { channels: "BGR", scale: 0.5, multipleOf: 4 } }), [9, 8]],
    [
      "probabilities",
      tinyNetwork(
        { activation: "Tanh", head: (op, z) => op.Softmax(z, { axis: 1 }) },
        { output: { kind: "probabilities" } },
      ),
      [9, 8],
    ],
    ["padded", smooth({ input: { fit: "pad", multipleOf: 4 } }), [9, 7]],
    ["one pixel, padded", smooth({ input: { fit: "pad", multipleOf: 8 } }), [1, 1]],
    ["tiles", smooth({ input: tile }), [13, 15]],
    ["one pixel of a tile", smooth({ input: tile }), [1, 1]],
    ["tiles beside each other", smooth({ input: { ...tile, overlap: 0 } }), [12, 9]],
    ["tiles that overlap three times", smooth({ input: { ...tile, overlap: 5 } }), [8, 10]],
    ["the largest of three scales", smooth({ scales: [0.5, 0.75, 1] }), [8, 11]],
    ["the mean of three scales", smooth({ scales: [0.5, 0.75, 1], fusion: "mean" }), [8, 11]],
    ["one pixel at two scales", smooth({ scales: [0.5, 1] }), [1, 1]],
    ["the largest of scales of tiles", smooth({ scales: [0.5, 1.25], input: tile }), [9, 11]],
  ];

  it.each(networks)("is the derivative of the loss by its definition: %s", (_, network, [height, width]) => {
    const { image, labels, feeds } = feedsOf(height, width, 4, "float64");
    const { model } = compileGradient(network, { height, width }, given);
    const { gradient, loss } = interpret(model.graph, feeds);
    const centre = planesOf(image);
    const f = (at: Planes) => lossByHand(network, at, labels, centre);
    expect(Math.abs(numbersOf(loss!)[0]! / f(centre) - 1)).toBeLessThan(1e-7);
    for (const seed of [1, 2]) {
      const next = random(seed);
      const u = centre.data.map(() => normal(next));
      const at = (t: number) => f({ ...centre, data: centre.data.map((v, i) => v + t * u[i]!) });
      const difference = (h: number) => (at(h) - at(-h)) / (2 * h);
      const terms = numbersOf(gradient!).map((g, i) => g * u[i]!);
      const along = terms.reduce((sum, v) => sum + v, 0);
      const expected = (4 * difference(0.01) - difference(0.02)) / 3;
      // Constants such as mean/scale are float32, and so are the weights of Resize, which are onnxruntime's.
      expect(Math.abs(along - expected) / Math.hypot(...terms)).toBeLessThan(2e-6);
    }
  });
});

/** A network with what is lowered and reordered: Relu, Clip and PRelu masks, a pooling with a gradient. */
const masked = (): Network =>
  tinyNetwork({
    head: (op, z) => {
      const slope = op.tensor(tensorOf("float32", [4, 1, 1], [0.1, 0.2, 0.3, 0.4]), "slope");
      const clipped = op.Clip(op.PRelu(z, slope), op.constant(-1), op.constant(6));
      const pooled = op.MaxPool(clipped, { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] });
      return op.Add(pooled, z);
    },
  });

describe("the order for memory", () => {
  const size = { height: 24, width: 32 };
  const { model } = compileGradient(masked(), size, given);

  it("makes each mask before the values that come after it, and the outputs in the order given", () => {
    const order = executionOrder(model.graph.nodes);
    const place = (name: string) => order.findIndex((n) => n.outputs.includes(name));
    for (const mask of order.filter((n) => ["Greater", "Less", "And"].includes(n.op))) {
      const made = place(mask.outputs[0]!);
      const ready = Math.max(...mask.inputs.map(place));
      const between = order
        .slice(ready + 1, made)
        .filter((n) => n.op !== "GatherND" && !["Greater", "Less"].includes(n.op));
      expect(between.map((n) => n.op)).toEqual([]);
    }
    const output = (name: string) => model.graph.nodes.find((n) => n.outputs.includes(name))!;
    const made = ["labels", "loss", "gradient"].map((name) => place(output(name).inputs[0]!));
    expect(made).toEqual(made.toSorted((a, b) => a - b));
  });

  it("is topological, and adds nothing but first elements", () => {
    const { graph } = model;
    const before = new Set(graph.inputs.map((v) => v.name));
    for (const name of graph.initializers.keys()) before.add(name);
    for (const node of graph.nodes) {
      expect(node.inputs.filter((name) => name !== "" && !before.has(name))).toEqual([]);
      for (const name of node.outputs) before.add(name);
    }
    const pruned = prune(graph);
    const added = graph.nodes.filter((n) => !pruned.nodes.includes(n));
    expect(new Set(added.map((n) => n.op))).toEqual(new Set(["GatherND"]));
  });

  it("changes nothing in what onnxruntime gives", async () => {
    const { feeds } = feedsOf(size.height, size.width, 4);
    const straight: Model = { ...model, graph: prune(model.graph) };
    const [ours, theirs] = [await runWasm(model, feeds), await runWasm(straight, feeds)];
    expect(Object.keys(ours).toSorted()).toEqual(["gradient", "labels", "loss"]);
    expect(ours).toEqual(theirs);
    expect(numbersOf(ours["gradient"]!).some((v) => v !== 0)).toBe(true);
  });

  it("is predicted to take less memory than the builder's order", () => {
    const types = typesOf(model.graph);
    const ordered = footprint({ ...model.graph, types });
    const straight = footprint({ ...prune(model.graph), types });
    expect(ordered.runBytes).toBeLessThan(straight.runBytes);
  });
});

describe("the pooling's indices", () => {
  it("come from the forward pass, once", () => {
    const { model } = compileGradient(masked(), { height: 8, width: 8 }, given);
    const pools = model.graph.nodes.filter((n) => n.op === "MaxPool");
    expect(pools.map((n) => n.outputs.length)).toEqual([2]);
  });
});

describe("a network lowered for its gradient", () => {
  it("is written in other nodes, and means the same", () => {
    const { model } = masked();
    const loaded = (lower?: Lower) => {
      const op = createBuilder();
      const { output } = load(op, model, { input: op.input("x", "float32", [1, 3, 8, 12]) }, lower);
      return op.graph({ y: output! });
    };
    const [plain, lowered] = [loaded(), loaded(lowerForGradient)];
    expect(lowered.nodes.map((n) => n.op)).not.toEqual(plain.nodes.map((n) => n.op));
    const x = tensorOf(
      "float64",
      [1, 3, 8, 12],
      noiseImage(8, 12).data.map((v) => v / 128 - 1),
    );
    const [expected, actual] = [plain, lowered].map((graph) => numbersOf(interpret(graph, { x })["y"]!));
    for (const [i, v] of expected!.entries()) expect(Math.abs(actual![i]! - v)).toBeLessThan(1e-9);
  });
});

describe("the compiled forward graph", () => {
  it("has labels and confidence of the image's size, and no gradient", () => {
    const { model } = compileForward(tinyNetwork(), { height: 9, width: 7 });
    expect(model.graph.inputs.map((v) => [v.name, v.shape])).toEqual([["image", [1, 3, 9, 7]]]);
    expect(model.graph.outputs.map((v) => [v.name, v.dtype, v.shape])).toEqual([
      ["labels", "uint8", [1, 9, 7]],
      ["confidence", "float32", [1, 9, 7]],
    ]);
  });

  it("needs no target where the least-likely class is the loss's", () => {
    const { model } = compileGradient(tinyNetwork(), { height: 8, width: 8 }, leastLikely);
    expect(model.graph.inputs.map((v) => v.name)).toEqual(["image"]);
  });

  it("refuses a size that the network refuses, and says where", () => {
    const rigid = tinyNetwork(
      { head: (op, z) => op.Add(z, op.tensor(tensorOf("float32", [1, 1, 32, 1], new Float32Array(32)), "rows")) },
      { input: { multipleOf: 1 } },
    );
    expect(() => compileForward(rigid, { height: 32, width: 8 })).not.toThrow();
    expect(() => compileForward(rigid, { height: 12, width: 8 })).toThrow(/node Add .*broadcast/);
  });
});

describe("the size that the network sees", () => {
  it.each([
    [{ height: 360, width: 480 }, { multipleOf: 8 }, { height: 360, width: 480 }],
    [{ height: 363, width: 477 }, { multipleOf: 8 }, { height: 360, width: 480 }],
    [{ height: 365, width: 484 }, { multipleOf: 8 }, { height: 368, width: 488 }],
    [{ height: 1, width: 2 }, { multipleOf: 8 }, { height: 8, width: 8 }],
    [{ height: 17, width: 23 }, { multipleOf: 1 }, { height: 17, width: 23 }],
    [
      { height: 17, width: 23 },
      { height: 513, width: 513 },
      { height: 513, width: 513 },
    ],
    [{ height: 17, width: 23 }, { height: 64 }, { height: 64, width: 24 }],
    [
      { height: 361, width: 480 },
      { multipleOf: 8, fit: "pad" },
      { height: 368, width: 480 },
    ],
    [
      { height: 1, width: 9 },
      { multipleOf: 8, fit: "pad" },
      { height: 8, width: 16 },
    ],
    [
      { height: 17, width: 100 },
      { height: 32, width: 48, fit: "tile" },
      { height: 32, width: 48 },
    ],
  ] as const)("of %o with %o is %o", (size, input, expected) => {
    expect(networkSize(tinyManifest({ input }), size)).toEqual(expected);
  });

  it("is any from a tile upwards, of an image that needs neither padding nor resizing", () => {
    const tiles = tinyManifest({ input: { height: 32, width: 48, fit: "tile" } });
    expect(nativeSize(tiles, { height: 17.4, width: 100.6 })).toEqual({ height: 32, width: 101 });
    const padded = tinyManifest({ input: { multipleOf: 8, fit: "pad" } });
    expect(nativeSize(padded, { height: 17.4, width: 96 })).toEqual({ height: 24, width: 96 });
  });
});
