/** Shape inference: the table of operators in their opset-21 form, and `inferTypes`. */

import { sizeOf } from "../tensor.ts";
import { OnnxError, UnknownOperatorError, describe, type Node } from "./graph.ts";
import { elementwise } from "./infer/elementwise.ts";
import { Einsum } from "./infer/einsum.ts";
import { GridSample } from "./infer/grid-sample.ts";
import { indexed } from "./infer/indexed.ts";
import { integer } from "./infer/integer.ts";
import { made } from "./infer/made.ts";
import { normalizing } from "./infer/normalization.ts";
import { reducing } from "./infer/reduce.ts";
import { Resize } from "./infer/resize.ts";
import { moving } from "./infer/shape.ts";
import { window } from "./infer/window.ts";
import { checkInputs } from "./signatures.ts";
import { reasonAgainst } from "./unsupported.ts";
import type { Infer, TensorType, Value } from "./value.ts";

const table: Readonly<Record<string, Infer>> = {
  ...elementwise,
  ...window,
  ...moving,
  ...indexed,
  ...made,
  ...reducing,
  ...normalizing,
  ...integer,
  Einsum,
  GridSample,
  Resize,
};

/** Operators with shape inference. */
export const inferableOperators: readonly string[] = Object.keys(table);

/** Maximum number of elements of one value; a graph with larger values is refused as hostile. */
const MAX_ELEMENTS = 2 ** 31;

const unknownOperator = (node: Node): OnnxError => {
  const operator = `${node.domain ? `${node.domain}.` : ""}${node.op}`;
  const reason = reasonAgainst(node);
  const foreign =
    node.domain === ""
      ? undefined
      : "it is no standard operator; export, or optimise, the network without those of its domain";
  const why = reason ?? foreign;
  return new UnknownOperatorError(
    `operator ${operator} is not supported${why === undefined ? "" : `: ${why}`}`,
    describe(node),
  );
};

/** The types of the outputs of `node`. @throws OnnxError for an unknown operator, and for inputs that do not fit. */
export const inferTypes = (node: Node, inputs: readonly (Value | null)[]): readonly TensorType[] => {
  const infer = node.domain === "" && Object.hasOwn(table, node.op) ? table[node.op] : undefined;
  if (!infer) throw unknownOperator(node);
  checkInputs(node, inputs);
  const types = infer(node, inputs);
  if (node.outputs.length > types.length && node.outputs.slice(types.length).some((name) => name !== "")) {
    throw new OnnxError(`has ${node.outputs.length} outputs, ${types.length} are supported`, describe(node));
  }
  for (const { shape } of types) {
    if (!Array.from(shape).every((d) => Number.isSafeInteger(d) && d >= 0)) {
      throw new OnnxError(`its output would have shape [${Array.from(shape, String).join(", ")}]`, describe(node));
    }
    if (sizeOf(shape) > MAX_ELEMENTS)
      throw new OnnxError(`its output [${shape.join(", ")}] is too large`, describe(node));
  }
  return types;
};
