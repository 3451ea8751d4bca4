/** Graphs reduced to what determines their memory: names, operators, sizes. */

import { bytesPerElement, sizeOf, type DType } from "../../tensor.ts";

export interface SizedType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export interface SizedNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** The graph's nodes in the order of the file, with the types of all values. */
export interface SizedGraph {
  readonly inputs: readonly { readonly name: string }[];
  readonly outputs: readonly { readonly name: string }[];
  readonly initializers: ReadonlyMap<string, SizedType>;
  readonly nodes: readonly SizedNode[];
  readonly types: ReadonlyMap<string, SizedType>;
}

export const bytesOf = ({ dtype, shape }: SizedType): number => bytesPerElement(dtype) * sizeOf(shape);

/** The nodes without Identities, which onnxruntime drops when it loads a model, and the name of each value after that. */
export const withoutIdentities = (
  nodes: readonly SizedNode[],
): { readonly nodes: readonly SizedNode[]; readonly nameOf: (name: string) => string } => {
  const source = new Map(nodes.flatMap((n) => (n.op === "Identity" ? [[n.outputs[0]!, n.inputs[0]!] as const] : [])));
  const nameOf = (name: string): string => {
    let root = name;
    for (let next = source.get(root); next !== undefined; next = source.get(root)) root = next;
    // Path compression, so that a long chain of Identities is walked once.
    for (let at = name; at !== root;) {
      const next = source.get(at)!;
      source.set(at, root);
      at = next;
    }
    return root;
  };
  return {
    nodes: nodes.flatMap((n) => (n.op === "Identity" ? [] : [{ ...n, inputs: n.inputs.map(nameOf) }])),
    nameOf,
  };
};
