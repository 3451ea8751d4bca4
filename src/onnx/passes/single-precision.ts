/** Conversion of half-precision networks to single precision: onnxruntime-web has few float16 kernels, and gradients are not built in float16. */

import { tensor, type Tensor } from "../../tensor.ts";
import type { Attribute, Attributes, Graph, Model, Node, ValueInfo } from "../graph.ts";
import { codeOf } from "../tensor-proto.ts";

/** The number that 16 bits represent (IEEE 754 binary16). */
export const halfToNumber = (bits: number): number => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
};

const single = (t: Tensor): Tensor =>
  t.dtype === "float16" ? tensor("float32", t.shape, Float32Array.from(t.data as Uint16Array, halfToNumber)) : t;

const singleInfo = (v: ValueInfo): ValueInfo => (v.dtype === "float16" ? { ...v, dtype: "float32" } : v);

const HALF = codeOf("float16");

/** Attributes whose value is an element type. */
const typeAttributes: ReadonlySet<string> = new Set(["to", "dtype", "output_dtype", "precision"]);

const singleAttribute = (name: string, attribute: Attribute): Attribute => {
  if (attribute.type === "tensor") return { ...attribute, value: single(attribute.value) };
  if (attribute.type === "graph") return { ...attribute, value: singleGraph(attribute.value) };
  const names = attribute.type === "int" && typeAttributes.has(name) && attribute.value === HALF;
  return names ? { type: "int", value: codeOf("float32") } : attribute;
};

const singleAttributes = (attributes: Attributes): Attributes =>
  Object.fromEntries(Object.entries(attributes).map(([name, a]) => [name, singleAttribute(name, a)]));

const singleGraph = (graph: Graph): Graph => ({
  ...graph,
  inputs: graph.inputs.map(singleInfo),
  outputs: graph.outputs.map(singleInfo),
  initializers: new Map([...graph.initializers].map(([name, t]) => [name, single(t)])),
  nodes: graph.nodes.map((n): Node => ({ ...n, attributes: singleAttributes(n.attributes) })),
});

const isHalfAttribute = ([name, a]: readonly [string, Attribute]): boolean => {
  if (a.type === "tensor") return a.value.dtype === "float16";
  if (a.type === "graph") return hasHalves(a.value);
  return a.type === "int" && typeAttributes.has(name) && a.value === HALF;
};

const hasHalves = ({ inputs, outputs, initializers, nodes }: Graph): boolean =>
  [...inputs, ...outputs, ...initializers.values()].some((v) => v.dtype === "float16") ||
  nodes.some((n) => Object.entries(n.attributes).some(isHalfAttribute));

/** The note that `inSinglePrecision` adds to a model that it changed. */
export const SINGLE_PRECISION_NOTE =
  "The network is in half precision (float16); it was run and differentiated in single precision, with its weights converted exactly. " +
  "Its own rounding, and its overflow beyond 65504, are not reproduced.";

/**
 * The model with float32 in place of float16 in weights, constants, inputs, outputs and conversions, and a note of the change.
 * Returns `model` itself if it has no float16.
 */
export const inSinglePrecision = (model: Model): Model =>
  hasHalves(model.graph)
    ? { ...model, graph: singleGraph(model.graph), notes: [...(model.notes ?? []), SINGLE_PRECISION_NOTE] }
    : model;
