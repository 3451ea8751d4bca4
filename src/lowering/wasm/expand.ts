/** Prevents onnxruntime from folding large Expand nodes of constants. */

import type { Graph, Node } from "../../onnx/graph.ts";
import type { TensorType } from "../../onnx/value.ts";
import { bytesPerElement, sizeOf, tensorOf } from "../../tensor.ts";
import { nodeOf } from "../node.ts";

/** Smaller constants may be folded. */
const LARGE_BYTES = 2 ** 16;

/**
 * The graph without large Expand nodes of constants, which onnxruntime would execute at load time and keep for the lifetime of the
 * session. The constant c becomes `x < x ? c : c`, where x is the first element of the image, so that it cannot be folded.
 */
export const expandLate = (graph: Graph, types: ReadonlyMap<string, TensorType>): Graph => {
  const [image] = graph.inputs;
  const isLarge = ({ op, inputs, outputs }: Node): boolean => {
    const type = types.get(outputs[0]!);
    const constant = op === "Expand" && inputs.every((name) => graph.initializers.has(name));
    return constant && type !== undefined && bytesPerElement(type.dtype) * sizeOf(type.shape) > LARGE_BYTES;
  };
  if (!image || !graph.nodes.some(isLarge)) return graph;
  const rank = types.get(image.name)!.shape.length;
  const end = (value: number) =>
    tensorOf(
      "int64",
      [rank],
      Array.from({ length: rank }, () => value),
    );
  const never = [
    nodeOf("Slice", "late_first", image.name, "late_from", "late_to"),
    nodeOf("Less", "late_less", "late_first", "late_first"),
    nodeOf("Reshape", "late_never", "late_less", "late_scalar"),
  ];
  const late = (node: Node): Node[] => {
    const [value = "", shape = ""] = node.inputs;
    const own = `${node.outputs[0]}_late`;
    return [nodeOf("Where", own, "late_never", value, value), { ...node, inputs: [own, shape] }];
  };
  return {
    ...graph,
    nodes: [...never, ...graph.nodes.flatMap((n) => (isLarge(n) ? late(n) : [n]))],
    initializers: new Map([
      ...graph.initializers,
      ["late_from", end(0)],
      ["late_to", end(1)],
      ["late_scalar", tensorOf("int64", [0], [])],
    ]),
  };
};
