/**
 * The graph that onnxruntime executes, as far as it matters for memory: its fusions at level "all", which includes "extended". A
 * fused node is last in the list, as onnxruntime appends it; that determines when it runs.
 */

import { withoutIdentities, type SizedGraph, type SizedNode, type SizedType } from "./sized-graph.ts";

/** A rewrite of a node and its neighbours: the nodes `gone` are replaced by the nodes `made`. */
interface Rewrite {
  readonly gone: readonly SizedNode[];
  readonly made: SizedNode;
}

/** A graph with its readers and producers. */
interface View {
  readonly graph: SizedGraph;
  readonly producer: (name: string | undefined) => SizedNode | undefined;
  /** The only reader of the node's only result; undefined where it is read more than once, or is an output. */
  readonly onlyReader: (node: SizedNode) => SizedNode | undefined;
  readonly type: (name: string) => SizedType | undefined;
}

type Rule = (node: SizedNode, view: View) => Rewrite | null;

const viewOf = (graph: SizedGraph): View => {
  const made = new Map<string, SizedNode>();
  const readers = new Map<string, SizedNode[]>();
  for (const node of graph.nodes) {
    for (const name of node.outputs) if (name !== "") made.set(name, node);
    for (const name of node.inputs) {
      const list = readers.get(name);
      if (list) list.push(node);
      else readers.set(name, [node]);
    }
  }
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const onlyReader = (node: SizedNode): SizedNode | undefined => {
    const [name, second] = node.outputs.filter((output) => output !== "");
    if (name === undefined || second !== undefined || outputs.has(name)) return undefined;
    const list = readers.get(name) ?? [];
    return list.length === 1 ? list[0] : undefined;
  };
  return { graph, producer: (name) => made.get(name ?? ""), onlyReader, type: (name) => graph.types.get(name) };
};

/** Applies a rule throughout the graph; no node takes part in two rewrites. */
const rewrite = (graph: SizedGraph, rule: Rule): SizedGraph => {
  const view = viewOf(graph);
  const gone = new Set<SizedNode>();
  const made: SizedNode[] = [];
  for (const node of graph.nodes) {
    if (gone.has(node)) continue;
    const found = rule(node, view);
    if (!found || found.gone.some((n) => gone.has(n))) continue;
    for (const n of found.gone) gone.add(n);
    made.push(found.made);
  }
  return made.length === 0 ? graph : { ...graph, nodes: [...graph.nodes.filter((n) => !gone.has(n)), ...made] };
};

/** MaxPool → QuantizeLinear becomes QuantizeLinear → MaxPool (QDQPropagation). */
const earlyQuantized = (graph: SizedGraph): SizedGraph => {
  const { onlyReader, type } = viewOf(graph);
  const types = new Map(graph.types);
  const nodes = [...graph.nodes];
  const places = new Map(graph.nodes.map((node, i) => [node, i] as const));
  for (const [i, node] of graph.nodes.entries()) {
    const quantize = node.op === "MaxPool" ? onlyReader(node) : undefined;
    if (!isQuantize(quantize)) continue;
    const [x, y] = [node.inputs[0]!, quantize.outputs[0]!];
    const early = `${y} early`;
    types.set(early, { ...type(x)!, dtype: type(y)!.dtype });
    nodes[i] = { ...quantize, inputs: [x, ...quantize.inputs.slice(1)], outputs: [early] };
    nodes[places.get(quantize)!] = { ...node, inputs: [early], outputs: [y] };
  }
  return types.size === graph.types.size ? graph : { ...graph, types, nodes };
};

const isQuantize = (node: SizedNode | undefined): node is SizedNode => node?.op === "QuantizeLinear";

/** Relu → QuantizeLinear to uint8 loses its Relu: values below the zero point saturate there anyway (ReluQuantFusion). */
const saturating = (graph: SizedGraph): SizedGraph => {
  const { onlyReader, type } = viewOf(graph);
  const drops = (node: SizedNode): boolean => {
    const quantize = node.op === "Relu" ? onlyReader(node) : undefined;
    return isQuantize(quantize) && type(quantize.outputs[0]!)?.dtype === "uint8";
  };
  const dropped = new Map(graph.nodes.filter(drops).map((n) => [n.outputs[0]!, n.inputs[0]!] as const));
  if (dropped.size === 0) return graph;
  const kept = graph.nodes.filter((n) => !dropped.has(n.outputs[0]!));
  const nodes = kept.map((n) => ({ ...n, inputs: n.inputs.map((name) => dropped.get(name) ?? name) }));
  return { ...graph, nodes };
};

/** Operators with integer kernels, and those that move data of any type; for others QuantizeLinear and DequantizeLinear stay. */
const onIntegers = new Set(
  "Conv MatMul Gemm Add Mul AveragePool GlobalAveragePool LeakyRelu Sigmoid Softmax Concat Where MaxPool Reshape Transpose Squeeze Unsqueeze Resize Split Gather".split(
    " ",
  ),
);

/** Operators of which only the first input is data. */
const moving = new Set("MaxPool Reshape Transpose Squeeze Unsqueeze Resize Split Gather".split(" "));

/** DequantizeLinear on all inputs and QuantizeLinear on the output become one node on integers. */
const onQuantized: Rule = (node, { onlyReader, producer, type }) => {
  const quantize = onIntegers.has(node.op) ? onlyReader(node) : undefined;
  if (!isQuantize(quantize)) return null;
  const integersOf = (name: string): string | undefined => {
    const made = producer(name);
    return made?.op === "DequantizeLinear" ? made.inputs[0] : undefined;
  };
  const floats = moving.has(node.op)
    ? node.inputs.slice(0, 1)
    : node.inputs.filter((name) => type(name)?.dtype === "float32");
  if (floats.length === 0 || !floats.every(integersOf)) return null;
  const op = moving.has(node.op) ? node.op : `QLinear${node.op}`;
  const inputs = node.inputs.map((name) => integersOf(name) ?? name);
  return { gone: [node, quantize], made: { op, inputs, outputs: quantize.outputs } };
};

/** Removes each DequantizeLinear whose result is no longer read. */
const withoutUnread = (graph: SizedGraph): SizedGraph => {
  const read = new Set([...graph.outputs.map(({ name }) => name), ...graph.nodes.flatMap((n) => n.inputs)]);
  return { ...graph, nodes: graph.nodes.filter((n) => n.op !== "DequantizeLinear" || read.has(n.outputs[0]!)) };
};

/** Activations that a convolution can apply to its results. */
const activations = new Set(["Relu", "Sigmoid", "Tanh", "LeakyRelu", "Clip"]);

const isConvolution = (node: SizedNode | undefined, { type }: View): node is SizedNode =>
  node?.op === "Conv" && type(node.outputs[0]!)?.dtype === "float32";

/** Conv → activation (ConvActivationFusion). */
const withActivation: Rule = (node, view) => {
  const activation = isConvolution(node, view) ? view.onlyReader(node) : undefined;
  if (!activation || !activations.has(activation.op)) return null;
  return { gone: [node, activation], made: { op: "FusedConv", inputs: node.inputs, outputs: activation.outputs } };
};

/** Conv with bias → Add of a value of the same shape (→ activation): the first such Conv takes the other addend as an input (ConvAddActivationFusion). */
const withAddend: Rule = (node, view) => {
  const { onlyReader, producer, type } = view;
  if (node.op !== "Add") return null;
  const [shape, other] = node.inputs.map((name) => type(name)?.shape.join(" "));
  if (shape !== other) return null;
  const fits = (n: SizedNode | undefined): n is SizedNode =>
    isConvolution(n, view) && n.inputs.length === 3 && onlyReader(n) === node;
  const convolution = node.inputs.map(producer).find(fits);
  if (!convolution) return null;
  const addend = node.inputs.find((name) => name !== convolution.outputs[0])!;
  const next = onlyReader(node);
  const activation = next && activations.has(next.op) ? [next] : [];
  const { outputs } = activation[0] ?? node;
  return {
    gone: [convolution, node, ...activation],
    made: { op: "FusedConv", inputs: [...convolution.inputs, addend], outputs },
  };
};

/** The graph that onnxruntime executes for a graph in a file. */
export const executed = (file: SizedGraph): SizedGraph => {
  const { nodes, nameOf } = withoutIdentities(file.nodes);
  const loaded = { ...file, nodes, outputs: file.outputs.map(({ name }) => ({ name: nameOf(name) })) };
  const quantised = withoutUnread(rewrite(saturating(earlyQuantized(loaded)), onQuantized));
  return [withActivation, withAddend].reduce(rewrite, quantised);
};
