/** The file that `differentiate` writes, and when it writes none. */

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/onnx/build.ts";
import type { Node } from "../../src/onnx/graph.ts";
import { readModel } from "../../src/onnx/read.ts";
import { typesOf } from "../../src/onnx/types.ts";
import { liveness } from "../../src/runtime/memory/liveness.ts";
import { tensor } from "../../src/tensor.ts";
import { noise, relativeError } from "../support/networks/check.ts";
import { tinyModel } from "../support/networks/tiny.ts";
import { runWasm } from "../support/wasm.ts";
import { faultline } from "./terminal.ts";
import { open, workshop } from "./workshop.ts";

const { path, put, small, smooth } = workshop();

/** What ONNX demands of a file, read from its bytes without this project's reader, which sorts. */
const faultsOfFile = (bytes: Uint8Array): string[] => {
  const { graph, opsetImport } = fromBinary(ModelProtoSchema, bytes);
  const faults: string[] = [];
  const sets = opsetImport.map((o) => `${o.domain} ${o.version}`);
  if (sets.join() !== " 21") faults.push(`operator sets ${sets.join(", ")}`);
  const defined = new Set([...graph!.input, ...graph!.initializer].map((v) => v.name));
  for (const node of graph!.node) {
    if (node.domain !== "") faults.push(`${node.opType} of ${node.domain}`);
    for (const name of node.input) if (name !== "" && !defined.has(name)) faults.push(`${name} before it is defined`);
    for (const name of node.output) {
      if (name !== "" && defined.has(name)) faults.push(`${name} is defined twice`);
      defined.add(name);
    }
  }
  for (const { name } of graph!.output) if (!defined.has(name)) faults.push(`output ${name} is not defined`);
  return faults;
};

describe("the file", () => {
  it("is standard ONNX: in topological order, every name once, opset 21 and no other", async () => {
    const masked = small("masked", (op, v) => {
      const pooled = op.MaxPool(op.Relu(v), { kernel_shape: [2, 2], strides: [2, 2] });
      return { y: op.Clip(op.LeakyRelu(pooled, { alpha: 0.1 }), op.constant(-1), op.constant(2)) };
    });
    for (const network of [smooth, masked]) {
      const out = path("standard.onnx");
      const { code } = await faultline(
        "differentiate",
        network,
        "-o",
        out,
        "--size",
        network === smooth ? "8x8" : "6x8",
      );
      expect(code).toBe(0);
      const bytes = readFileSync(out);
      expect(faultsOfFile(bytes)).toEqual([]);
      // The check can fail: the same nodes the other way round.
      const proto = fromBinary(ModelProtoSchema, bytes);
      proto.graph!.node.reverse();
      expect(faultsOfFile(toBinary(ModelProtoSchema, proto)).length).toBeGreaterThan(5);
    }
  });

  it("keeps masks of what the backward pass needs, not the floats they are made of", async () => {
    const out = path("lean.onnx");
    await faultline("differentiate", "enet-street-float", "-o", out, "--size", "64x64");
    const { graph } = readModel(readFileSync(out));
    const types = typesOf(graph);
    const peak = (nodes: readonly Node[]) => liveness({ ...graph, nodes, types }).peakBytes;
    // Each mask's first element is taken early, and so the mask is made early.
    expect(peak(graph.nodes)).toBeLessThan(0.7 * peak(graph.nodes.filter((n) => n.op !== "GatherND")));
  });

  it("recomputes what does not fit a budget, and gives the same", async () => {
    const differentiate = async (...options: readonly string[]) => {
      const out = path("budget.onnx");
      const size = ["--size", "192x256", ...options];
      const { code, stdout, stderr } = await faultline(
        "differentiate",
        "enet-street-float",
        "-o",
        out,
        ...size,
        "--json",
      );
      if (code !== 0) return { stderr };
      const { predictedBytes } = JSON.parse(stdout) as { readonly predictedBytes: number };
      return { bytes: readFileSync(out), predictedBytes, stderr };
    };
    const plain = await differentiate();
    const budget = Math.floor((0.95 * plain.predictedBytes!) / 2 ** 20);
    const lean = await differentiate("--budget-mib", String(budget));
    expect(lean.predictedBytes).toBeLessThanOrEqual(budget * 2 ** 20);
    expect(faultsOfFile(lean.bytes!)).toEqual([]);
    const feeds = {
      image: noise([1, 3, 192, 256], 3),
      labels: tensor("int32", [1, 192, 256], new Int32Array(192 * 256)),
    };
    const [expected, actual] = [
      await runWasm(readModel(plain.bytes!), feeds),
      await runWasm(readModel(lean.bytes!), feeds),
    ];
    expect(relativeError(actual["image_grad"]!, expected["image_grad"]!)).toBeLessThanOrEqual(1e-5);
    expect((await differentiate("--budget-mib", "12")).stderr).toMatch(
      /no way is found to run the gradient in 12\.0 MiB; keeping all it needs it is predicted to take [\d.]+ MiB/,
    );
    expect((await differentiate("--budget-mib", "much")).stderr).toContain(
      '--budget-mib must be a whole number from 1 to 4096, not "much"',
    );
  });

  it("is described: sizes, memory, inputs and outputs, for people and machines", async () => {
    const out = path("told.onnx");
    const { stdout, stderr } = await faultline("differentiate", smooth, "-o", out, "--size", "8x8");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/told\.onnx: [\d ]+ bytes, \d+ nodes, predicted to run in [\d.]+ MiB\n/);
    expect(stdout).toContain("  in   labels: int32[1, 8, 8]\n");
    const json = await faultline("differentiate", smooth, "-o", out, "--size", "8x8", "--json");
    const data = JSON.parse(json.stdout) as { bytes: number; outputs: { name: string }[] };
    expect(data.bytes).toBe(readFileSync(out).length);
    expect(data.outputs.map((v) => v.name)).toEqual(["output", "loss", "input_grad"]);
  });

  it("warns where cross-entropy is taken of probabilities, and where one gradient is zero", async () => {
    const network = put("softmax.onnx", tinyModel({ head: (op, z) => op.Softmax(z, { axis: 1 }) }));
    const softmax = await faultline("differentiate", network, "-o", path("p.onnx"), "--size", "8x8");
    expect(softmax.code).toBe(0);
    expect(softmax.stderr).toMatch(/^warning: "output" is made by Softmax; cross-entropy is of logits/);
    const op = createBuilder("half");
    const [a, b] = [op.input("a", "float32", [2]), op.input("b", "float32", [2])];
    const half = put("half.onnx", op.model({ y: op.Mul(a, op.Floor(b)) }));
    const { code, stderr } = await faultline("differentiate", half, "-o", path("h.onnx"), "--loss", "sum");
    expect(code).toBe(0);
    expect(stderr).toBe('warning: "y" has no derivative by "b": node Floor "Floor" has none; its gradient is zero\n');
  });
});

describe("refusals name what is wrong and what would do, and leave no file", () => {
  const argmax = small("argmax", (op, v) => ({ classes: op.ArgMax(v, { axis: 1 }) }));
  const rounded = small("rounded", (op, v) => ({ y: op.Mul(op.Round(v), op.constant(2)) }));
  const mod = small("mod", (op, v) => {
    const first = op.appendNode("Mod", [v, op.constant(7)], { fmod: { type: "int", value: 1 } }, ["remainder"])[0]!;
    return { y: op.append("Mod", [op.Tanh(first), op.constant(5)], { fmod: 1 })[0]! };
  });
  const two = small("two", (op, v) => ({ a: op.Neg(v), b: op.Exp(v) }));
  const flat = small("flat", (op, v) => ({ y: op.ReduceMean(v, op.ints([2, 3]), { keepdims: 0 }) }));
  const anonymous = put("anonymous.onnx", tinyModel());
  const rankless = put("rankless.onnx", open(tinyModel(), [1, 3, "h", "w"]));
  const same = put("same.onnx", open(tinyModel(), [1, 3, "side", "side"]));

  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["open sizes", [smooth], /leaves sizes open \(input: float32\[batch, 3, height, width\]\): give --size HxW/],
    ["open sizes without names", [anonymous], /\[1, 3, \?, \?\]\): give --size HxW/],
    ["half of the sizes", [smooth, "--dim", "height=8"], /give --size HxW/],
    [
      "an unknown dimension",
      [smooth, "--dim", "depth=8"],
      /--dim depth: no such dimension; symbolic are: batch, height/,
    ],
    ["an unknown input's shape", [smooth, "--shape", "x=1x3x8x8"], /--shape x: no such input; inputs: input/],
    [
      "a shape that does not fit",
      [smooth, "--shape", "input=1x4x8x8"],
      /input "input": is \[batch, 3, height, width\], cannot/,
    ],
    ["one name for two sizes", [same, "--size", "8x10"], /"side" would be both 8 and 10/],
    ["contradicting sizes", [rankless, "--size", "8x8", "--dim", "h=10"], /"h" would be both 10 and 8/],
    [
      "a size that is fixed otherwise",
      [two, "--output", "a", "--size", "6x9"],
      /does not take it, its size is fixed: x: float32\[1, 3, 6, 8\]/,
    ],
    [
      "several outputs",
      [two],
      /there are several outputs: choose with --output; outputs: a \(float32\[1, 3, 6, 8\]\), b/,
    ],
    ["an unknown output", [two, "--output", "c"], /--output c: no such output; outputs: a /],
    ["labels alone", [argmax], /no output is float32 or float64; outputs: classes \(int64/],
    ["labels, named", [argmax, "--output", "classes"], /--output classes: is int64, which has no derivative/],
    ["no derivative", [rounded], /"y" has no derivative by "x": node Round "Round" has none/],
    ["an unknown input", [rounded, "--input", "z"], /--input z: no such input; inputs: x \(float32\)/],
    [
      "logits that are none",
      [flat],
      /cross-entropy is of logits \[N, classes, H, W\], "y" is \[1, 3\]: choose --loss sum/,
    ],
    [
      "operators without a rule",
      [mod],
      /no gradient of "y": node Mod "remainder": there is no gradient rule for Mod \(replace it .*\); node Mod "Mod": there/,
    ],
  ];

  it.each(cases)("%s", async (_, argv, message) => {
    const before = readdirSync(path(".")).toSorted();
    const { code, stdout, stderr } = await faultline("differentiate", ...argv, "-o", path("refused.onnx"));
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^faultline: [^\n]+\n$/);
    expect([code, stdout]).toEqual([1, ""]);
    expect(readdirSync(path(".")).toSorted()).toEqual(before);
  });

  it("what could not be written", async () => {
    const there = put("there.onnx", "as it was");
    const outputs: readonly (readonly [string, RegExp])[] = [
      [path("."), /is a directory; name a file/],
      [path("absent", "x.onnx"), /there is no folder .*absent/],
      ["/dev/null", /is not a regular file/],
      [two, /would replace .*two.onnx, which is read/],
    ];
    for (const [out, message] of outputs) {
      const { code, stderr } = await faultline("differentiate", two, "--output", "a", "-o", out);
      expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
    }
    expect((await faultline("differentiate", mod, "-o", there)).code).toBe(1);
    expect(readFileSync(there, "utf8")).toBe("as it was");
    expect(existsSync("/dev/null")).toBe(true);
  });
});
