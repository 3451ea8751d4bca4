/** A network with an If that its sizes decide is attacked as the network of the branch alone. */

import { expect, it } from "vitest";
import type { Attribute, Graph, Model, Node } from "../../src/onnx/graph.ts";
import { loadAt } from "../../src/segmenter/differentiate/loaded.ts";
import { requireGradient } from "../../src/segmenter/differentiate/require-gradient.ts";
import { requireFit } from "../../src/segmenter/fit.ts";
import { numbersOf } from "../../src/tensor.ts";
import { float, ints, modelOf, node, noise } from "../onnx/support.ts";
import { evaluated, networkFor, picture, quotientError } from "./described.ts";

const branch = (nodes: readonly Node[]): Attribute => {
  const outputs = [{ name: nodes.at(-1)!.outputs[0]!, dtype: "float32" as const, shape: null, untyped: true }];
  const value: Graph = { name: "branch", inputs: [], outputs, initializers: new Map(), nodes };
  return { type: "graph", value };
};

/** Where there are three channels sin(7·x·w), and the branch reads x and w around it; else −x. */
const bent: readonly Node[] = [node("Mul", ["pixels", "weights"], ["product"]), node("Sin", ["product"], ["bent"])];

const model = (end: readonly Node[]): Model => {
  const { graph, ...rest } = modelOf({
    inputs: { pixels: noise([1, 3, 10, 12]) },
    initializers: { weights: float([1, 3, 1, 1], [7, -9, 4]), three: ints(3), first: ints(0) },
    nodes: [
      node("Shape", ["pixels"], ["count"], { start: 1, end: 2 }),
      node("Equal", ["count", "three"], ["equal"]),
      node("Squeeze", ["equal", "first"], ["is"]),
      ...end,
    ],
    outputs: ["map"],
  });
  const inputs = graph.inputs.map((v) => ({ ...v, shape: [1, "channels", "height", "width"] }));
  return { ...rest, graph: { ...graph, inputs } };
};

const chosen: Node = {
  ...node("If", ["is"], ["map"]),
  attributes: { then_branch: branch(bent), else_branch: branch([node("Neg", ["pixels"], ["negative"])]) },
};

it("has the prediction and the gradient of the branch, which the runtime's own forward confirms", async () => {
  const network = networkFor(model([chosen]));
  requireFit(network);
  const plain = networkFor(model([...bent, node("Identity", ["bent"], ["map"])]));
  const { labels, gradient } = await evaluated(network, picture());
  const expected = await evaluated(plain, picture());
  expect(new Set(labels.data).size).toBe(3);
  expect(labels).toEqual(expected.labels);
  expect(numbersOf(gradient)).toEqual(numbersOf(expected.gradient));
  expect(await quotientError(network, picture(), gradient, 3)).toBeLessThan(2e-3);
});

it("names the If of the file as the origin of the branch's steps", () => {
  const loaded = loadAt(model([chosen]), { pixels: [1, 3, 10, 12] });
  expect(requireGradient(loaded, "map", ["pixels"])).toEqual([]);
  const origins = [...loaded.origin].map(([step, { op }]) => `${step.node.op} of ${op}`);
  expect(origins).toEqual(["Mul of If", "Sin of If"]);
});
