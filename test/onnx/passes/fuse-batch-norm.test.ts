import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Graph, Model, Node } from "../../../src/onnx/graph.ts";
import { fuseBatchNormalization } from "../../../src/onnx/passes/fuse-batch-norm.ts";
import { readModel } from "../../../src/onnx/read.ts";
import { random } from "../../../src/random.ts";
import type { Tensor } from "../../../src/tensor.ts";
import { hasReference, referenceNote, referencePath } from "../../support/reference.ts";
import { distance, float, modelOf, node, noise, runModel } from "../support.ts";

const x = noise([2, 4, 7, 6]);

/** γ, β, μ, σ² for `channels` channels. */
const parameters = (channels: number, seed = 9): Record<string, Tensor> => {
  const next = random(seed);
  return {
    gamma: noise([channels], seed + 1),
    beta: noise([channels], seed + 2),
    mean: noise([channels], seed + 3),
    variance: float(
      [channels],
      Array.from({ length: channels }, () => 0.1 + next()),
    ),
  };
};
const normalise = (from: string, to: string, attributes = {}): Node =>
  node("BatchNormalization", [from, "gamma", "beta", "mean", "variance"], [to], attributes);

const opsOf = (graph: Graph): string[] => graph.nodes.map((n) => n.op);
const ops = (model: Model): string[] => opsOf(model.graph);

/** The graph after the pass: of the same signature and values; nothing was mutated; the pass is idempotent. */
const check = async (model: Model, input = x): Promise<Graph> => {
  const before = structuredClone(model);
  const fused = fuseBatchNormalization(model);
  expect(model).toEqual(before);
  expect(fused.graph.inputs).toEqual(model.graph.inputs);
  expect(fused.graph.outputs).toEqual(model.graph.outputs);
  expect(fuseBatchNormalization(fused)).toBe(fused);
  const [wanted, got] = [await runModel(model, { x: input }), await runModel(fused, { x: input })];
  for (const { name } of model.graph.outputs) expect(distance(got[name]!, wanted[name]!)).toBeLessThan(2e-6);
  return fused.graph;
};

describe("fuseBatchNormalization folds into", () => {
  const weights: readonly (readonly [title: string, op: string, w: Tensor, bias: boolean, attributes: object])[] = [
    ["Conv", "Conv", noise([6, 4, 3, 3], 3), false, {}],
    ["Conv with bias and strides", "Conv", noise([6, 4, 3, 3], 3), true, { strides: [2, 1], pads: [1, 1, 1, 1] }],
    ["grouped Conv", "Conv", noise([6, 2, 3, 3], 3), true, { group: 2 }],
    ["depthwise Conv", "Conv", noise([4, 1, 3, 3], 3), false, { group: 4, dilations: [2, 1] }],
    ["ConvTranspose", "ConvTranspose", noise([4, 5, 3, 2], 3), true, { strides: [2, 2] }],
    ["grouped ConvTranspose", "ConvTranspose", noise([4, 3, 3, 3], 3), true, { group: 2 }],
    ["depthwise ConvTranspose", "ConvTranspose", noise([4, 1, 3, 3], 3), false, { group: 4 }],
  ];
  it.each(weights)("%s", async (_, op, w, bias, attributes) => {
    const group = "group" in attributes ? Number(attributes.group) : 1;
    const channels = op === "Conv" ? w.shape[0]! : w.shape[1]! * group;
    const initializers = { w, ...(bias ? { b: noise([channels], 8) } : {}), ...parameters(channels) };
    const conv = node(op, bias ? ["x", "w", "b"] : ["x", "w"], ["c"], { ...attributes });
    const nodes = [conv, normalise("c", "n", { epsilon: 0.01 }), node("Relu", ["n"], ["y"])];
    const graph = await check(modelOf({ inputs: { x }, initializers, nodes, outputs: ["y"] }));
    expect(opsOf(graph)).toEqual([op, "Relu"]);
    expect([...graph.initializers.keys()]).toEqual(["n_weight", "n_bias"]);
    expect(graph.nodes[0]!.attributes).toEqual(conv.attributes);
  });

  it("exactly w·s and (b − μ)·s + β, computed in float64", () => {
    const [w, b, gamma, beta, mean, variance] = [0.1, 0.2, 0.7, 0.3, 0.9, 1e-3].map(Math.fround) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const model = modelOf({
      inputs: { x: noise([1, 1, 1, 1]) },
      initializers: {
        w: float([1, 1, 1, 1], [w]),
        b: float([1], [b]),
        gamma: float([1], [gamma]),
        beta: float([1], [beta]),
        mean: float([1], [mean]),
        variance: float([1], [variance]),
      },
      nodes: [node("Conv", ["x", "w", "b"], ["c"]), normalise("c", "y")],
      outputs: ["y"],
    });
    const { initializers } = fuseBatchNormalization(model).graph;
    const s = gamma / Math.sqrt(variance + 1e-5);
    expect(initializers.get("y_weight")!.data[0]).toBe(Math.fround(w * s));
    expect(initializers.get("y_bias")!.data[0]).toBe(Math.fround((b - mean) * s + beta));
  });

  it("a convolution whose weights are a Constant, and through Identity", async () => {
    const nodes = [
      node("Constant", [], ["w"], { value: noise([4, 4, 1, 1], 3) }),
      node("Identity", ["w"], ["v"]),
      node("Identity", ["gamma0"], ["gamma"]),
      node("Conv", ["x", "v"], ["c"]),
      normalise("c", "y"),
    ];
    const { gamma, ...rest } = parameters(4);
    expect(
      opsOf(await check(modelOf({ inputs: { x }, initializers: { gamma0: gamma!, ...rest }, nodes, outputs: ["y"] }))),
    ).toEqual(["Conv"]);
  });

  it("two convolutions that share their weights, each on its own", async () => {
    const nodes = [
      node("Conv", ["x", "w"], ["c1"]),
      normalise("c1", "n1"),
      node("Conv", ["n1", "w"], ["c2"]),
      normalise("c2", "y", { epsilon: 0.1 }),
    ];
    const initializers = { w: noise([4, 4, 1, 1], 3), ...parameters(4) };
    expect(opsOf(await check(modelOf({ inputs: { x }, initializers, nodes, outputs: ["y"] })))).toEqual([
      "Conv",
      "Conv",
    ]);
  });

  it("the convolution, two that follow one another", async () => {
    const nodes = [node("Conv", ["x", "w"], ["c"]), normalise("c", "n"), normalise("n", "y")];
    const initializers = { w: noise([4, 4, 3, 3], 3), ...parameters(4) };
    expect(opsOf(await check(modelOf({ inputs: { x }, initializers, nodes, outputs: ["y"] })))).toEqual(["Conv"]);
  });

  it("without taking a name that is in use", async () => {
    const nodes = [
      node("Relu", ["x"], ["y_weight"]),
      node("Neg", ["y_weight"], ["y_bias"]),
      node("Conv", ["y_bias", "w"], ["c"]),
      normalise("c", "y"),
    ];
    const initializers = { w: noise([4, 4, 1, 1], 3), ...parameters(4) };
    expect(opsOf(await check(modelOf({ inputs: { x }, initializers, nodes, outputs: ["y"] })))).toEqual([
      "Relu",
      "Neg",
      "Conv",
    ]);
  });
});

describe("fuseBatchNormalization makes Mul and Add where", () => {
  const initializers = { w: noise([4, 4, 1, 1], 3), ...parameters(4) };
  it("there is no convolution before it", async () => {
    const nodes = [node("Relu", ["x"], ["r"]), normalise("r", "y")];
    const graph = await check(modelOf({ inputs: { x }, initializers, nodes, outputs: ["y"] }));
    expect(opsOf(graph)).toEqual(["Relu", "Mul", "Add"]);
    expect([...graph.initializers.values()].map((t) => t.shape)).toEqual([
      [4, 1, 1],
      [4, 1, 1],
    ]);
  });

  it("the convolution's output has another consumer", async () => {
    const nodes = [node("Conv", ["x", "w"], ["c"]), normalise("c", "n"), node("Add", ["c", "n"], ["y"])];
    const sketch = { inputs: { x }, initializers, nodes, outputs: ["y"] };
    expect(opsOf(await check(modelOf(sketch)))).toEqual(["Conv", "Mul", "Add", "Add"]);
  });

  it("the convolution's output is an output of the graph", async () => {
    const nodes = [node("Conv", ["x", "w"], ["c"]), normalise("c", "y")];
    expect(opsOf(await check(modelOf({ inputs: { x }, initializers, nodes, outputs: ["y", "c"] })))).toEqual([
      "Conv",
      "Mul",
      "Add",
    ]);
  });

  it("the convolution's weights are not constant", async () => {
    const nodes = [node("Exp", ["w"], ["v"]), node("Conv", ["x", "v"], ["c"]), normalise("c", "y")];
    expect(opsOf(await check(modelOf({ inputs: { x }, initializers, nodes, outputs: ["y"] })))).toEqual([
      "Exp",
      "Conv",
      "Mul",
      "Add",
    ]);
  });

  it("the input has two or three dimensions", async () => {
    for (const shape of [
      [3, 4],
      [3, 4, 5],
    ]) {
      const input = noise(shape);
      const sketch = { inputs: { x: input }, initializers, nodes: [normalise("x", "y")], outputs: ["y"] };
      const graph = await check(modelOf(sketch), input);
      expect(opsOf(graph)).toEqual(["Mul", "Add"]);
      expect(graph.initializers.get("y_scale")!.shape).toEqual([4, ...shape.slice(2).map(() => 1)]);
    }
  });

  it("sizes are unknown but the rank is not", () => {
    const model = modelOf({ inputs: { x }, initializers, nodes: [normalise("x", "y")], outputs: ["y"] });
    const inputs = [{ name: "x", dtype: "float32" as const, shape: ["N", null, "h", "w"] }];
    expect(ops(fuseBatchNormalization({ ...model, graph: { ...model.graph, inputs } }))).toEqual(["Mul", "Add"]);
  });

  it("works in old operator sets", async () => {
    const nodes = [node("Relu", ["x"], ["r"]), normalise("r", "y", { spatial: 1 })];
    expect(opsOf(await check(modelOf({ opset: 7, inputs: { x }, initializers, nodes, outputs: ["y"] })))).toEqual([
      "Relu",
      "Mul",
      "Add",
    ]);
  });
});

describe("fuseBatchNormalization leaves alone", () => {
  const initializers = { w: noise([4, 4, 1, 1], 3), ...parameters(4) };
  const base = { inputs: { x }, initializers, outputs: ["y"] };
  const untouched: readonly (readonly [string, Model])[] = [
    ["a model without any", modelOf({ ...base, nodes: [node("Relu", ["x"], ["y"])] })],
    ["training mode", modelOf({ ...base, nodes: [normalise("x", "y", { training_mode: 1 })] })],
    ["spatial = 0", modelOf({ ...base, opset: 7, nodes: [normalise("x", "y", { spatial: 0 })] })],
    [
      "parameters that are computed",
      modelOf({
        ...base,
        nodes: [
          node("Exp", ["mean"], ["m"]),
          node("BatchNormalization", ["x", "gamma", "beta", "m", "variance"], ["y"]),
        ],
      }),
    ],
    [
      "parameters of another type",
      modelOf({
        ...base,
        initializers: { ...initializers, gamma: { dtype: "float64", shape: [4], data: new Float64Array(4) } },
        nodes: [normalise("x", "y")],
      }),
    ],
    [
      "one whose statistics are read",
      modelOf({
        ...base,
        nodes: [node("BatchNormalization", ["x", "gamma", "beta", "mean", "variance"], ["y", "m", "v"])],
      }),
    ],
    [
      "an operator of that name elsewhere",
      modelOf({ ...base, nodes: [{ ...normalise("x", "y"), domain: "com.example" }] }),
    ],
    [
      "an input of unknown rank",
      modelOf({
        ...base,
        nodes: [node("Reshape", ["x", "shape"], ["r"]), normalise("r", "y")],
        inputs: { x, shape: noise([1]) },
      }),
    ],
  ];
  it.each(untouched)("%s", (_, model) => {
    expect(fuseBatchNormalization(model)).toBe(model);
  });

  it("a convolution whose output a subgraph captures", () => {
    const body = modelOf({ nodes: [node("Neg", ["c"], ["i"])], outputs: ["i"] }).graph;
    const nodes = [
      node("Conv", ["x", "w"], ["c"]),
      normalise("c", "y"),
      node("If", ["flag"], ["z"], { then_branch: { type: "graph", value: body } }),
    ];
    const model = modelOf({ ...base, inputs: { x, flag: noise([]) }, nodes, outputs: ["y", "z"] });
    expect(ops(fuseBatchNormalization(model))).toEqual(["Conv", "Mul", "Add", "If"]);
  });
});

describe("reference networks", () => {
  it.skipIf(!hasReference)(`keep their logits without BatchNormalization${referenceNote}`, async () => {
    const model = readModel(new Uint8Array(readFileSync(referencePath("models", "enet_camvid.onnx"))));
    const fused = fuseBatchNormalization(model);
    expect(ops(model)).toContain("BatchNormalization");
    expect(ops(fused)).not.toContain("BatchNormalization");
    const input = noise([1, 3, 360, 480]);
    const name = model.graph.inputs[0]!.name;
    const output = model.graph.outputs[0]!.name;
    const [wanted, got] = [await runModel(model, { [name]: input }), await runModel(fused, { [name]: input })];
    expect(distance(got[output]!, wanted[output]!)).toBeLessThan(1e-3);
  });
});
