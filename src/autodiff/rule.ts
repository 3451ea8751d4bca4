/** What a vector-Jacobian product (VJP) rule is. */

import { OPSET, type Builder } from "../onnx/build.ts";
import type { Node } from "../onnx/graph.ts";
import type { Value } from "../onnx/value.ts";

/** What a pullback is given beside the cotangent and the inputs. */
export interface VjpContext {
  /** Appends the nodes of the backward pass. */
  readonly op: Builder;
  /** The forward node: its attributes. */
  readonly node: Node;
  /** Its inputs, null where an optional one is absent. */
  readonly inputs: readonly (Value | null)[];
  /** Its first output. */
  readonly y: Value;
  readonly outputs: readonly Value[];
  /** The cotangent of output `index`; zeros where nothing depends on it. */
  readonly cotangent: (index: number) => Value;
  /** Whether the target depends on output `index`. */
  readonly counts: (index: number) => boolean;
}

/**
 * The cotangent of one input, dx = Jᵀ·dy, from the cotangent `dy` of the first output and the inputs `x`. Its shape may
 * be the broadcast one: the driver sums it down to the input's.
 */
export type Vjp = (dy: Value, context: VjpContext, ...x: Value[]) => Value;

/**
 * One pullback for each input that the operator can have, optional ones included; null where the derivative is zero, or where the
 * input is not a number to differentiate by (a shape, indices, a mode). Variadic operators give a function of the input's index.
 */
export type VjpRule = readonly (Vjp | null)[] | ((index: number) => Vjp);

/** @throws UnsupportedOperatorError for a form of an operator that has no rule. */
export const unsupportedForm = (node: Node, form: string): never => {
  throw new UnsupportedOperatorError(`${node.op} with ${form}`, node.name, OPSET);
};

/** A gradient was asked for through an operator that has no rule. */
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
