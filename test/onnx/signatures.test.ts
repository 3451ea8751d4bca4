/** The number of inputs of every operator, and the kinds of attributes. */

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/onnx/build.ts";
import { attributesOf } from "../../src/onnx/attributes.ts";
import { OnnxError } from "../../src/onnx/graph.ts";
import { inferableOperators } from "../../src/onnx/infer.ts";
import { load } from "../../src/onnx/load.ts";
import { signatureOf } from "../../src/onnx/signatures.ts";
import { cases } from "../support/cases/all.ts";
import { inputsOf } from "../support/cases/case.ts";
import { modelOf, node, noise } from "./support.ts";

it("the table has every operator whose shape is inferred", () => {
  expect(inferableOperators.filter((op) => !signatureOf(op))).toEqual([]);
});

/** One step of each operator that has a case. */
const steps = [...new Set(cases.map((c) => c.operator))].flatMap((operator) => {
  for (const c of cases.filter((candidate) => candidate.operator === operator)) {
    const op = createBuilder();
    c.build(op, ...inputsOf(op, c));
    const step = op.steps.find((s) => s.node.op === operator);
    if (step) return [[operator, step] as const];
  }
  return [];
});

describe("an input too few, too many or left out is an OnnxError", () => {
  it.each(steps)("%s", (operator, { node: { attributes }, inputs, outputs }) => {
    const { required, maximum } = signatureOf(operator)!;
    const op = createBuilder();
    const given = inputs.map((v, i) => v && (v.constant ? op.tensor(v.constant) : op.input(`x${i}`, v.dtype, v.shape)));
    const attempt = (list: typeof given) => () => op.appendNode(operator, list, attributes, outputs.length);
    for (let count = 0; count < required; count++) {
      expect(attempt(given.slice(0, count))).toThrow(OnnxError);
      expect(attempt(given.map((v, i) => (i === count ? null : v)))).toThrow(/is absent/);
    }
    if (maximum === Infinity) return;
    const extra = Array.from({ length: maximum - given.length + 1 }, () => given[0]!);
    expect(attempt([...given, ...extra])).toThrow(/inputs; \w+ takes/);
  });

  it.each(cases.map((c) => c.operator).filter((op, i, all) => all.indexOf(op) === i))("%s in a file", (operator) => {
    const sketch = modelOf({ inputs: { x: noise([1, 2, 4, 4]) }, nodes: [node(operator, [], ["y"])], outputs: ["y"] });
    const op = createBuilder();
    expect(() => load(op, sketch, { x: op.input("x", "float32", [1, 2, 4, 4]) })).toThrow(OnnxError);
  });
});

describe("attributesOf", () => {
  it("takes a number for what its operator takes it for", () => {
    expect(attributesOf("LeakyRelu", { alpha: 1 })["alpha"]).toEqual({ type: "float", value: 1 });
    expect(attributesOf("Conv", { group: 2 })["group"]).toEqual({ type: "int", value: 2 });
    expect(attributesOf("Attention", { scale: 2 })["scale"]).toEqual({ type: "float", value: 2 });
    expect(attributesOf("Upsample", { scales: [1, 2] })["scales"]).toEqual({ type: "floats", value: [1, 2] });
  });

  it("refuses a fraction for an integer", () => {
    expect(() => attributesOf("Conv", { group: 0.5 })).toThrow(
      "attribute group of operator Conv: is an integer; 0.5 is none",
    );
    expect(() => attributesOf("Conv", { strides: [1, 1.5] })).toThrow(OnnxError);
  });
});
