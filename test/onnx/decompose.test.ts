/** Operators that are decomposed, against onnxruntime's own kernels for them; and the gradient that they are given. */

import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { createBuilder, type Builder } from "../../src/onnx/build.ts";
import { decomposableOperators, newerOperators } from "../../src/onnx/decompose.ts";
import { OnnxError, type Model, type Node } from "../../src/onnx/graph.ts";
import { fold } from "../../src/onnx/passes/fold.ts";
import { load } from "../../src/onnx/load.ts";
import type { Value } from "../../src/onnx/value.ts";
import { normal, random } from "../../src/random.ts";
import { numbersOf, scalar, sizeOf, tensorOf, type DType, type Tensor } from "../../src/tensor.ts";
import { saturated, withoutRounding } from "../support/cases/straight-through.ts";
import { interpret } from "../support/interpreter.ts";
import { runWasm, undeclared } from "../support/wasm.ts";
import { decomposeCases } from "./decompose-cases.ts";
import type { DecomposeCase, Fed } from "./decompose-cases/case.ts";
import { ints, modelOf, node, noise, runModel } from "./support.ts";

const titleOf = ({ operator, domain, name }: DecomposeCase): string =>
  `${domain === "" ? "" : `${domain}.`}${operator}: ${name}`;
const titled = (list: readonly DecomposeCase[]) => list.map((c) => [titleOf(c), c] as const);

const isFed = (input: Fed | Tensor | null): input is Fed => input !== null && "fed" in input;

/** The case as one node of a model: its fed inputs are the model's inputs, the others its constants. */
const partsOf = ({ operator, domain, inputs, attributes, outputs }: DecomposeCase) => {
  const named = inputs.map((input, i) => [`x${i}`, input] as const);
  const names = Array.from({ length: outputs }, (_, i) => (i === 1 || i === 2 ? "" : `y${i}`));
  const own: Node = {
    ...node(
      operator,
      named.map(([name, input]) => (input ? name : "")),
      names,
      attributes,
    ),
    domain,
  };
  return {
    own,
    names: names.filter((name) => name !== ""),
    feeds: Object.fromEntries(named.flatMap(([name, input]) => (isFed(input) ? [[name, input.fed]] : []))),
    initializers: Object.fromEntries(named.flatMap(([name, input]) => (input && !isFed(input) ? [[name, input]] : []))),
  };
};

const withDomain = (model: Model): Model => ({ ...model, domains: new Map([["com.microsoft", 1]]) });

/** The greatest difference, in levels for integers; infinite where type or shape differ. */
const difference = (a: Tensor, b: Tensor): number => {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return Infinity;
  const other = numbersOf(b);
  return Math.max(...numbersOf(a).map((v, i) => Math.abs(v - other[i]!)));
};

describe("a decomposed operator computes what onnxruntime's own kernel computes", () => {
  it("has a case for each operator", () => {
    const covered = new Set(
      decomposeCases.map(({ domain, operator }) => (domain ? `${domain}.${operator}` : operator)),
    );
    expect(decomposableOperators.filter((name) => !covered.has(name) && !newerOperators.includes(name))).toEqual([]);
  });

  it.each(titled(decomposeCases))("%s", async (_, c) => {
    const { own, names, feeds, initializers } = partsOf(c);
    const probe = modelOf({ inputs: feeds, initializers, nodes: [own], outputs: names });
    const op = createBuilder();
    const given = Object.fromEntries(
      probe.graph.inputs.map((v) => [v.name, op.input(v.name, v.dtype, feeds[v.name]!.shape)]),
    );
    const types = load(op, probe, given);
    const outputTypes = Object.fromEntries(names.map((name): [string, DType] => [name, types[name]!.dtype]));
    const original = withDomain(modelOf({ inputs: feeds, initializers, nodes: [own], outputs: names, outputTypes }));
    const decomposed = fold(original);
    expect(decomposed.graph.nodes.filter((n) => n.domain !== "" || n.op.startsWith("QLinear"))).toEqual([]);
    const expected = await runModel(original, feeds);
    for (const actual of [await runModel(decomposed, feeds), await runWasm(undeclared(decomposed), feeds)]) {
      for (const name of names) expect(difference(actual[name]!, expected[name]!)).toBeLessThanOrEqual(c.y ? 1 : 1e-5);
    }
  });
});

const affineOf = (c: DecomposeCase) =>
  c.inputs.flatMap((input) => (isFed(input) && input.affine ? [input.affine] : []));

/** Ranges of the integer types. */
const spans = { uint8: [0, 255], int8: [-128, 127] } as const;

/** The case with float inputs, quantised, and its output dequantised. */
const betweenFloats = (c: DecomposeCase): Model => {
  const { own, feeds, initializers } = partsOf(c);
  const constants: Record<string, Tensor> = { ...initializers };
  const nodes: Node[] = [];
  for (const [i, name] of Object.keys(feeds).entries()) {
    const { scale, zero, dtype } = affineOf(c)[i]!;
    Object.assign(constants, { [`s_${name}`]: scalar("float32", scale), [`z_${name}`]: scalar(dtype, zero) });
    nodes.push(node("QuantizeLinear", [`real_${name}`, `s_${name}`, `z_${name}`], [name]));
  }
  nodes.push(own);
  if (c.y) {
    Object.assign(constants, { s_y: scalar("float32", c.y.scale), z_y: scalar(c.y.dtype, c.y.zero) });
    nodes.push(node("DequantizeLinear", ["y0", "s_y", "z_y"], ["y"]));
  }
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, t]) => [`real_${name}`, tensorOf("float32", t.shape, numbersOf(t))]),
  );
  return withDomain(modelOf({ inputs, initializers: constants, nodes, outputs: [c.y ? "y" : "y0"] }));
};

describe("the gradient of a decomposed operator is that of the same function on reals, zero where it saturates", () => {
  it.each(titled(decomposeCases.filter((c) => c.real)))("%s", (_, c) => {
    const model = betweenFloats(c);
    const affines = affineOf(c);
    // Reals that lie on levels: rounding changes nothing, so that the derivative is taken where the network takes it.
    const feeds = Object.fromEntries(
      Object.values(partsOf(c).feeds).map((t, i) => {
        const { scale, zero } = affines[i]!;
        const reals = numbersOf(t).map((q) => (q - zero) * Math.fround(scale));
        return [model.graph.inputs[i]!.name, tensorOf("float64", t.shape, reals)];
      }),
    );
    const op = createBuilder();
    const inputs = model.graph.inputs.map((v) => op.input(v.name, "float32", feeds[v.name]!.shape));
    const y = Object.values(load(op, model, Object.fromEntries(inputs.map((v) => [v.name, v]))))[0]!;
    const next = random(2);
    const cotangent = Array.from({ length: sizeOf(y.shape) }, () => normal(next));
    const gradients = gradient(op, y, inputs, op.tensor(tensorOf("float32", y.shape, cotangent)));
    const graph = op.graph(Object.fromEntries(gradients.map((v, i) => [`d${i}`, v])));
    const actual = interpret(graph, feeds);
    const expected = withoutRounding((reals, ...x) => {
      const clamped = x.map((v, i) => {
        const { scale, zero, dtype } = affines[i]!;
        return saturated(reals, v, scale, zero, spans[dtype]);
      });
      const exact = c.real!(reals, ...clamped);
      return c.y ? saturated(reals, exact, c.y.scale, c.y.zero, spans[c.y.dtype]) : exact;
    })(feeds, {}, numbersOf(tensorOf("float32", y.shape, cotangent)));
    for (const [i, { name }] of inputs.entries()) {
      const [a, b] = [numbersOf(actual[`d${i}`]!), expected[name]!];
      const size = Math.hypot(...b);
      expect(size).toBeGreaterThan(0);
      expect(Math.hypot(...a.map((v, k) => v - b[k]!)) / size).toBeLessThan(1e-6);
    }
  });
});

/** An encoder and decoder on integers, the skip added and joined: what a statically quantised network looks like. */
const network = (): { model: Model; float: (op: Builder, x: Value) => Value } => {
  const affines = { x: [0.02, 128], c: [0.05, 110], a: [0.06, 120], j: [0.06, 118], y: [0.08, 125] } as const;
  const parameters = (name: keyof typeof affines) => [`s_${name}`, `z_${name}`];
  const constants: Record<string, Tensor> = {
    sizes: ints(1, 4, 8, 8),
    one: scalar("float32", 0.01),
    none: scalar("int8", 0),
  };
  for (const [name, [scale, zero]] of Object.entries(affines)) {
    constants[`s_${name}`] = scalar("float32", scale);
    constants[`z_${name}`] = scalar("uint8", zero);
  }
  const integers = (shape: readonly number[], seed: number) =>
    tensorOf(
      "int8",
      shape,
      numbersOf(noise(shape, seed)).map((v) => Math.max(-127, Math.min(127, Math.round(40 * v)))),
    );
  const [w, v] = [integers([4, 2, 3, 3], 3), integers([3, 8, 1, 1], 4)];
  const own = (n: Node): Node => ({ ...n, domain: "com.microsoft" });
  const nodes = [
    node("QuantizeLinear", ["image", ...parameters("x")], ["x"]),
    node("QLinearConv", ["x", ...parameters("x"), "w", "one", "none", ...parameters("c")], ["c"], {
      pads: [1, 1, 1, 1],
    }),
    node("MaxPool", ["c"], ["p"], { kernel_shape: [2, 2], strides: [2, 2] }),
    node("Resize", ["p", "", "", "sizes"], ["r"], { mode: "nearest" }),
    own(node("QLinearAdd", ["r", ...parameters("c"), "c", ...parameters("c"), ...parameters("a")], ["a"])),
    own(
      node("QLinearConcat", [...parameters("j"), "a", ...parameters("a"), "r", ...parameters("c")], ["j"], { axis: 1 }),
    ),
    node("QLinearConv", ["j", ...parameters("j"), "v", "one", "none", ...parameters("y")], ["q"]),
    node("DequantizeLinear", ["q", ...parameters("y")], ["y"]),
  ];
  const model = modelOf({
    inputs: { image: noise([1, 2, 8, 8]) },
    initializers: { ...constants, w, v },
    nodes,
    outputs: ["y"],
  });
  const scaled = (op: Builder, t: Tensor) =>
    op.tensor(
      tensorOf(
        "float32",
        t.shape,
        numbersOf(t).map((q) => q * Math.fround(0.01)),
      ),
    );
  const float = (op: Builder, image: Value) => {
    const c = op.Conv(image, scaled(op, w), null, { pads: [1, 1, 1, 1] });
    const pooled = op.MaxPool(c, { kernel_shape: [2, 2], strides: [2, 2] });
    const r = op.Resize(pooled, null, null, op.ints([1, 4, 8, 8]), { mode: "nearest" });
    return op.Conv(op.Concat(op.Add(r, c), r, { axis: 1 }), scaled(op, v));
  };
  return { model: withDomain(model), float };
};

describe("a network in QOperator form", () => {
  const { model, float } = network();
  const feeds = { image: noise([1, 2, 8, 8], 8) };

  it("gives what onnxruntime gives, within one level", async () => {
    const [expected, actual] = [await runModel(model, feeds), await runModel(fold(model), feeds)];
    expect(difference(actual["y"]!, expected["y"]!)).toBeLessThanOrEqual(0.08 + 1e-6);
  });

  it("has nearly the gradient of its float counterpart", async () => {
    const gradientOf = async (build: (op: Builder, image: Value) => Value): Promise<number[]> => {
      const op = createBuilder();
      const image = op.input("image", "float32", [1, 2, 8, 8]);
      const y = build(op, image);
      const [dx] = gradient(op, y, [image], op.tensor(noise(y.shape, 5)));
      return numbersOf((await runWasm(op.model({ dx: dx! }), feeds))["dx"]!);
    };
    const quantized = await gradientOf((op, image) => load(op, model, { image })["y"]!);
    const exact = await gradientOf(float);
    const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, u, i) => sum + u * b[i]!, 0);
    const cosine = dot(quantized, exact) / Math.sqrt(dot(quantized, quantized) * dot(exact, exact));
    // Rounding lets a few windows of the pooling choose another pixel.
    expect(cosine).toBeGreaterThan(0.98);
  });
});

describe("what is not decomposed is refused by name", () => {
  const refused: readonly (readonly [string, Node, RegExp])[] = [
    [
      "an unknown operator",
      { ...node("NhwcMaxPool", ["x"], ["y"]), domain: "com.microsoft" },
      /com\.microsoft\.NhwcMaxPool/,
    ],
    ...["NonZero", "Unique", "NonMaxSuppression"].map(
      (name) => [`${name} of data`, node(name, ["x"], ["y"]), /size depends on the data/] as const,
    ),
    ["Compress by data", node("Compress", ["x", "x"], ["y"]), /size depends on the data/],
    [
      "an unknown activation",
      { ...node("FusedConv", ["x", "w"], ["y"], { activation: "Snake" }), domain: "com.microsoft" },
      /activation Snake/,
    ],
    [
      "a product over batch axes",
      { ...node("FusedMatMul", ["x", "x"], ["y"], { transBatchA: 1 }), domain: "com.microsoft" },
      /transBatchA/,
    ],
    [
      "a scale of two axes",
      node("QLinearMatMul", ["q", "m", "z", "q", "m", "z", "s", "z"], ["y"]),
      /scale of shape \[2, 2\]/,
    ],
  ];
  it.each(refused)("%s", (_, own, message) => {
    const model = modelOf({
      inputs: { x: noise([1, 2, 3, 3]), q: tensorOf("uint8", [2, 2], [1, 2, 3, 4]) },
      initializers: {
        w: noise([1, 2, 1, 1]),
        m: noise([2, 2]),
        s: scalar("float32", 0.1),
        z: scalar("uint8", 0),
      },
      nodes: [own],
      outputs: ["y"],
    });
    expect(() => fold(withDomain(model))).toThrow(OnnxError);
    expect(() => fold(withDomain(model))).toThrow(message);
  });
});
