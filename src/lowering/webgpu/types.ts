/**
 * Rules for element types without a kernel: integers of 8, 16 and 64 bits, which are represented in another type, and Booleans in
 * operators that rearrange elements.
 */

import type { Builder } from "../../onnx/build.ts";
import { intOf } from "../../onnx/graph.ts";
import { sliceAxes } from "../../onnx/infer/shape.ts";
import { dtypeOf } from "../../onnx/tensor-proto.ts";
import { normaliseAxis, type Value } from "../../onnx/value.ts";
import { numbersOf, tensorOf, type DType } from "../../tensor.ts";
import { fromFront, iota, isTransposed, sameNode, pinned, type GpuContext, type GpuRule } from "./rule.ts";

const small: ReadonlySet<DType> = new Set(["int8", "uint8", "int16", "uint16"]);

/** The type in which values of a type are represented. */
const carrier = (dtype: DType): DType => (small.has(dtype) ? "float32" : dtype === "int64" ? "int32" : dtype);

const elementwise =
  "Add Sub Mul Div Max Min Mod Pow Equal Greater GreaterOrEqual Less LessOrEqual Concat Clip PRelu Sum Mean".split(" ");

/** The inputs of an operator that must have the same type. */
const alike: Readonly<Record<string, (index: number) => boolean>> = {
  ...Object.fromEntries(elementwise.map((op) => [op, () => true])),
  Where: (i) => i > 0,
  Pad: (i) => i === 0 || i === 2,
  ScatterElements: (i) => i !== 1,
  ScatterND: (i) => i !== 1,
};

const limit = 2 ** 31 - 1;

/** The inputs with constants converted to the type in which the other inputs are represented. */
export const unified = (op: Builder, node: string, inputs: readonly (Value | null)[]): readonly (Value | null)[] => {
  const isAlike = alike[node];
  if (!isAlike) return inputs;
  const moving = inputs.find((v, i) => v && !v.constant && isAlike(i));
  return inputs.map((v, i) => {
    if (!moving || !v?.constant || !isAlike(i) || carrier(v.dtype) === v.dtype || v.dtype === moving.dtype) return v;
    const values = numbersOf(v.constant).map((n) => Math.min(Math.max(n, -limit - 1), limit));
    return op.tensor(tensorOf(moving.dtype, v.shape, values), v.name);
  });
};

/** The index of the extremum along an axis as int32; of equal elements the first (or the last). */
const extremum =
  (find: "ReduceMax" | "ReduceMin"): GpuRule =>
  ({ op, node }, given) => {
    if (given?.dtype !== "float32") return null;
    const x = isTransposed(op, given) ? pinned(op, given) : given;
    const axis = normaliseAxis(node, intOf(node, "axis", 0), x.shape.length);
    const last = intOf(node, "select_last_index", 0) === 1;
    const size = x.shape[axis]!;
    const best = op[find](x, op.ints([axis]), { keepdims: 1 });
    const places = iota(op, "float32", size, axis, x.shape.length);
    const attained = op.Where(op.Equal(x, best), places, op.constant(last ? -1 : size));
    const place = op[last ? "ReduceMax" : "ReduceMin"](attained, op.ints([axis]), {
      keepdims: intOf(node, "keepdims", 1),
    });
    return [op.cast(place, "int32")];
  };
export const ArgMax: GpuRule = extremum("ReduceMax");
export const ArgMin: GpuRule = extremum("ReduceMin");

export const Cast: GpuRule = ({ op, node }, x) => {
  const wanted = dtypeOf(intOf(node, "to", 1), "Cast");
  if (!x || x.dtype === "int64" || x.constant || carrier(wanted) === wanted) return null;
  // A cast to an integer truncates.
  const whole = x.dtype === "float32" ? op.cast(x, "int32") : x;
  return [op.cast(whole, carrier(wanted))];
};

/** The operator on Booleans converted to 0 and 1, and back. */
const throughFloats: GpuRule = (context, ...inputs) => {
  if (!inputs.some((v) => v?.dtype === "bool")) return null;
  const { op } = context;
  const floats = inputs.map((v) => (v?.dtype === "bool" ? op.cast(v, "float32") : v));
  return context.node.outputs.length === 1 ? [op.cast(sameNode(context, floats), "bool")] : null;
};
export const Transpose: GpuRule = throughFloats;
export const Concat: GpuRule = throughFloats;
export const Pad: GpuRule = throughFloats;
export const Tile: GpuRule = throughFloats;
export const Gather: GpuRule = throughFloats;

/** Slice supports floats only and is wrong for negative steps (onnxruntime 1.30); Gather supports all types. */
export const Slice: GpuRule = (context, x = null, ...bounds) => {
  if (x?.dtype !== "int32" && x?.dtype !== "float32") return throughFloats(context, x, ...bounds);
  const { op, node } = context;
  const taken = sliceAxes(node, [x, ...bounds]);
  if (x.dtype === "float32" && taken.every(({ step }) => step > 0)) return null;
  return [
    taken.reduce((v, { start, step, length }, axis) => {
      if (length === v.shape[axis] && step === 1) return v;
      return op.Gather(v, op.ints(Array.from({ length }, (_, i) => start + i * step)), { axis });
    }, x),
  ];
};

const logical = (f: (op: Builder, a: Value, b: Value) => Value): GpuRule => {
  return ({ op }: GpuContext, a, b) => (a?.dtype === "bool" && b?.dtype === "bool" ? [f(op, a, b)] : null);
};
const same = (op: Builder, a: Value, b: Value): Value => op.Equal(op.cast(a, "int32"), op.cast(b, "int32"));
export const Equal: GpuRule = logical(same);
export const Xor: GpuRule = logical((op, a, b) => op.Not(same(op, a, b)));
/** ¬(¬a ∧ ¬b) */
export const Or: GpuRule = logical((op, a, b) => op.Not(op.And(op.Not(a), op.Not(b))));

/** `on` where i equals the index, else `off`, along a new axis. Negative indices count from the end. */
export const OneHot: GpuRule = ({ op, node }, indices, depth, values) => {
  if (indices?.dtype !== "int32" || !depth?.constant || !values?.constant) return null;
  const [size = 0] = numbersOf(depth.constant);
  const rank = indices.shape.length + 1;
  const axis = normaliseAxis(node, intOf(node, "axis", -1), rank);
  const wrapped = fromFront(op, indices, size);
  const own = op.Equal(op.Unsqueeze(wrapped, op.ints([axis])), iota(op, "int32", size, axis, rank));
  const [off = 0, on = 1] = numbersOf(values.constant);
  const dtype = carrier(values.dtype);
  return [op.Where(own, op.constant(on, dtype), op.constant(off, dtype))];
};
