/** The type of a vector-Jacobian product (VJP) rule. */

import { OPSET, type Builder } from "../onnx/build.ts";
import type { Node } from "../onnx/graph.ts";
import type { Value } from "../onnx/value.ts";

/** The arguments of a pullback besides the cotangent and the inputs. */
export interface VjpContext {
  /** The builder to which the backward pass is appended. */
  readonly op: Builder;
  /** The node of the forward pass. */
  readonly node: Node;
  /** Its inputs; null for an optional input that is absent. */
  readonly inputs: readonly (Value | null)[];
  /** Its first output. */
  readonly y: Value;
  readonly outputs: readonly Value[];
  /** The cotangent of output `index`; zeros if the target does not depend on it. */
  readonly cotangent: (index: number) => Value;
  /** Whether the target depends on output `index`. */
  readonly dependsOn: (index: number) => boolean;
}

/**
 * The cotangent of one input, dx = Jᵀ·dy, from the cotangent `dy` of the first output and the inputs `x`. It may have the
 * broadcast shape: the driver sums it to the shape of the input.
 */
export type Vjp = (dy: Value, context: VjpContext, ...x: Value[]) => Value;

/**
 * One pullback for each input that the operator can have, including optional inputs; null if the derivative is zero or the input is
 * not differentiable (a shape, indices, a mode). A variadic operator has a function from the input's index to its pullback.
 */
export type VjpRule = readonly (Vjp | null)[] | ((index: number) => Vjp);

/** @throws UnsupportedOperatorError for a form of an operator that has no rule. */
export const unsupportedForm = (node: Node, form: string): never => {
  throw new UnsupportedOperatorError(`${node.op} with ${form}`, node.name, OPSET);
};

/** The target depends on a source through an operator that has no rule. */
export class UnsupportedOperatorError extends Error {
  override readonly name = "UnsupportedOperatorError";
  readonly operator: string;
  readonly node: string;
  readonly opset: number;
  constructor(operator: string, node: string, opset: number) {
    super(`no gradient rule for operator ${operator} (node "${node}", opset ${opset})`);
    this.operator = operator;
    this.node = node;
    this.opset = opset;
  }
}
