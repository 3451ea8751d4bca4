/**
 * Which value of the file is read as logits. That is the output that the manifest names, or what stands before it: the logits
 * before an ArgMax, which have a gradient where labels have none, and those before a Sigmoid or Softmax, which do not saturate.
 */

import { intOf, type Graph, type Node } from "../onnx/graph.ts";
import type { Manifest } from "./manifest.ts";

type Kind = Manifest["output"]["kind"];

/** What of the file's graph is read. */
export interface Source {
  /** The value's name. */
  readonly name: string;
  readonly kind: Kind;
  /** The axis of the classes; negative from the end. Undefined: there is none, or for labels, it follows from the shape. */
  readonly axis?: number | undefined;
  /** For labels: the operator that gives them, which has no derivative. */
  readonly end?: string | undefined;
  /** In a whole sentence, where it is not the output of that name. */
  readonly note?: string | undefined;
}

const axes: Readonly<Record<NonNullable<Manifest["output"]["layout"]>, number | undefined>> = {
  NCHW: 1,
  NHWC: 3,
  CHW: 0,
  HWC: 2,
  NHW: undefined,
  HW: undefined,
};

/** Operators through which labels pass as they are. */
const transparent: ReadonlySet<string> = new Set(["Identity", "Cast", "Squeeze", "Unsqueeze"]);

/** The axis of a Softmax; before opset 13 its default was 1. */
const softmaxAxis = (node: Node, opset: number): number => intOf(node, "axis", opset < 13 ? 1 : -1);

export const sourceOf = (graph: Graph, opset: number, { output }: Pick<Manifest, "output">): Source => {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  /** The first node before a value that is not among `passed`. */
  const before = (name: string, passed: ReadonlySet<string>): Node | undefined => {
    const node = producers.get(name);
    return node && passed.has(node.op) ? before(node.inputs[0]!, passed) : node;
  };
  const own: Source = { name: output.name, kind: output.kind, axis: axes[output.layout ?? "NCHW"] };
  const isStandard = (node: Node | undefined, op: string): boolean => node?.op === op && node.domain === "";

  if (output.kind === "labels") {
    const node = before(output.name, transparent);
    if (!node || !isStandard(node, "ArgMax")) return { ...own, axis: undefined, end: node?.op ?? "Identity" };
    const axis = intOf(node, "axis", 0);
    // softmax keeps the order of the classes
    const inner = producers.get(node.inputs[0]!);
    const isSoftmax =
      (isStandard(inner, "Softmax") || isStandard(inner, "LogSoftmax")) && softmaxAxis(inner!, opset) === axis;
    const name = isSoftmax ? inner!.inputs[0]! : node.inputs[0]!;
    const note = `"${output.name}" is the argmax of "${name}"; the logits "${name}" are used in its place, so that there is a gradient.`;
    return { name, kind: "logits", axis, note };
  }
  if (output.kind !== "probabilities") return own;
  const node = before(output.name, new Set(["Identity"]));
  const sigmoid = output.activation === "sigmoid" && isStandard(node, "Sigmoid");
  const softmax =
    output.activation !== "sigmoid" && isStandard(node, "Softmax") && softmaxAxis(node!, opset) === own.axis;
  if (!sigmoid && !softmax) return own;
  const note = `"${output.name}" is the ${node!.op} of "${node!.inputs[0]}"; these logits are used in its place, as they do not saturate.`;
  return { ...own, name: node!.inputs[0]!, kind: "logits", note };
};

/** The graph with that value among its outputs. */
export const exposing = (graph: Graph, { name }: Source): Graph =>
  graph.outputs.some((v) => v.name === name)
    ? graph
    : { ...graph, outputs: [...graph.outputs, { name, dtype: "float32", shape: null }] };
