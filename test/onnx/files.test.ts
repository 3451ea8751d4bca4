/** What files may be, as exporters write them; and files of other formats, named as what they are. */

import { mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  TensorProto_DataLocation,
  type GraphProtoSchema,
  type NodeProtoSchema,
} from "onnx-buf";
import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { readNetwork } from "../../src/node/read-network.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import type { External } from "../../src/onnx/external-data.ts";
import { OnnxError, type Graph, type Model } from "../../src/onnx/graph.ts";
import { load } from "../../src/onnx/load.ts";
import { fold } from "../../src/onnx/passes/fold.ts";
import { halfToNumber, inSinglePrecision, SINGLE_PRECISION_NOTE } from "../../src/onnx/passes/single-precision.ts";
import { OPSETS, readModel } from "../../src/onnx/read.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { numbersOf, tensor, tensorOf } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { distance, float, modelOf, node, noise, runModel } from "./support.ts";

type Fields<M> = Exclude<M, { readonly $typeName: string }>;
type ModelInit = Fields<MessageInitShape<typeof ModelProtoSchema>>;
type GraphInit = Fields<MessageInitShape<typeof GraphProtoSchema>>;
type NodeInit = MessageInitShape<typeof NodeProtoSchema>;

const dimension = (d: number | string) =>
  typeof d === "number"
    ? { value: { case: "dimValue" as const, value: BigInt(d) } }
    : { value: { case: "dimParam" as const, value: d } };

const value = (name: string, dims: readonly (number | string)[]) => ({
  name,
  type: { value: { case: "tensorType" as const, value: { elemType: 1, shape: { dim: dims.map(dimension) } } } },
});

const bytesOf = (graph: GraphInit, model: ModelInit = {}): Uint8Array =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: "", version: 18n }], graph, ...model }),
  );

const relu = (input: string, output: string): NodeInit => ({ opType: "Relu", input: [input], output: [output] });

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

describe("weights in another file", () => {
  const w = noise([3, 2, 3, 3], 3);
  const bias = noise([3], 4);
  const raw = new Uint8Array([1, 2, 3, 4, ...new Uint8Array(w.data.buffer), ...new Uint8Array(bias.data.buffer)]);
  const file = (location: string, length = String(w.data.byteLength)) => {
    const initializer = [
      { name: "w", dims: [3n, 2n, 3n, 3n], fields: { location, offset: "4", length } },
      { name: "b", dims: [3n], fields: { location, offset: String(4 + w.data.byteLength) } },
    ].map(({ name, dims, fields }) => ({
      name,
      dims,
      dataType: 1,
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: Object.entries(fields).map(([key, v]) => ({ key, value: v })),
    }));
    return bytesOf({
      input: [value("x", [1, 2, 5, 5])],
      output: [value("y", [1, 3, 3, 3])],
      initializer,
      node: [{ opType: "Conv", input: ["x", "w", "b"], output: ["y"] }],
    });
  };

  it("are read where the file is given, once", () => {
    let asked = 0;
    const external: External = (location) => {
      asked++;
      expect(location).toBe("weights/net.data");
      return raw;
    };
    const { initializers } = readModel(file("weights/net.data"), { external }).graph;
    expect(initializers.get("w")).toEqual(w);
    expect(initializers.get("b")).toEqual(bias);
    expect(asked).toBe(1);
  });

  it("are asked for where it is not", () => {
    expect(() => readModel(file("net.data"))).toThrow(
      /its weights are in another file, "net.data"; give that file too/,
    );
  });

  it.each(["../net.data", "a/../../net.data", "/etc/passwd", "\\\\host\\share", "C:\\net.data", "a\\..\\..\\b", ""])(
    "are refused at %j",
    (location) => {
      const external: External = () => {
        throw new Error("was asked for");
      };
      expect(() => readModel(file(location), { external })).toThrow(/not in the folder of the model/);
    },
  );

  it.each(["99999999", "-1", "1e3", "0x10"])("are refused with a length of %s", (length) => {
    expect(() => readModel(file("net.data", length), { external: () => raw })).toThrow(OnnxError);
  });

  it("lie beside the file of a network, which becomes one file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "external-"));
    writeFileSync(join(folder, "net.onnx"), file("net.data"));
    const path = join(folder, "net.onnx");
    await expect(readNetwork(path)).rejects.toThrow(/weights are in "net.data", which is not beside it/);
    writeFileSync(join(folder, "net.data"), raw);
    const { bytes, model } = await readNetwork(path);
    expect(model.graph.initializers.get("w")).toEqual(w);
    expect(readModel(bytes).graph.initializers.get("b")).toEqual(bias);
  });

  it("are refused where a link leads out of the folder", async () => {
    const [folder, elsewhere] = ["link-", "elsewhere-"].map((name) => mkdtempSync(join(tmpdir(), name))) as [
      string,
      string,
    ];
    writeFileSync(join(elsewhere, "net.data"), raw);
    symlinkSync(join(elsewhere, "net.data"), join(folder, "net.data"));
    writeFileSync(join(folder, "net.onnx"), file("net.data"));
    await expect(readNetwork(join(folder, "net.onnx"))).rejects.toThrow(/leads out of the folder/);
  });
});

describe("half precision", () => {
  const half = (shape: readonly number[], bits: readonly number[]) => tensor("float16", shape, Uint16Array.from(bits));

  it.each([
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x8000, -0],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7e00, NaN],
    [0x3555, 0.333251953125],
  ])("bits %i are %f", (bits, number) => {
    expect(halfToNumber(bits)).toBe(number);
  });

  const weights = half([3, 2, 1, 1], [0x3c00, 0xc000, 0x3555, 0x0001, 0x4900, 0xb800]);
  const model: Model = modelOf({
    opset: 20,
    inputs: { x: half([1, 2, 2, 2], [0x3c00, 0x4000, 0xbc00, 0x3800, 0x3555, 0x4200, 0xc400, 0x2e66]) },
    initializers: { w: weights, zero: half([], [0]) },
    nodes: [
      node("Conv", ["x", "w"], ["c"]),
      node("Cast", ["c"], ["d"], { to: 1 }),
      node("Cast", ["d"], ["e"], { to: 10 }),
      node("Max", ["e", "zero"], ["y"]),
    ],
    outputs: ["y"],
    outputTypes: { y: "float16" },
  });

  it("becomes single precision, and says so", async () => {
    const single = inSinglePrecision(readModel(writeModel(model)));
    expect(single.notes).toEqual([SINGLE_PRECISION_NOTE]);
    expect([...single.graph.inputs, ...single.graph.outputs].map((v) => v.dtype)).toEqual(["float32", "float32"]);
    const x = noise([1, 2, 2, 2], 5);
    const { y } = await runModel(fold(single), { x });
    const halves = Array.from(weights.data, halfToNumber);
    const expected = Array.from({ length: 12 }, (_, i) => {
      const [c, pixel] = [Math.floor(i / 4), i % 4];
      return Math.max(0, halves[2 * c]! * x.data[pixel]! + halves[2 * c + 1]! * x.data[4 + pixel]!);
    });
    expect(distance(y!, float([1, 3, 2, 2], expected))).toBeLessThan(1e-6);
    const op = createBuilder();
    const source = op.input("x", "float32", [1, 2, 2, 2]);
    const [dx] = gradient(op, load(op, single, { x: source })["y"]!, [source]);
    const { d } = interpret(op.graph({ d: dx! }), { x });
    expect(numbersOf(d!).some((v) => v !== 0)).toBe(true);
  });

  it("is refused by the gradient where it is not converted, also at the input", () => {
    const op = createBuilder();
    const x = op.input("x", "float16", [4]);
    expect(() => gradient(op, op.cast(x, "float32"), [x])).toThrow(/Cast with a float16 input/);
  });

  it("leaves other models as they are", () => {
    const other = modelOf({ inputs: { x: noise([2]) }, nodes: [node("Relu", ["x"], ["y"])], outputs: ["y"] });
    expect(inSinglePrecision(other)).toBe(other);
  });

  it("is computed on as numbers by the interpreter", () => {
    const op = createBuilder();
    const x = op.input("x", "float16", [2]);
    const { y } = interpret(op.graph({ y: op.Add(x, x) }), { x: half([2], [0x3c00, 0xc000]) });
    expect(numbersOf(y!)).toEqual([2, -4]);
  });
});

describe("the output of a subgraph without a type", () => {
  it("stays without one", () => {
    const branch = (name: string): MessageInitShape<typeof GraphProtoSchema> => ({
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
