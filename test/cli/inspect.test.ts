/** What `inspect` tells of networks whose operators, costs and faults are known. */

import { describe, expect, it } from "vitest";
import type { Survey } from "../../src/cli/survey.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import type { Model, Node } from "../../src/onnx/graph.ts";
import { tensorOf } from "../../src/tensor.ts";
import { tinyModel } from "../support/networks/tiny.ts";
import { modelOf, node, noise } from "../onnx/support.ts";
import { faultline, jsonOf } from "./terminal.ts";
import { workshop } from "./workshop.ts";

const { path, put, small, smooth } = workshop();

const inspected = (network: string, ...options: readonly string[]) =>
  jsonOf<Survey & { bytes: number; opset: number; nodes: number }>("inspect", network, ...options);

describe("operators and cost", () => {
  it("counts nodes, parameters and multiply-adds", async () => {
    const found = await inspected(smooth, "--size", "32x32");
    expect(Object.fromEntries(found.operators.map((o) => [o.operator, o.nodes]))).toEqual({
      Conv: 2,
      Tanh: 2,
      ConvTranspose: 1,
      Identity: 1,
    });
    expect([found.nodes, found.opset]).toEqual([6, 21]);
    // Weights and biases of 3×3 3 → 6, 3×3 6 → 6, transposed 2×2 6 → 4.
    expect(found.parameters).toBe(6 * 27 + 6 + 6 * 54 + 6 + 6 * 16 + 4);
    // All of them at 16 × 16 positions.
    expect(found.sizes.map((s) => s.macs)).toEqual([16 * 16 * (6 * 27 + 6 * 54 + 6 * 16)]);
    expect(found.sizes[0]!.outputs).toEqual({ output: [1, 4, 32, 32] });
  });

  it("counts the multiply-adds of groups and of matrix products", async () => {
    const op = createBuilder("products");
    const x = op.input("x", "float32", [2, 4, 5, 5]);
    const weights = (shape: readonly number[]) => op.tensor(noise(shape), "w");
    const grouped = op.Conv(x, weights([8, 1, 3, 3]), { group: 4, pads: [1, 1, 1, 1] });
    const flat = op.Reshape(grouped, op.ints([2, 200]));
    const product = op.MatMul(flat, weights([200, 7]));
    const gemm = op.append("Gemm", [product, weights([3, 7])], { transB: 1 })[0]!;
    const sum = op.append("Einsum", [gemm, weights([3, 6])], { equation: "nk,km" })[0]!;
    const { sizes } = await inspected(put("products.onnx", op.model({ y: sum })));
    expect(sizes.map((s) => s.macs)).toEqual([2 * 8 * 25 * 9 + 2 * 7 * 200 + 2 * 3 * 7 + 2 * 6 * 3]);
  });

  it("predicts the memory of the file that differentiate writes, and less for the forward run", async () => {
    const size = ["--size", "512x512"];
    const { sizes } = await inspected(smooth, ...size);
    const written = await jsonOf<{ predictedBytes: number }>("differentiate", smooth, "-o", path("m.onnx"), ...size);
    expect(sizes[0]!.gradientBytes).toBe(written.predictedBytes);
    expect(sizes[0]!.forwardBytes).toBeLessThan(written.predictedBytes);
    expect(sizes[0]!.forwardBytes).toBeGreaterThan(512 * 512 * 4 * (3 + 4));
  });

  it("looks at usual sizes where they are open, and at the only one where they are fixed", async () => {
    const sides = (found: Survey) => found.sizes.map((s) => Object.values(s.inputs)[0]!.slice(2));
    expect(sides(await inspected(smooth))).toEqual([
      [256, 256],
      [512, 512],
      [1024, 1024],
    ]);
    expect(sides(await inspected(small("fixed", (op, x) => ({ y: op.Neg(x) }))))).toEqual([[6, 8]]);
  });

  it("says which sizes a network refuses, and goes on", async () => {
    const rigid = put(
      "rigid.onnx",
      tinyModel({
        head: (op, z) => op.Add(z, op.tensor(tensorOf("float32", [1, 1, 32, 1], new Float32Array(32)), "rows")),
      }),
    );
    const { code, stdout } = await faultline("inspect", rigid);
    expect(code).toBe(0);
    expect(stdout).toMatch(/refused: node Add "Add" .*do not broadcast/);
    expect(stdout).toMatch(/judged by the operators' names alone:\ngradient of "output" by "input": yes/);
    expect((await inspected(rigid, "--size", "32x8")).sizes[0]!.fault).toBeUndefined();
    const asked = await faultline("inspect", rigid, "--size", "64x64");
    expect([asked.code, asked.stderr]).toEqual([
      1,
      expect.stringMatching(/rigid.onnx: node Add "Add" .*do not broadcast/),
    ]);
  });

  it("refuses sizes that the network has not", async () => {
    const { code, stdout, stderr } = await faultline("inspect", smooth, "--dim", "depth=3");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/smooth.onnx: --dim depth: no such dimension; symbolic are: batch, height, width/);
  });
});

/** Mod has no rule; twice on the way to y, once behind Floor, through which there is none. */
const blocked = small("blocked", (op, x) => {
  const mod = (v: typeof x, name: string) =>
    op.appendNode("Mod", [v, op.constant(7)], { fmod: { type: "int", value: 1 } }, [name])[0]!;
  const beside = mod(op.Floor(x), "beside");
  return { y: op.Add(mod(op.Tanh(mod(x, "first")), "second"), beside), classes: op.ArgMax(x, { axis: 1 }) };
});

describe("what blocks a gradient", () => {
  it("is every node without a rule on the way, by name, and no other", async () => {
    const { operators, gradients, sizes } = await inspected(blocked);
    expect(operators.find((o) => o.operator === "Mod")).toMatchObject({ nodes: 3, gradient: "unsupported" });
    expect(operators.find((o) => o.operator === "ArgMax")?.gradient).toBe("none");
    expect(operators.find((o) => o.operator === "Tanh")?.gradient).toBe("rule");
    expect(gradients.map((g) => [g.output, g.input, g.supported])).toEqual([["y", "x", false]]);
    expect(gradients[0]!.faults.map((f) => [f.operator, f.node])).toEqual([
      ["Mod", "first"],
      ["Mod", "second"],
    ]);
    expect(sizes[0]!.gradientBytes).toBeNull();
    const { stdout } = await faultline("inspect", blocked);
    expect(stdout).toMatch(/Mod +\d +NOT SUPPORTED/);
    expect(stdout).toContain(
      `gradient of "y" by "x": no, 2 nodes block it\n` +
        `  Mod: there is no gradient rule for Mod\n` +
        `    replace it in the network, or add its rule: CONTRIBUTING.md, "A new gradient rule"\n` +
        `    node "first"\n    node "second"\n`,
    );
  });

  it("is a form of an operator as well", async () => {
    const columns = small("columns", (op, x) => ({
      y: op.append("MaxPool", [op.Tanh(x)], { kernel_shape: [2, 2], storage_order: 1 }, 2)[0]!,
    }));
    const { gradients } = await inspected(columns);
    expect(gradients[0]!.faults).toEqual([
      expect.objectContaining({
        operator: "MaxPool",
        reason: "there is no gradient rule for MaxPool with storage_order 1",
      }),
    ]);
  });

  it("is not half precision, which is read as single precision", async () => {
    const half = small("half", (op, x) => ({ y: op.cast(op.cast(op.Tanh(x), "float16"), "float32") }));
    const { gradients } = await inspected(half);
    expect(gradients[0]).toMatchObject({ supported: true, faults: [] });
  });

  it("is named by the file's names, not by those of what is written in its place", async () => {
    const named = (n: Node): Node => (n.op === "Mod" ? { ...n, name: "my modulus" } : n);
    const model: Model = modelOf({
      inputs: { x: noise([1, 2, 4, 4]) },
      initializers: { seven: tensorOf("float32", [], [7]), w: noise([2, 3, 2, 2]) },
      nodes: [
        node("ConvTranspose", ["x", "w"], ["up"], { strides: [2, 2] }),
        node("Mod", ["up", "seven"], ["y"], { fmod: 1 }),
      ].map(named),
      outputs: ["y"],
    });
    const { gradients } = await inspected(put("named.onnx", model));
    expect(gradients[0]!.faults.map((f) => f.node)).toEqual(["my modulus"]);
  });

  it("is told apart from what has no derivative, and from what does not depend", async () => {
    const op = createBuilder("constant");
    op.input("x", "float32", [2]);
    const round = await inspected(small("round", (op, x) => ({ y: op.Floor(op.Tanh(x)) })));
    expect(round.gradients[0]).toMatchObject({
      supported: false,
      faults: [],
      reason: 'node Floor "Floor" has no derivative',
    });
    const other = op.input("z", "float32", [2]);
    const apart = await inspected(put("apart.onnx", op.model({ y: op.Neg(other) })));
    expect(apart.gradients.map((g) => [g.input, g.supported, g.reason])).toEqual([
      ["x", false, '"y" does not depend on "x"'],
      ["z", true, null],
    ]);
  });

  it("is not a cast to integers and back: that has no derivative", async () => {
    const found = await inspected(small("casts", (op, x) => ({ y: op.cast(op.cast(x, "int32"), "float32") })));
    expect(found.gradients[0]).toMatchObject({ supported: false, faults: [] });
    expect(found.gradients[0]!.reason).toMatch(/node Cast "Cast.*" has no derivative/);
  });

  it("is told by names alone where a network cannot be loaded", async () => {
    const custom = (n: Node): Node => (n.op === "Fancy" ? { ...n, domain: "acme" } : n);
    const model = modelOf({
      inputs: { x: noise([1, 2, 4, 4]) },
      nodes: [
        node("Tanh", ["x"], ["a"]),
        node("Fancy", ["a"], ["b"]),
        node("Loop", ["b"], ["c"]),
        node("ArgMax", ["x"], ["d"]),
        node("Mystery", ["d"], ["e"]),
        node("Identity", ["c"], ["y"]),
      ].map(custom),
      outputs: ["y", "e"],
    });
    const file = put("custom.onnx", { ...model, domains: new Map([["acme", 3]]) });
    const { loadFault, gradients, sizes } = await inspected(file);
    expect(loadFault).toMatch(
      /node acme.Fancy "Fancy_b" \(→ b\): operator acme.Fancy is not supported: it is no standard operator/,
    );
    expect(gradients.map((g) => [g.output, g.faults.map((f) => f.operator), g.reason])).toEqual([
      ["y", ["acme.Fancy", "Loop"], null],
      ["e", [], 'node ArgMax "ArgMax_d" has no derivative'],
    ]);
    expect(gradients[0]!.faults.map((f) => f.reason)).toEqual([
      "there is no gradient rule for acme.Fancy",
      "control flow, in which the data determine which nodes run and how often",
    ]);
    expect(gradients[0]!.faults.map((f) => f.advice)).toEqual([
      "acme is no standard operator set: export without fusions, for a plain ONNX runtime",
      "export with the control flow unrolled: trace the network at a fixed size",
    ]);
    expect(sizes[0]!.fault).toBe(loadFault);
    expect((await faultline("inspect", file)).stdout).toMatch(
      /opset 21, acme 3.*\n(.*\n)*acme.Fancy +1 +NOT SUPPORTED/,
    );
  });
});

describe("the text", () => {
  it("shows symbolic sizes, the yes, and the costs in a table", async () => {
    const { code, stdout, stderr } = await faultline("inspect", smooth);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("  in   input: float32[batch, 3, height, width]\n");
    expect(stdout).toContain('gradient of "output" by "input": yes\n');
    expect(stdout).toMatch(/inputs +multiply-adds +forward MiB +gradient MiB\n1×3×256×256 +9.54 M/);
  });
});
