/** Constants of 4 bits: read as bytes, computed with as onnxruntime does; anything else in 4 bits is refused. */

import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { ModelProtoSchema, type GraphProtoSchema, type TensorProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { load } from "../../src/onnx/load.ts";
import { fold } from "../../src/onnx/passes/fold.ts";
import { readModel } from "../../src/onnx/read.ts";
import { numbersOf, tensorOf } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { distance, noise, runModel } from "./support.ts";

type TensorInit = MessageInitShape<typeof TensorProtoSchema>;
type GraphInit = MessageInitShape<typeof GraphProtoSchema>;

const [UINT4, INT4] = [21, 22];

/** −8 … 7 and 0 … 15, two a byte, the first in the low half. */
const bytes = Uint8Array.from({ length: 8 }, (_, i) => ((2 * i + 1) << 4) | (2 * i));
const signed = Array.from({ length: 16 }, (_, i) => (i > 7 ? i - 16 : i));

const value = (name: string, elemType = 1) => ({
  name,
  type: { value: { case: "tensorType" as const, value: { elemType } } },
});

const shaped = (name: string, dims: readonly bigint[]) => ({
  name,
  type: {
    value: {
      case: "tensorType" as const,
      value: { elemType: 1, shape: { dim: dims.map((d) => ({ value: { case: "dimValue" as const, value: d } })) } },
    },
  },
});

const encode = (graph: GraphInit): Uint8Array =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 10n,
      opsetImport: [{ domain: "", version: 21n }],
      graph: { name: "g", input: [shaped("x", [2n, 4n])], output: [value("y")], ...graph },
    }),
  );

const tensorInit = (name: string, dataType: number, dims: readonly bigint[], rest: TensorInit): TensorInit => ({
  name,
  dataType,
  dims: [...dims],
  ...rest,
});

/** x·(w − zero)·scale, with w [4, 4] of 4 bits in blocks of 2. */
const product = (type: number, zero: number, raw: boolean): Uint8Array =>
  encode({
    initializer: [
      tensorInit("w", type, [4n, 4n], raw ? { rawData: bytes } : { int32Data: [...bytes] }),
      tensorInit("s", 1, [2n, 4n], { floatData: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8] }),
      tensorInit("z", type, [2n, 4n], { rawData: new Uint8Array(4).fill(zero * 17) }),
    ],
    node: [
      {
        opType: "DequantizeLinear",
        input: ["w", "s", "z"],
        output: ["d"],
        attribute: [
          { name: "axis", type: 2, i: 0n },
          { name: "block_size", type: 2, i: 2n },
        ],
      },
      { opType: "MatMul", input: ["x", "d"], output: ["y"] },
    ],
  });

const scales = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8].map(Math.fround);

describe("constants of 4 bits", () => {
  it.each([
    ["signed", INT4, true],
    ["signed, in the typed field", INT4, false],
    ["unsigned", UINT4, true],
  ] as const)("%s: as onnxruntime computes them", async (_, type, raw) => {
    const file = product(type, 3, raw);
    const model = readModel(file);
    const w = model.graph.initializers.get("w")!;
    expect(numbersOf(w)).toEqual(type === INT4 ? signed : Array.from({ length: 16 }, (__, i) => i));
    const feeds = { x: noise([2, 4]) };
    const [expected, actual] = [await runModel(file, feeds), await runModel(fold(model), feeds)];
    expect(distance(actual["y"]!, expected["y"]!)).toBeLessThan(1e-6);
  });

  it("have a gradient behind them", () => {
    const model = readModel(product(INT4, 3, true));
    const op = createBuilder();
    const x = op.input("x", "float32", [2, 4]);
    const [dx] = gradient(op, load(op, model, { x })["y"]!, [x]);
    const actual = numbersOf(
      interpret(op.graph({ dx: dx! }), { x: tensorOf("float64", [2, 4], Array(8).fill(0)) })["dx"]!,
    );
    const rows = [0, 1, 2, 3].map((k) =>
      [0, 1, 2, 3].reduce((sum, j) => sum + (signed[k * 4 + j]! - 3) * scales[Math.floor(k / 2) * 4 + j]!, 0),
    );
    for (const [i, v] of actual.entries()) expect(v).toBeCloseTo(rows[i % 4]!, 12);
  });

  it.each([
    [
      "a tensor of odd size that is too short",
      encode({
        initializer: [tensorInit("w", INT4, [3n], { rawData: bytes.slice(0, 1) })],
        node: [{ opType: "Relu", input: ["x"], output: ["y"] }],
      }),
      /holds 1 bytes; its shape \[3\] requires 2/,
    ],
    [
      "quantisation to 4 bits",
      encode({
        initializer: [
          tensorInit("s", 1, [], { floatData: [0.1] }),
          tensorInit("z", INT4, [], { rawData: bytes.slice(0, 1) }),
        ],
        node: [
          { opType: "QuantizeLinear", name: "q", input: ["x", "s", "z"], output: ["i"] },
          { opType: "DequantizeLinear", input: ["i", "s", "z"], output: ["y"] },
        ],
      }),
      /node "q": quantises to 4 bits/,
    ],
    [
      "an output of 4 bits",
      encode({ output: [value("y", INT4)], node: [{ opType: "Relu", input: ["x"], output: ["y"] }] }),
      /element type int4 is not supported/,
    ],
  ])("refuses %s", (_, file, message) => {
    expect(() => readModel(file)).toThrow(message);
  });
});
