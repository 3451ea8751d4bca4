/** Models that are malformed, and what is unusual but valid. */

import { AttributeProto_AttributeType as Kind, TensorProto_DataLocation, type TensorProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { OnnxError } from "../../src/onnx/graph.ts";
import { fold } from "../../src/onnx/passes/fold.ts";
import { readModel } from "../../src/onnx/read.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { bytesOf, relu, value, type GraphInit, type Init, type ModelInit, type NodeInit } from "./protos.ts";
import { float } from "./support.ts";

type TensorInit = Init<typeof TensorProtoSchema>;

/** A node that calls a function of the model. */
const call = (input: string, output: string): NodeInit => ({ ...relu(input, output), opType: "F", domain: "own" });

const encode = (graph: GraphInit, model: ModelInit = {}): Uint8Array =>
  bytesOf(
    { name: "g", input: [value("x")], output: [value("y")], node: [relu("x", "y")], ...graph },
    { opsetImport: [{ domain: "", version: 13n }], ...model },
  );

const weights = (fields: TensorInit): GraphInit => ({
  initializer: [{ name: "w", dims: [2n], dataType: 1, floatData: [1, 2], ...fields }],
});

const branch = (reads: string): GraphInit => ({
  name: "branch",
  node: [relu(reads, `${reads}_relu`)],
  output: [value(`${reads}_relu`)],
});
const choose = (reads: string): NodeInit => ({
  opType: "If",
  name: "choose",
  input: ["x"],
  output: ["y"],
  attribute: [{ name: "then_branch", type: Kind.GRAPH, g: branch(reads) }],
});

describe("a malformed model is refused, and the message names the place", () => {
  const cases: readonly (readonly [title: string, bytes: Uint8Array, message: RegExp])[] = [
    [
      "a cycle",
      encode({ node: [relu("b", "a", "first"), relu("a", "b"), relu("x", "y")] }),
      /^graph "g": .*cycle.*"first"/,
    ],
    ["a node that reads itself", encode({ node: [relu("y", "y")] }), /cycle/],
    [
      "an undefined name",
      encode({ node: [relu("z", "y", "r")] }),
      /^graph "g", node Relu "r" .*"z", which nothing defines/,
    ],
    [
      "a name defined by two nodes",
      encode({ node: [relu("x", "y"), relu("x", "y", "again")] }),
      /"again".*"y" is defined twice/,
    ],
    ["a name defined by input and node", encode({ node: [relu("x", "x"), relu("x", "y")] }), /"x" is defined twice/],
    ["an input listed twice", encode({ input: [value("x"), value("x")] }), /^graph "g": .*"x" is listed twice/],
    ["an output listed twice", encode({ output: [value("y"), value("y")] }), /output "y" is listed twice/],
    ["an input without a name", encode({ input: [value("x"), value("")] }), /no name/],
    [
      "an initializer defined twice",
      encode({
        initializer: [
          { name: "w", dataType: 1, dims: [0n] },
          { name: "w", dataType: 1, dims: [0n] },
        ],
      }),
      /initializer "w" is defined twice/,
    ],
    ["an output nothing produces", encode({ output: [value("z")] }), /^graph "g": output "z" is produced by no node/],
    ["no outputs", encode({ output: [] }), /^graph "g": has no outputs/],
    [
      "an input of 2^40",
      encode({ input: [value("x", [2n ** 40n])] }),
      /^graph "g", input "x": dimension 1099511627776 is out of range/,
    ],
    ["an input of −2", encode({ input: [value("x", [-2n])] }), /input "x": dimension -2/],
    [
      "a weight of 2^40",
      encode(weights({ dims: [2n ** 40n] })),
      /^graph "g", initializer "w": shape \[1099511627776\]/,
    ],
    ["a weight of 2^20 × 2^20", encode(weights({ dims: [2n ** 20n, 2n ** 20n] })), /over 536870912 elements/],
    ["a weight of −2", encode(weights({ dims: [-2n] })), /initializer "w": shape \[-2\] is negative/],
    ["too few values", encode(weights({ dims: [3n] })), /holds 2 values; its shape \[3\] requires 3/],
    [
      "raw bytes that are no multiple",
      encode(weights({ floatData: [], rawData: new Uint8Array(7) })),
      /holds 1.75 values/,
    ],
    ["values in the wrong field", encode(weights({ dataType: 7 })), /holds 0 values/],
    [
      "external data",
      encode(
        weights({
          dataLocation: TensorProto_DataLocation.EXTERNAL,
          floatData: [],
          externalData: [{ key: "location", value: "w.bin" }],
        }),
      ),
      /"w": its weights are in another file, "w.bin"/,
    ],
    [
      "an external file's name",
      encode(weights({ externalData: [{ key: "location", value: "../../etc/passwd" }] })),
      /at "\.\.\/\.\.\/etc\/passwd", which is not in the folder of the model/,
    ],
    ["strings as weights", encode(weights({ dataType: 8 })), /initializer "w": element type string is not supported/],
    ["an unknown element type", encode({ input: [value("x", [2n], 99)] }), /input "x": element type 99/],
    [
      "weights in bfloat16",
      encode(weights({ dataType: 16 })),
      /initializer "w": element type bfloat16 is not supported; supported: float32/,
    ],
    ["a sparse initializer", encode({ sparseInitializer: [{}] }), /sparse initializers are not supported/],
    [
      "a sequence input",
      encode({ input: [{ name: "x", type: { value: { case: "sequenceType", value: {} } } }] }),
      /input "x": is a sequenceType/,
    ],
    [
      "a function that calls itself",
      encode({ node: [call("x", "y")] }, { functions: [{ name: "F", domain: "own", node: [call("a", "b")] }] }),
      /^function own\.F: calls itself/,
    ],
    [
      "functions whose calls multiply",
      encode(
        { node: [{ ...call("x", "y"), opType: "F0" }] },
        {
          functions: Array.from({ length: 30 }, (_, i) => ({
            name: `F${i}`,
            domain: "own",
            input: ["a"],
            output: ["b"],
            node: ["b", "c"].map((to) => ({ ...call("a", to), opType: `F${i + 1}` })),
          })),
        },
      ),
      /over 200000 nodes/,
    ],
    [
      "a function of another opset",
      encode({}, { functions: [{ name: "F", domain: "own", opsetImport: [{ version: 12n }] }] }),
      /^function own\.F: is written in opset 12, the model in/,
    ],
    ["opset 6", encode({}, { opsetImport: [{ version: 6n }] }), /opset 6 is not supported; supported: 7 to 28/],
    ["opset 29", encode({}, { opsetImport: [{ version: 29n }] }), /opset 29 is not supported/],
    ["opset 2^62", encode({}, { opsetImport: [{ version: 2n ** 62n }] }), /opset .* is not supported/],
    ["no opset", encode({}, { opsetImport: [{ domain: "com.example", version: 1n }] }), /opset \(none\)/],
    [
      "an attribute without a kind",
      encode({ node: [{ ...relu("x", "y", "r"), attribute: [{ name: "a" }] }] }),
      /node 0 Relu "r", attribute "a": .* not supported/,
    ],
    [
      "an attribute that is empty",
      encode({ node: [{ ...relu("x", "y", "r"), attribute: [{ name: "a", type: Kind.TENSOR }] }] }),
      /attribute "a": attribute kind TENSOR is empty/,
    ],
    [
      "an attribute of a kind that is not supported",
      encode({ node: [{ ...relu("x", "y"), attribute: [{ name: "a", type: Kind.SPARSE_TENSOR }] }] }),
      /SPARSE_TENSOR/,
    ],
    [
      "a subgraph that reads what nothing defines",
      encode({ node: [choose("nowhere")] }),
      /node 0 If "choose", attribute "then_branch", node Relu .*"nowhere"/,
    ],
    ["a subgraph that reads its own node's output", encode({ node: [choose("y")] }), /cycle/],
  ];
  it.each(cases)("%s", (_, bytes, message) => {
    expect(() => readModel(bytes)).toThrow(OnnxError);
    expect(() => readModel(bytes)).toThrow(message);
  });

  it("subgraphs nested without end", () => {
    let graph = branch("x");
    for (let i = 0; i < 60; i++) {
      const attribute = [{ name: "body", type: Kind.GRAPH, g: graph }];
      graph = {
        name: "nest",
        node: [{ opType: "If", input: ["x"], output: [`y${i}`], attribute }],
        output: [value(`y${i}`)],
      };
    }
    expect(() => readModel(encode({ ...graph, input: [value("x")] }))).toThrow(OnnxError);
  });
});

describe("what is unusual but valid is read", () => {
  it("nodes out of order are sorted", () => {
    const model = readModel(encode({ node: [relu("b", "y"), relu("a", "b"), relu("x", "a")] }));
    expect(model.graph.nodes.map((n) => n.outputs[0])).toEqual(["a", "b", "y"]);
  });

  it("a long chain in reverse order, in time", () => {
    const length = 50_000;
    const nodes = Array.from({ length }, (_, i) => relu(i === 0 ? "x" : `v${i}`, i === length - 1 ? "y" : `v${i + 1}`));
    expect(readModel(encode({ node: nodes.toReversed() })).graph.nodes.at(-1)?.outputs).toEqual(["y"]);
  });

  it("a subgraph may capture an outer value, also one defined later in the list", () => {
    const model = readModel(encode({ node: [choose("late"), relu("x", "late")] }));
    expect(model.graph.nodes.map((n) => n.op)).toEqual(["Relu", "If"]);
  });

  it("initializers that old files list among the inputs are not inputs", () => {
    const model = readModel(encode({ input: [value("x"), value("w")], ...weights({}) }, { irVersion: 3n }));
    expect(model.graph.inputs.map((v) => v.name)).toEqual(["x"]);
    expect(model.graph.initializers.get("w")).toEqual(float([2], [1, 2]));
  });

  it("the standard domain under its full name", () => {
    const node = { ...relu("x", "y"), domain: "ai.onnx" };
    const model = readModel(encode({ node: [node] }, { opsetImport: [{ domain: "ai.onnx", version: 13n }] }));
    expect([model.opset, model.graph.nodes[0]!.domain]).toEqual([13, ""]);
  });

  it("the largest integer as an attribute means the end, and is written back", () => {
    const [starts, ends] = [1n, 2n ** 63n - 1n].map((i) => ({ type: Kind.INTS, ints: [i] }));
    const attribute = [
      { name: "starts", ...starts! },
      { name: "ends", ...ends! },
    ];
    const slice: NodeInit = { opType: "Slice", input: ["x"], output: ["y"], attribute };
    const model = readModel(encode({ node: [slice], input: [value("x", [5n])] }, { opsetImport: [{ version: 9n }] }));
    expect(fold(readModel(writeModel(model))).graph.outputs[0]!.shape).toEqual([4]);
  });

  it("nodes without names get one", () => {
    expect(readModel(encode({})).graph.nodes[0]!.name).toBe("Relu_0");
  });

  it("an operator named as a method of Object is refused when shapes are inferred", () => {
    for (const opType of ["toString", "constructor", "__proto__", "hasOwnProperty"]) {
      const model = readModel(encode({ node: [{ opType, input: ["x"], output: ["y"] }] }));
      expect(() => fold(model)).toThrow(`operator ${opType} is not supported`);
    }
  });
});
