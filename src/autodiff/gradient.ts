/**
 * Reverse-mode differentiation of an ONNX graph into an ONNX graph. Only the driver finds the paths from the sources to the
 * target, reverses broadcasting and accumulates cotangents; the rules contain the calculus. Gradients of weights are never built.
 */

import { OPSET, type Builder } from "../onnx/build.ts";
import type { Node } from "../onnx/graph.ts";
import { leadingTo, type Step } from "../onnx/step.ts";
import type { Value } from "../onnx/value.ts";
import { sameShape, type DType } from "../tensor.ts";
import { UnsupportedOperatorError, unsupportedForm, type Vjp, type VjpContext, type VjpRule } from "./rule.ts";
import * as rules from "./rules/index.ts";

const table: Readonly<Record<string, VjpRule>> = rules;

/** The gradient rule of an operator of the standard domain; undefined if it has none. Other domains have no rules. */
export const ruleOf = (operator: string, domain = ""): VjpRule | undefined =>
  domain === "" ? table[operator] : undefined;

/**
 * The rule of a node. @throws UnsupportedOperatorError if it has none.
 * @throws RangeError if the rule has fewer pullbacks than the node has inputs: a missing pullback would be a silent gradient of zero.
 */
const ruleFor = ({ op, domain, name, inputs }: Node): VjpRule => {
  const rule = ruleOf(op, domain);
  if (!rule) throw new UnsupportedOperatorError(op, name, OPSET);
  if (typeof rule !== "function" && rule.length < inputs.length)
    throw new RangeError(`the rule of ${op} has ${rule.length} pullbacks, node "${name}" has ${inputs.length} inputs`);
  return rule;
};

/** The pullback of input `index`. */
export const pullbackOf = (rule: VjpRule, index: number): Vjp | null =>
  typeof rule === "function" ? rule(index) : rule[index]!;

const isFloat = ({ dtype }: Value): boolean => dtype === "float32" || dtype === "float64";

/** Float types without a gradient. They are refused: a path that ended at such a value would be a silent gradient of zero. */
const unsupportedTypes: ReadonlySet<DType> = new Set(["float16"]);

/** The types that have a cotangent; integers have one between QuantizeLinear and DequantizeLinear (straight-through estimator). */
const carrying: ReadonlySet<DType> = new Set(["float32", "float64", "int8", "uint8", "int16", "uint16", "int32"]);

const differentiable = (v: Value): boolean => carrying.has(v.dtype) || unsupportedTypes.has(v.dtype);

/** The operators through which a gradient passes from floats to integers; it passes through no other, in particular not through Cast. */
const quantizers = new Set(["QuantizeLinear", "DynamicQuantizeLinear"]);

/** The outputs of a node that have a cotangent. The scale and zero point that DynamicQuantizeLinear computes have none. */
const carriers = ({ node, outputs }: Step): readonly Value[] =>
  quantizers.has(node.op) ? outputs.slice(0, 1) : outputs;

/** The nodes on a path from `sources` to `target`, in order. @throws UnsupportedOperatorError for a node without a rule. */
const pathSteps = (steps: readonly Step[], target: Value, sources: readonly Value[]): Step[] => {
  const reached = new Set(sources.map((v) => v.name));
  return leadingTo(steps, target.name).filter((step) => {
    const { node, inputs, outputs } = step;
    const active = inputs.flatMap((v, i) => (v && reached.has(v.name) && differentiable(v) ? [i] : []));
    if (active.length === 0) return false;
    const rule = ruleFor(node);
    const halves = active.map((i) => inputs[i]!).find((v) => unsupportedTypes.has(v.dtype));
    if (halves) unsupportedForm(node, `a ${halves.dtype} input`);
    const half = outputs.find((v) => unsupportedTypes.has(v.dtype));
    if (half) unsupportedForm(node, `${half.dtype} results`);
    if (!active.some((i) => pullbackOf(rule, i))) return false;
    const rounds = active.every((i) => isFloat(inputs[i]!)) && !isFloat(outputs[0]!);
    if (rounds && !quantizers.has(node.op)) return false;
    for (const v of carriers(step)) reached.add(v.name);
    return true;
  });
};

/** The cotangent of an integer tensor is a float tensor. */
const zerosLike = (op: Builder, { dtype, shape }: Value): Value =>
  op.zeros({ dtype: dtype === "float64" ? dtype : "float32", shape });

/** The adjoint of broadcasting: sums `dx` over the axes along which `shape` was broadcast. */
export const unbroadcast = (op: Builder, dx: Value, shape: readonly number[]): Value => {
  if (sameShape(dx.shape, shape)) return dx;
  const lead = dx.shape.length - shape.length;
  const axes = dx.shape.flatMap((d, i) => (i < lead || (shape[i - lead] === 1 && d !== 1) ? [i] : []));
  const summed = axes.length === 0 ? dx : op.ReduceSum(dx, op.ints(axes), { keepdims: 1 });
  return sameShape(summed.shape, shape) ? summed : op.Reshape(summed, op.ints(shape));
};

/**
 * Appends the backward pass and returns, for each of `sources`, the gradient of ⟨seed, target⟩ (of `target` itself if it has
 * one element and no seed is given). The gradient is zero for a source on which the target does not depend.
 *
 * @param seed the cotangent of `target`, with its shape; ones by default.
 * @throws UnsupportedOperatorError for an operator on a path that has no rule.
 */
export const gradient = (op: Builder, target: Value, sources: readonly Value[], seed?: Value): Value[] => {
  const cotangents = new Map<string, Value>();
  const accumulate = (value: Value, dx: Value) => {
    const known = cotangents.get(value.name);
    cotangents.set(value.name, known ? op.Add(known, dx) : dx);
  };
  const path = pathSteps(op.steps, target, sources);
  const wanted = new Set([...sources, ...path.flatMap(carriers)].map((v) => v.name));
  accumulate(target, seed ?? op.Expand(op.constant(1, target.dtype), op.ints(target.shape)));
  for (const { node, inputs, outputs } of path.toReversed()) {
    if (!outputs.some((v) => cotangents.has(v.name))) continue;
    const cotangent = (index: number) => cotangents.get(outputs[index]!.name) ?? zerosLike(op, outputs[index]!);
    const dependsOn = (index: number) => outputs[index] !== undefined && cotangents.has(outputs[index].name);
    const context: VjpContext = { op, node, inputs, y: outputs[0]!, outputs, cotangent, dependsOn };
    for (const [i, x] of inputs.entries()) {
      const pullback = x && wanted.has(x.name) && differentiable(x) ? pullbackOf(ruleFor(node), i) : null;
      if (!x || !pullback) continue;
      const dx = pullback(cotangent(0), context, ...(inputs as readonly Value[]));
      accumulate(x, unbroadcast(op, dx, x.shape));
    }
  }
  return sources.map((x) => cotangents.get(x.name) ?? zerosLike(op, x));
};
