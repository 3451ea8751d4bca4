/** Gradients within a number of bytes: the same results, in the order that was planned, from fewer bytes. */

import { given } from "../../support/aims.ts";
import { describe, expect, test } from "vitest";
import { expandLate } from "../../../src/lowering/wasm/expand.ts";
import { isCheap } from "../../../src/lowering/recompute/cost.ts";
import { recomputed, type MemoryModel, type TypedGraph } from "../../../src/lowering/recompute/recompute.ts";
import { orderedFile, scheduleOf } from "../../../src/lowering/recompute/schedule.ts";
import { gradient } from "../../../src/autodiff/gradient.ts";
import { createBuilder, type Builder } from "../../../src/onnx/build.ts";
import type { Model } from "../../../src/onnx/graph.ts";
import { typesOf } from "../../../src/onnx/types.ts";
import { writeModel } from "../../../src/onnx/write.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { executionOrder, liveness, usage } from "../../../src/runtime/memory/liveness.ts";
import { compileGradient } from "../../../src/segmenter/compile.ts";
import { openNetwork } from "../../../src/segmenter/network.ts";
import { numbersOf, tensorOf, type Tensor } from "../../../src/tensor.ts";
import { miniatures } from "../../support/networks/all.ts";
import { noise } from "../../support/networks/check.ts";
import { noiseLabels } from "../../support/networks/image.ts";
import { CLASSES } from "../../support/networks/miniature.ts";
import { tinyManifest } from "../../support/networks/tiny.ts";
import { interpret } from "../../support/interpreter.ts";
import { runWasm } from "../../support/wasm.ts";

const peakOf = ({ graph, types }: TypedGraph): number => liveness({ ...graph, types }).peakBytes;

/** Of what is needed only the bytes alive count here. */
const memory: MemoryModel = {
  order: ({ nodes }) => executionOrder(nodes).flatMap(({ outputs }) => outputs.find((name) => name !== "") ?? []),
  usage: ({ graph, types }) => usage({ ...graph, types }),
  need: peakOf,
};

type Layer = (op: Builder, x: Value, seed: number) => Value;

const convolution = (op: Builder, x: Value, seed: number): Value => {
  const channels = x.shape[1]!;
  const weights = op.tensor(noise([channels, channels, 3, 3], seed), "weights");
  return op.Conv(x, weights, null, { pads: [1, 1, 1, 1] });
};

/** Blocks of the kinds that keep masks, floats, and indices for the backward pass. */
const layers: Readonly<Record<string, Layer>> = {
  prelu: (op, x, seed) => op.PRelu(convolution(op, x, seed), op.constant(0.25)),
  sigmoid: (op, x, seed) => {
    const y = convolution(op, x, seed);
    return op.Mul(y, op.Sigmoid(y));
  },
  residual: (op, x, seed) => op.Add(x, op.Relu(convolution(op, x, seed))),
  pooled: (op, x, seed) => {
    const half = op.MaxPool(op.Tanh(convolution(op, x, seed)), { kernel_shape: [2, 2], strides: [2, 2] });
    return op.Resize(half, null, op.tensor({ ...noise([4], 1), data: Float32Array.of(1, 1, 2, 2) }, "scales"), {
      mode: "nearest",
    });
  },
};

const SIDE = 16;

/** x ↦ loss = Σ y²/2 and ∂ loss/∂ x, with this many blocks. */
const networkOf = (layer: Layer, blocks: number): Model => {
  const op = createBuilder();
  const x = op.input("x", "float32", [1, 4, SIDE, SIDE]);
  let y: Value = x;
  for (let i = 0; i < blocks; i++) y = layer(op, op.Mul(y, op.constant(0.5)), 10 + i);
  const loss = op.ReduceSum(op.Mul(op.Mul(y, y), op.constant(0.5)), op.ints([0, 1, 2, 3]), { keepdims: 0 });
  const [dx] = gradient(op, loss, [x]);
  return op.model({ loss, dx: dx! });
};

const typed = ({ graph }: Model): TypedGraph => ({ graph, types: typesOf(graph) });

/** Of the graph in its schedule, with nothing repeated. */
const scheduledPeak = (plain: TypedGraph, gradients = ["dx"]): number =>
  peakOf(orderedFile(scheduleOf(plain, gradients, memory.order), plain.graph));

/** Within this share of what the schedule takes. */
const shrunk = (plain: TypedGraph, share: number): TypedGraph | null =>
  recomputed(plain, ["dx"], memory, share * scheduledPeak(plain));

const repeatedIn = ({ graph }: TypedGraph) =>
  graph.nodes.filter((n) => n.op !== "GatherND" && n.outputs.some((name) => name.includes("_again_")));

const distance = (a: Tensor, b: Tensor): number => {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  return Math.max(...left.map((v, i) => Math.abs(v - right[i]!))) / Math.max(...right.map(Math.abs));
};

describe.each([
  { name: "prelu", share: 0.9 },
  { name: "sigmoid", share: 0.45 },
  { name: "residual", share: 0.85 },
  { name: "pooled", share: 0.6 },
])("24 blocks: $name", ({ name, share }) => {
  const model = networkOf(layers[name]!, 24);
  const plain = typed(model);
  const lean = shrunk(plain, share)!;
  const x = noise([1, 4, SIDE, SIDE], 5);

  test("take fewer bytes, as a convolution is executed again", () => {
    expect(peakOf(lean)).toBeLessThanOrEqual(share * scheduledPeak(plain));
    expect(repeatedIn(lean).map((n) => n.op)).toContain("Conv");
  });

  test("have the same results: by definition, and in onnxruntime", async () => {
    const expected = interpret(plain.graph, { x });
    const actual = interpret(lean.graph, { x });
    const [before, after] = [await runWasm(model, { x }), await runWasm({ ...model, graph: lean.graph }, { x })];
    for (const output of ["loss", "dx"]) {
      expect(numbersOf(actual[output]!)).toEqual(numbersOf(expected[output]!));
      expect(distance(after[output]!, before[output]!)).toBeLessThanOrEqual(1e-6);
    }
  });

  test("have the types that are inferred, and repeat during the backward pass", () => {
    const inferred = typesOf(lean.graph);
    for (const output of lean.graph.nodes.flatMap((n) => n.outputs.filter((v) => v !== ""))) {
      const { dtype, shape } = inferred.get(output)!;
      expect(lean.types.get(output)).toMatchObject({ dtype, shape });
    }
    const order = memory.order(lean.graph);
    const loss = order.indexOf(plain.graph.nodes.find((n) => n.outputs[0] === "loss")!.inputs[0]!);
    const again = repeatedIn(lean).map((n) => order.indexOf(n.outputs[0]!));
    expect(loss).toBeGreaterThan(0);
    expect(Math.min(...again)).toBeGreaterThan(loss);
    const backward = order.findIndex((name) => name === plain.graph.nodes.findLast((n) => n.op === "Conv")!.outputs[0]);
    expect(again.some((place) => place > loss && place < backward)).toBe(true);
  });
});

describe("what is repeated", () => {
  const plain = typed(networkOf(layers["pooled"]!, 24));
  const shares = [1, 0.85, 0.7, 0.55];

  test("is nothing where all fits, and more for fewer bytes, up to a limit", () => {
    const counts = shares.map((share) => repeatedIn(shrunk(plain, share)!).length);
    expect(counts[0]).toBe(0);
    expect(counts.every((n, i) => i === 0 || n > counts[i - 1]!)).toBe(true);
    expect(shrunk(plain, 0.05)).toBeNull();
  });

  test("leaves no more than the room", () => {
    for (const share of shares) expect(peakOf(shrunk(plain, share)!)).toBeLessThanOrEqual(share * scheduledPeak(plain));
  });

  test("only reads and writes, where that suffices", () => {
    const op = createBuilder();
    const x = op.input("x", "float32", [1, 4, SIDE, SIDE]);
    const pooled = op.MaxPool(op.Mul(x, op.constant(2)), { kernel_shape: [3, 3], strides: [2, 2] });
    const y = op.Add(op.ReduceSum(pooled, op.ints([1, 2, 3]), { keepdims: 1 }), convolution(op, x, 3));
    const loss = op.ReduceSum(op.Mul(y, op.Exp(op.Neg(y))), op.ints([0, 1, 2, 3]), { keepdims: 0 });
    const graph = typed(op.model({ loss, dx: gradient(op, loss, [x])[0]! }));
    const repeated = repeatedIn(shrunk(graph, 0.99)!);
    expect(repeated.length).toBeGreaterThan(0);
    expect(repeated.every(isCheap)).toBe(true);
  });
});

describe.each(miniatures)("$name", (m) => {
  const { height, width, dynamic, output } = m;
  const changes = {
    classes: CLASSES,
    input: { multipleOf: 1, ...(dynamic ? {} : { height, width }) },
    output: { name: output },
  };
  const network = openNetwork(tinyManifest(changes), writeModel(m.model));

  test("has the same gradient as without, to the bit in float64", () => {
    const plain = typed(compileGradient(network, m, given).model);
    const taken = scheduledPeak(plain, ["gradient"]);
    const found = [0.6, 0.75, 0.85, 0.95, 1].flatMap(
      (share) => recomputed(plain, ["gradient"], memory, share * taken) ?? [],
    );
    const feeds = {
      image: noise([1, 3, height, width], 4, 100),
      target: tensorOf("int32", [1, height, width], noiseLabels(height, width, CLASSES, 3, true).data),
    };
    const [expected, actual] = [plain, found[0]!].map(({ graph }) => interpret(graph, feeds));
    for (const name of ["loss", "labels", "gradient"])
      expect(numbersOf(actual![name]!)).toEqual(numbersOf(expected![name]!));
  });
});

describe("large constants", () => {
  const op = createBuilder();
  const x = op.input("x", "float32", [1, 2]);
  const y = op.Add(op.Expand(op.constant(3), op.ints([200, 100, 2])), x);
  const { graph, ...model } = op.model({ y });
  const late = expandLate(graph, typesOf(graph));

  test("are made when the graph runs", () => {
    const constant = new Set(late.initializers.keys());
    expect(late.nodes.filter((n) => n.inputs.every((name) => constant.has(name)))).toEqual([]);
  });

  test("have the same value, whatever the image", async () => {
    for (const values of [
      [1, 2],
      [NaN, 5],
      [Infinity, -1],
    ] as const) {
      const feeds = { x: { ...noise([1, 2], 1), data: Float32Array.from(values) } };
      const made = (await runWasm({ ...model, graph: late }, feeds))["y"]!;
      expect(numbersOf(made).slice(0, 2)).toEqual(values.map((v) => v + 3));
    }
  });
});
