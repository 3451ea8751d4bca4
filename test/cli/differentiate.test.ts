/** `differentiate` with sums and seeds, executed by onnxruntime: against closed forms and difference quotients. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/onnx/build.ts";
import { readModel } from "../../src/onnx/read.ts";
import { numbersOf, tensorOf } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { noiseLabels } from "../support/networks/image.ts";
import { runWasm } from "../support/wasm.ts";
import { distance, gaussian, slopeError, workshop } from "./workshop.ts";
import { faultline } from "./terminal.ts";

const { path, put, differentiated, small } = workshop();

describe("sum and seed", () => {
  const x = gaussian([1, 3, 6, 8], 2);
  const values = numbersOf(x);

  it("sum: of tanh x it is 1 − tanh² x", async () => {
    const network = small("tanh", (op, v) => ({ y: op.Tanh(v) }));
    const model = await differentiated(network, "--loss", "sum");
    expect(model.graph.inputs.map((v) => v.name)).toEqual(["x"]);
    const { y, x_grad } = await runWasm(model, { x });
    expect(
      distance(
        numbersOf(y!),
        values.map((v) => Math.tanh(v)),
      ),
    ).toBeLessThan(1e-6);
    expect(
      distance(
        numbersOf(x_grad!),
        values.map((v) => 1 - Math.tanh(v) ** 2),
      ),
    ).toBeLessThan(1e-6);
  });

  it("seed: of x² it is 2·x·seed", async () => {
    const network = small("square", (op, v) => ({ y: op.Mul(v, v) }));
    const model = await differentiated(network, "--loss", "seed");
    expect(model.graph.inputs.map((v) => [v.name, v.shape])).toEqual([
      ["x", [1, 3, 6, 8]],
      ["y_seed", [1, 3, 6, 8]],
    ]);
    const seed = gaussian([1, 3, 6, 8], 3);
    const { x_grad } = await runWasm(model, { x, y_seed: seed });
    const expected = numbersOf(seed).map((s, i) => 2 * values[i]! * s);
    expect(distance(numbersOf(x_grad!), expected)).toBeLessThan(1e-6);
  });

  it("through convolutions and batch normalisation: the difference quotient", async () => {
    const network = small("normalised", (op, v) => {
      const weights = (shape: readonly number[], seed: number) => op.tensor(gaussian(shape, seed), "w");
      const conv = op.Conv(v, weights([5, 3, 3, 3], 11), weights([5], 12), { pads: [1, 1, 1, 1], strides: [2, 2] });
      const variance = op.tensor(tensorOf("float32", [5], [0.5, 1, 2, 0.1, 3]), "variance");
      const moments = [weights([5], 13), weights([5], 14), weights([5], 15), variance] as const;
      return { y: op.Sigmoid(op.BatchNormalization(conv, ...moments, { epsilon: 1e-3 })) };
    });
    const { graph } = readModel(readFileSync(network));
    expect(graph.nodes.map((n) => n.op)).toContain("BatchNormalization");
    const f = (at: readonly number[]) =>
      numbersOf(interpret(graph, { x: tensorOf("float64", x.shape, at) })["y"]!).reduce((sum, v) => sum + v, 0);
    const { x_grad } = await runWasm(await differentiated(network, "--loss", "sum"), { x });
    expect(slopeError(f, values, numbersOf(x_grad!))).toBeLessThan(1e-5);
  });

  it("by both of two inputs, or by the one that is named", async () => {
    const op = createBuilder("product");
    const [a, b] = [op.input("a", "float32", [2, 3]), op.input("b", "float32", [3])];
    op.input("mask", "int64", [3]);
    const network = put("product.onnx", op.model({ y: op.Mul(a, b) }));
    const [at, bt] = [gaussian([2, 3], 4), gaussian([3], 5)];
    const feeds = { a: at, b: bt, mask: tensorOf("int64", [3], [1, 1, 1]) };
    const both = await runWasm(await differentiated(network, "--loss", "sum"), feeds);
    const [av, bv] = [numbersOf(at), numbersOf(bt)];
    expect(Object.keys(both).toSorted()).toEqual(["a_grad", "b_grad", "y"]);
    expect(distance(numbersOf(both["a_grad"]!), [...bv, ...bv])).toBeLessThan(1e-6);
    expect(
      distance(
        numbersOf(both["b_grad"]!),
        bv.map((_, i) => av[i]! + av[i + 3]!),
      ),
    ).toBeLessThan(1e-6);
    const one = await differentiated(network, "--loss", "sum", "--input", "b");
    expect(one.graph.outputs.map((v) => v.name)).toEqual(["y", "b_grad"]);
    expect((await runWasm(one, feeds))["b_grad"]).toEqual(both["b_grad"]);
  });

  it("of one of two outputs; the other stays, also as labels that are no float", async () => {
    const network = small("heads", (op, v) => ({ wide: op.Mul(v, op.constant(3)), low: op.Tanh(v) }));
    const model = await differentiated(network, "--loss", "sum", "--output", "wide");
    const { wide, low, x_grad } = await runWasm(model, { x });
    expect([wide!.shape, low!.shape]).toEqual([x.shape, x.shape]);
    expect(numbersOf(x_grad!).every((v) => v === 3)).toBe(true);
    const labelled = small("labelled", (op, v) => ({ z: v, classes: op.ArgMax(v, { axis: 1 }), y: op.Tanh(v) }));
    const choice = await differentiated(labelled, "--loss", "sum", "--output", "y");
    expect(choice.graph.outputs.map((v) => [v.name, v.dtype])).toEqual([
      ["z", "float32"],
      ["classes", "int64"],
      ["y", "float32"],
      ["x_grad", "float32"],
    ]);
    expect(Object.keys(await runWasm(choice, { x }))).toHaveLength(4);
  });

  it("keeps names apart: a value inside may be called labels, an added name that is taken takes a prefix", async () => {
    const op = createBuilder("clash");
    const v = op.input("input", "float32", [1, 3, 6, 8]);
    const [inner] = op.append("Tanh", [v], {}, ["labels"]);
    const inside = put("inside.onnx", op.model({ y: op.Neg(inner) }));
    expect((await differentiated(inside)).graph.inputs.map((i) => i.name)).toEqual(["input", "labels"]);
    const outside = put("outside.onnx", op.model({ y: op.Neg(inner), labels: inner! }));
    const refused = await faultline("differentiate", outside, "-o", path("no.onnx"), "--output", "y");
    expect(refused.stderr).toMatch(/the network has a value "labels" already: give --prefix P/);
    const model = await differentiated(outside, "--output", "y", "--prefix", "my_");
    expect(model.graph.inputs.map((i) => i.name)).toEqual(["input", "my_labels"]);
    expect(model.graph.outputs.map((o) => o.name)).toEqual(["y", "labels", "my_loss", "my_input_grad"]);
    const feeds = { input: x, my_labels: tensorOf("int32", [1, 6, 8], noiseLabels(6, 8, 3).data) };
    const { my_input_grad } = await runWasm(model, feeds);
    expect(numbersOf(my_input_grad!).some((g) => g !== 0)).toBe(true);
  });
});
