/** A graph as readable text with one line per node, for users and for tests that compare graphs. */

import type { Attribute, Graph, ValueInfo } from "./graph.ts";

/** A value with its type and shape: `image: float32[1, 3, height, width]`; "?" is an unknown size, "…" an unknown rank. */
export const typed = ({ name, dtype, shape }: ValueInfo): string =>
  `${name}: ${dtype}[${shape ? shape.map((d) => d ?? "?").join(", ") : "…"}]`;

const attributeText = (attribute: Attribute): string => {
  switch (attribute.type) {
    case "tensor":
      return `${attribute.value.dtype}[${attribute.value.shape.join(", ")}]`;
    case "graph":
      return `graph "${attribute.value.name}"`;
    case "floats":
    case "ints":
    case "strings":
      return `[${attribute.value.join(", ")}]`;
    case "string":
      return JSON.stringify(attribute.value);
    case "float":
    case "int":
      return String(attribute.value);
    default:
      return attribute satisfies never;
  }
};

/**
 * A graph as text: `graph main(x: float32[1, 3, 8, 8]) → y: …`, the shapes of the weights, then a line such as
 * `y = Conv(x, w) {strides: [2, 2]}` for each node.
 */
export const printGraph = (graph: Graph): string => {
  const head = `graph ${graph.name}(${graph.inputs.map(typed).join(", ")}) → ${graph.outputs.map(typed).join(", ")}`;
  const weights = [...graph.initializers].map(
    ([name, t]) =>
      `  ${name} = ${t.dtype}[${t.shape.join(", ")}]${t.data.length <= 8 ? ` {${t.data.join(", ")}}` : ""}`,
  );
  const nodes = graph.nodes.map((n) => {
    const attributes = Object.entries(n.attributes).map(([name, a]) => `${name}: ${attributeText(a)}`);
    const op = n.domain === "" ? n.op : `${n.domain}.${n.op}`;
    return `  ${n.outputs.join(", ")} = ${op}(${n.inputs.map((i) => i || "_").join(", ")})${attributes.length > 0 ? ` {${attributes.join(", ")}}` : ""}`;
  });
  return [head, ...weights, ...nodes].join("\n");
};
