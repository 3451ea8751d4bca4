/** What files may be, as exporters write them; and files of other formats, named as what they are. */

import { AttributeProto_AttributeType as Kind } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { OnnxError, type Graph } from "../../src/onnx/graph.ts";
import { fold } from "../../src/onnx/passes/fold.ts";
import { OPSETS, readModel } from "../../src/onnx/read.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { numbersOf, tensorOf } from "../../src/tensor.ts";
import { bytesOf, relu, value, type GraphInit, type ModelInit } from "./protos.ts";
import { distance, float, modelOf, node, noise, runModel } from "./support.ts";

describe("open sizes", () => {
  it.each([-1, "?", "None", "", "-1"])("written as %s for every axis are of no size in common", async (open) => {
    const bytes = bytesOf({
      input: [value("x", [1, 3, open, open])],
      output: [value("y", [1, 3, open, open])],
      node: [relu("x", "y")],
    });
    const model = readModel(bytes);
    expect(model.graph.inputs[0]!.shape).toEqual([1, 3, null, null]);
    const x = noise([1, 3, 2, 5]);
    expect((await runModel(fold(model, { x: [1, 3, 2, 5] }), { x }))["y"]!.shape).toEqual([1, 3, 2, 5]);
  });

  it("that have names keep them", () => {
    const bytes = bytesOf({ input: [value("x", ["N", "h"])], output: [value("y", [])], node: [relu("x", "y")] });
    expect(readModel(bytes).graph.inputs[0]!.shape).toEqual(["N", "h"]);
  });
});

describe("operator sets after 21", () => {
  const versions = Array.from({ length: OPSETS.max - 21 }, (_, i) => 22 + i);
  it.each(versions)("%i", async (opset) => {
    const x = noise([1, 2, 6, 6]);
    const newer = opset >= 24 ? { round_mode: "up" } : {};
    const initializers = { w: noise([3, 2, 3, 3], 2), scale: float([], [0.05]), zero: tensorOf("uint8", [], [128]) };
    const nodes = (modern: boolean) => [
      node("Conv", ["x", "w"], ["c"], { pads: [1, 1, 1, 1] }),
      node("QuantizeLinear", ["c", "scale", "zero"], ["q"], modern ? { precision: 1 } : {}),
      node("DequantizeLinear", ["q", "scale", "zero"], ["d"], modern ? { output_dtype: 1 } : {}),
      node("Cast", ["d"], ["e"], { to: 1, ...(modern ? newer : {}) }),
      node("MaxPool", ["e"], ["y"], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }),
    ];
    const model = modelOf({ opset, inputs: { x }, initializers, nodes: nodes(opset >= 23), outputs: ["y"] });
    const old = modelOf({ opset: 21, inputs: { x }, initializers, nodes: nodes(false), outputs: ["y"] });
    const folded = fold(readModel(writeModel(model)));
    expect(distance((await runModel(folded, { x }))["y"]!, (await runModel(old, { x }))["y"]!)).toBe(0);
  });

  it("a DequantizeLinear whose result has another type than its scale", () => {
    const q = tensorOf("uint8", [2], [1, 200]);
    const nodes = [node("DequantizeLinear", ["q", "s"], ["y"], { output_dtype: 11 })];
    const model = modelOf({ opset: 23, inputs: { q }, initializers: { s: float([], [0.5]) }, nodes, outputs: ["y"] });
    expect(fold(model).graph.outputs[0]!.dtype).toBe("float64");
  });
});

it("an initializer that is an input too is taken for a constant", () => {
  const w = { name: "w", dims: [2n], dataType: 1, floatData: [1, 2] };
  const bytes = bytesOf({
    input: [value("x", [2]), value("w", [2])],
    output: [value("y", [2])],
    initializer: [w],
    node: [{ opType: "Add", input: ["x", "w"], output: ["y"] }],
  });
  expect(readModel(bytes).graph.inputs.map((v) => v.name)).toEqual(["x"]);
});

describe("functions of the model", () => {
  const functions: ModelInit["functions"] = [
    {
      name: "Scaled",
      domain: "own",
      input: ["a", "b"],
      output: ["out", "seen"],
      attribute: ["slope"],
      attributeProto: [{ name: "low", type: Kind.FLOAT, f: 0.25 }],
      opsetImport: [{ domain: "", version: 18n }],
      node: [
        {
          opType: "LeakyRelu",
          input: ["a"],
          output: ["t"],
          attribute: [{ name: "alpha", type: Kind.FLOAT, refAttrName: "slope" }],
        },
        {
          opType: "LeakyRelu",
          input: ["t"],
          output: ["u"],
          attribute: [{ name: "alpha", type: Kind.FLOAT, refAttrName: "low" }],
        },
        { opType: "Mul", input: ["u", "b"], output: ["out"] },
        { opType: "Neg", input: ["t"], output: ["seen"] },
      ],
    },
    {
      name: "Twice",
      domain: "own",
      input: ["a"],
      output: ["r", "a"],
      opsetImport: [{ domain: "", version: 18n }, { domain: "own", version: 1n }], // prettier-ignore
      node: [
        {
          opType: "Scaled",
          domain: "own",
          name: "inner",
          input: ["a", "a"],
          output: ["t"],
          attribute: [{ name: "slope", type: Kind.FLOAT, f: 0.5 }],
        },
        { opType: "Scaled", domain: "own", name: "inner", input: ["t", "a"], output: ["r"] },
      ],
    },
  ];
  const bytes = bytesOf(
    {
      input: [value("x", [1, 5])],
      output: [value("y", [1, 5]), value("t", [1, 5])],
      node: [
        { opType: "Twice", domain: "own", input: ["x"], output: ["p", "t"] },
        { opType: "Twice", domain: "own", input: ["p"], output: ["y"] },
      ],
    },
    { opsetImport: [{ domain: "", version: 18n }, { domain: "own", version: 1n }], functions }, // prettier-ignore
  );

  it("are inlined: attributes handed on or by default, functions in functions, inputs that are outputs", async () => {
    const model = readModel(bytes);
    expect(model.graph.nodes.map((n) => n.domain)).not.toContain("own");
    const x = float([1, 5], [-2, -1, 0.5, 1, 3]);
    const leaky = (v: number, slope: number) => (v < 0 ? slope * v : v);
    const scaled = (a: number, b: number, slope: number) => leaky(leaky(a, slope), 0.25) * b;
    const twice = (a: number) => scaled(scaled(a, a, 0.5), a, 0.01);
    const folded = fold(model);
    const results = await runModel(folded, { x });
    const expected = numbersOf(x).map((v) => twice(twice(v)));
    expect(distance(results["y"]!, float([1, 5], expected))).toBeLessThan(1e-5);
    expect(distance(results["t"]!, x)).toBe(0);
  });
});

describe("the output of a subgraph without a type", () => {
  it("stays without one", () => {
    const branch = (name: string): GraphInit => ({
      name,
      node: [{ opType: "Shape", input: ["x"], output: [name] }],
      output: [{ name }],
    });
    const bytes = bytesOf({
      input: [value("x", [2, 3])],
      output: [value("y", [])],
      initializer: [{ name: "c", dims: [], dataType: 9, int32Data: [1] }],
      node: [
        {
          opType: "If",
          input: ["c"],
          output: ["y"],
          attribute: ["then", "else"].map((name) => ({ name: `${name}_branch`, type: Kind.GRAPH, g: branch(name) })),
        },
      ],
    });
    const written = writeModel(readModel(bytes));
    const attribute = readModel(written).graph.nodes[0]!.attributes["then_branch"]!;
    expect((attribute.value as Graph).outputs[0]!.untyped).toBe(true);
  });
});

describe("files of another format are named", () => {
  const text = (s: string) => new TextEncoder().encode(s);
  const latin = (s: string) => Uint8Array.from(s, (c) => c.charCodeAt(0));
  it.each([
    ["Git LFS", text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n"), /Git LFS pointer/],
    ["HTML", text("\n<!DOCTYPE html><html>"), /HTML page/],
    ["TensorFlow Lite", latin("\u001c\0\0\0TFL3\0\0"), /TensorFlow Lite model/],
    ["onnxruntime", latin("\u0018\0\0\0ORTM"), /onnxruntime's own format/],
    ["PyTorch", latin("PK\u0003\u0004\0\0\0\0net/data.pkl"), /PyTorch checkpoint/],
    ["ZIP", latin("PK\u0003\u0004\0\0\0\0net.onnx"), /ZIP archive/],
    ["pickle", latin("\u0080\u0002}q\0"), /Python pickle/],
    ["Keras", latin("\u0089HDF\r\n"), /HDF5 file/],
    ["safetensors", latin('\u0010\0\0\0\0\0\0\0{"w":{}}'), /safetensors/],
    ["gzip", latin("\u001f\u008b\u0008"), /compressed with gzip/],
    ["OpenVINO", text("<?xml version='1.0'?><net>"), /OpenVINO/],
    ["JSON", text('{"a": 1}'), /JSON file/],
  ])("%s", (_, bytes, message) => {
    expect(() => readModel(bytes)).toThrow(OnnxError);
    expect(() => readModel(bytes)).toThrow(message);
  });
});
