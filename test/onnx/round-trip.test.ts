import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { ModelProtoSchema, TensorProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import type { Attribute, Attributes, Dimension, Graph, Model, Node, ValueInfo } from "../../src/onnx/graph.ts";
import { readModel } from "../../src/onnx/read.ts";
import { codeOf, readTensor, writeTensor } from "../../src/onnx/tensor-proto.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { newData, sizeOf, tensor, tensorOf, type DType, type Tensor } from "../../src/tensor.ts";
import { hasReference, referenceNote, referencePath } from "../support/reference.ts";
import { float, modelOf, node, noise, runModel } from "./support.ts";

const dtypes: readonly DType[] = [
  ...(["float32", "float64", "float16", "int8", "uint8", "int16"] as const),
  ...(["uint16", "int32", "uint32", "int64", "uint64", "bool"] as const),
];

const tensors: fc.Arbitrary<Tensor> = fc
  .tuple(fc.constantFrom(...dtypes), fc.array(fc.nat(3), { maxLength: 3 }))
  .chain(([dtype, shape]) => {
    const bytes = newData(dtype, sizeOf(shape)).byteLength;
    return fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((raw) => {
      const data = newData(dtype, sizeOf(shape));
      new Uint8Array(data.buffer).set(dtype === "bool" ? raw.map((b) => b & 1) : raw);
      return tensor(dtype, shape, data);
    });
  });

const int = fc.maxSafeInteger();
const real = fc.float();
const text = fc.string({ unit: "grapheme" });

const scalarAttributes: fc.Arbitrary<Attribute> = fc.oneof(
  real.map((value): Attribute => ({ type: "float", value })),
  int.map((value): Attribute => ({ type: "int", value })),
  text.map((value): Attribute => ({ type: "string", value })),
  tensors.map((value): Attribute => ({ type: "tensor", value })),
  fc.array(real).map((value): Attribute => ({ type: "floats", value })),
  fc.array(int).map((value): Attribute => ({ type: "ints", value })),
  fc.array(text).map((value): Attribute => ({ type: "strings", value })),
);

const dimensions: fc.Arbitrary<Dimension> = fc.oneof(fc.nat(2 ** 31), fc.constantFrom("height", "N", null));

const valueInfo = (name: string): fc.Arbitrary<ValueInfo> =>
  fc.record({
    name: fc.constant(name),
    dtype: fc.constantFrom(...dtypes),
    shape: fc.option(fc.array(dimensions, { maxLength: 4 })),
  });

/** A graph whose names begin with `prefix`; nodes read inputs, initializers, earlier nodes and what `outer` has. */
const graphs = (prefix: string, outer: readonly string[]): fc.Arbitrary<Graph> =>
  fc
    .record({
      sources: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.array(tensors, { maxLength: 2 })),
      nodes: fc.array(
        fc.record({
          reads: fc.array(fc.nat(), { maxLength: 3 }),
          outputs: fc.integer({ min: 1, max: 2 }),
          domain: fc.constantFrom("", "com.example"),
          attributes: fc.dictionary(fc.constantFrom("a", "b", "c"), scalarAttributes),
          nested: fc.boolean(),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    })
    .chain(({ sources: [inputCount, constants], nodes }) => {
      const inputs = Array.from({ length: inputCount }, (_, i) => `${prefix}in${i}`);
      const initializers = constants.map((t, i) => [`${prefix}const${i}`, t] as const);
      const known = [...outer, ...inputs, ...initializers.map(([name]) => name)];
      const drafts = nodes.map((n, i) => {
        const visible = [...known];
        const outputs = Array.from({ length: n.outputs }, (_, j) => `${prefix}node${i}_${j}`);
        known.push(...outputs);
        const name = `${prefix}n${i}`;
        const reads = n.reads.map((r) => (r % 7 === 0 ? "" : visible[r % visible.length]!));
        const plain: Node = { name, op: `Op${i}`, domain: n.domain, inputs: reads, outputs, attributes: n.attributes };
        const nested = n.nested && prefix.length < 3;
        return nested ? graphs(`${prefix}s${i}`, visible).map((g) => withGraph(plain, g)) : fc.constant(plain);
      });
      return fc.record({
        name: text,
        inputs: fc.tuple(...inputs.map(valueInfo)),
        outputs: fc.tuple(valueInfo(known.at(-1)!)),
        initializers: fc.constant(new Map(initializers)),
        nodes: fc.tuple(...drafts),
      });
    });

const withGraph = (plain: Node, value: Graph): Node => {
  const attributes: Attributes = { ...plain.attributes, body: { type: "graph", value } };
  return { ...plain, attributes };
};

const models: fc.Arbitrary<Model> = fc.record({
  irVersion: fc.integer({ min: 4, max: 10 }),
  opset: fc.integer({ min: 7, max: 21 }),
  domains: fc.constant(new Map([["com.example", 3]])),
  producer: text.map((t) => t.trim()),
  metadata: fc.array(fc.tuple(text, text)).map((pairs) => new Map(pairs)),
  graph: graphs("", []),
});

describe("readModel ∘ writeModel", () => {
  it("is the identity on generated models: every attribute kind, element type and nesting", () => {
    fc.assert(
      fc.property(models, (model) => {
        expect(readModel(writeModel(model))).toEqual(model);
      }),
      { numRuns: 300 },
    );
  });

  it("writes the same bytes again", () => {
    fc.assert(
      fc.property(models, (model) => {
        const bytes = writeModel(model);
        expect(Buffer.from(writeModel(readModel(bytes))).equals(bytes)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it("lists initializers among the inputs before IR version 4", async () => {
    const nodes = [node("Add", ["x", "w"], ["y"])];
    const x = noise([2]);
    const model = modelOf({ opset: 7, inputs: { x }, initializers: { w: float([2], [1, 2]) }, nodes, outputs: ["y"] });
    const old = { ...model, irVersion: 3 };
    expect(fromBinary(ModelProtoSchema, writeModel(old)).graph?.input.map((v) => v.name)).toEqual(["x", "w"]);
    expect(readModel(writeModel(old))).toEqual(old);
    expect((await runModel(old, { x }))["y"]!.shape).toEqual([2]);
  });

  it.skipIf(!hasReference).each(["enet_camvid.onnx", "deeplabv3_mnv2_voc.onnx"])(
    `is the identity on %s${referenceNote}`,
    (file) => {
      const model = readModel(new Uint8Array(readFileSync(referencePath("models", file))));
      expect(model.graph.nodes.length).toBeGreaterThan(50);
      const bytes = writeModel(model);
      expect(isDeepStrictEqual(readModel(bytes), model)).toBe(true);
      expect(Buffer.from(writeModel(readModel(bytes))).equals(bytes)).toBe(true);
    },
  );
});

describe("readTensor", () => {
  type Fields = Pick<
    MessageInitShape<typeof TensorProtoSchema>,
    "floatData" | "doubleData" | "int32Data" | "int64Data" | "uint64Data"
  >;
  const typed: readonly (readonly [Tensor, Fields])[] = [
    [float([2], [1.5, -2]), { floatData: [1.5, -2] }],
    [tensorOf("float64", [2], [1.5, -2]), { doubleData: [1.5, -2] }],
    [tensorOf("int64", [2], [-5, 2 ** 50]), { int64Data: [-5n, 2n ** 50n] }],
    [tensorOf("uint64", [1], [2 ** 60]), { uint64Data: [2n ** 60n] }],
    [tensorOf("uint32", [1], [2 ** 32 - 1]), { uint64Data: [2n ** 32n - 1n] }],
    ...(["int8", "uint8", "int16", "uint16", "int32", "bool"] as const).map((dtype): [Tensor, Fields] => [
      tensorOf(dtype, [2], [1, 0]),
      { int32Data: [1, 0] },
    ]),
    [tensorOf("int8", [1], [-128]), { int32Data: [-128] }],
    [tensorOf("float16", [2], [0x3c00, 0xc000]), { int32Data: [0x3c00, 0xc000] }],
  ];
  it.each(typed.map(([t, fields]) => [t.dtype, t, fields] as const))(
    "reads %s from its typed field",
    (_, t, fields) => {
      const proto = create(TensorProtoSchema, { dims: t.shape.map(BigInt), dataType: codeOf(t.dtype), ...fields });
      expect(readTensor(proto, "tensor")).toEqual(t);
    },
  );

  it("reads and writes raw bytes of each type", () => {
    fc.assert(
      fc.property(tensors, (t) => {
        expect(readTensor(writeTensor("t", t), "tensor")).toEqual(t);
      }),
    );
  });

  it("writes a view's own elements only", () => {
    const view = tensor("float32", [2], new Float32Array([9, 1, 2, 9]).subarray(1, 3));
    expect(readTensor(writeTensor("t", view), "tensor")).toEqual(float([2], [1, 2]));
  });
});
