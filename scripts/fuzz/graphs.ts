/** Uploads of networks whose nodes, attributes, shapes and bytes are changed. */

import type { Attribute, Graph, Node } from "../../src/onnx/graph.ts";
import { writeModel } from "../../src/onnx/write.ts";
import * as rules from "../../src/autodiff/rules/index.ts";
import { tinyManifest, tinyModel } from "../../test/support/networks/tiny.ts";
import type { Sent } from "./bodies.ts";
import { chance, pick, type Random } from "../../src/random.ts";
import { below, damaged, oddNumber } from "./pick.ts";

/** Operators with a rule for their gradient. */
const operators = Object.keys(rules).filter((name) => /^[A-Z]/.test(name));

const attribute = (next: Random): Attribute =>
  pick<() => Attribute>(next, [
    () => ({ type: "int", value: Math.trunc(oddNumber(next)) % 2 ** 31 }),
    () => ({ type: "ints", value: Array.from({ length: below(next, 6) }, () => below(next, 8) - 2) }),
    () => ({ type: "float", value: Math.fround(oddNumber(next) % 1e38) }),
    () => ({ type: "string", value: pick(next, ["SAME_UPPER", "linear", "reflect", "", "x"]) }),
  ])();

const attributeNames = ["kernel_shape", "pads", "strides", "dilations", "group", "axis", "axes", "mode", "keepdims", "perm", "epsilon"]; // prettier-ignore

const changedNode = (next: Random, node: Node, names: readonly string[]): Node => {
  switch (below(next, 5)) {
    case 0:
      return { ...node, op: pick(next, operators) };
    case 1:
      return { ...node, inputs: node.inputs.slice(0, below(next, node.inputs.length + 1)) };
    case 2:
      return { ...node, inputs: node.inputs.map((name) => (chance(next, 0.5) ? pick(next, names) : name)) };
    case 3:
      return { ...node, attributes: { ...node.attributes, [pick(next, attributeNames)]: attribute(next) } };
    default:
      return { ...node, outputs: [...node.outputs, `extra_${below(next, 3)}`] };
  }
};

/** A node between another and its readers. */
const inserted = (next: Random, graph: Graph, at: number): Graph => {
  const node = graph.nodes[at]!;
  const [made = ""] = node.outputs;
  const inner = `${made}_inner`;
  const names = [...graph.initializers.keys(), inner];
  const extra: Node = {
    name: `new_${at}`,
    op: pick(next, operators),
    domain: "",
    inputs: [inner, ...Array.from({ length: below(next, 3) }, () => pick(next, names))],
    outputs: [made],
    attributes: chance(next, 0.5) ? { [pick(next, attributeNames)]: attribute(next) } : {},
  };
  const renamed = { ...node, outputs: [inner, ...node.outputs.slice(1)] };
  return { ...graph, nodes: [...graph.nodes.slice(0, at), renamed, extra, ...graph.nodes.slice(at + 1)] };
};

const changedGraph = (next: Random, graph: Graph): Graph => {
  let changed = graph;
  for (let i = 1 + below(next, 3); i > 0; i--) {
    const at = below(next, changed.nodes.length);
    const names = [...changed.initializers.keys(), ...changed.nodes.flatMap(({ outputs }) => outputs), "", "absent"];
    changed = chance(next, 0.5)
      ? inserted(next, changed, at)
      : { ...changed, nodes: changed.nodes.map((node, k) => (k === at ? changedNode(next, node, names) : node)) };
  }
  return changed;
};

/** The upload of a changed network, which replaces the one before it. */
export const changedNetwork = (next: Random): Sent => {
  const model = tinyModel({ activation: pick(next, ["Relu", "Tanh"]), seed: below(next, 5) });
  const file = writeModel({ ...model, graph: changedGraph(next, model.graph) });
  const bytes = chance(next, 0.25) ? damaged(next, file) : file;
  const { sha256: _, file: __, metrics: ___, ...manifest } = tinyManifest({ name: "fuzzed" });
  const boundary = "----fuzz";
  const part = (name: string, more = "") =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
  const body = Buffer.concat([
    Buffer.from(part("model", '; filename="model.onnx"')),
    bytes,
    Buffer.from(`\r\n${part("manifest")}${JSON.stringify(manifest)}\r\n--${boundary}--\r\n`),
  ]);
  return {
    path: "/v1/models?replace=true",
    method: "POST",
    headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
    body: new Uint8Array(body),
  };
};
