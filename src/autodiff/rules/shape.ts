/** Operators that rearrange elements. */

import { sizeOf, stridesOf, tensorOf } from "../../tensor.ts";
import type { Builder } from "../../onnx/build.ts";
import { intOf, stringOf } from "../../onnx/graph.ts";
import { depthToSpaceMode, padAmounts, permutationOf, sliceAxes, type SliceAxis } from "../../onnx/infer/shape.ts";
import { normaliseAxis, type Value } from "../../onnx/value.ts";
import { unsupportedForm, type Vjp, type VjpRule } from "../rule.ts";
import { copiesBack } from "./sparse.ts";

const reshapeBack: Vjp = (dy, { op }, x) => op.Reshape(dy, op.ints(x.shape));

export const Reshape: VjpRule = [reshapeBack, null];
export const Flatten: VjpRule = [reshapeBack];
export const Squeeze: VjpRule = [reshapeBack, null];
export const Unsqueeze: VjpRule = [reshapeBack, null];

/** The inverse permutation. */
export const Transpose: VjpRule = [
  (dy, { op, node }, x) => {
    const perm = permutationOf(node, x);
    return op.Transpose(dy, { perm: perm.map((_, i) => perm.indexOf(i)) });
  },
];

/** dx of input `index` is the slice of dy that corresponds to it. */
export const Concat: VjpRule =
  (index) =>
  (dy, { op, node }, ...x) => {
    const axis = normaliseAxis(node, intOf(node, "axis", 0), dy.shape.length);
    const start = x.slice(0, index).reduce((sum, v) => sum + v.shape[axis]!, 0);
    return op.Slice(dy, op.ints([start]), op.ints([start + x[index]!.shape[axis]!]), op.ints([axis]));
  };

export const Split: VjpRule = [
  (_, { op, node, outputs, cotangent }) =>
    op.Concat(...outputs.map((__, i) => cotangent(i)), { axis: intOf(node, "axis", 0) }),
  null,
];

/**
 * Pads one axis with zeros. The pads are given for all axes: onnxruntime's transpose optimiser (1.30) ignores the input `axes` of
 * Pad.
 */
const padAxis = (op: Builder, x: Value, axis: number, before: number, after: number): Value => {
  const pads = [before, after].flatMap((zeros) => x.shape.map((_, i) => (i === axis ? zeros : 0)));
  return op.Pad(x, op.ints(pads), op.constant(0, x.dtype));
};

/** dy at the positions start, start + step, …; zeros elsewhere. */
const unslice = (op: Builder, dy: Value, axis: number, { start, step, length }: SliceAxis, size: number): Value => {
  const on = (value: number) => op.ints([value]);
  if (step < 0) {
    const reversed = op.Slice(dy, on(-1), on(-(2 ** 31)), on(axis), on(-1));
    return unslice(op, reversed, axis, { start: start + (length - 1) * step, step: -step, length }, size);
  }
  let spread = dy;
  if (step > 1) {
    const split = op.Unsqueeze(dy, on(axis + 1));
    const padded = padAxis(op, split, axis + 1, 0, step - 1);
    const merged = op.Reshape(padded, op.ints(dy.shape.map((d, i) => (i === axis ? d * step : d))));
    spread = op.Slice(merged, on(0), on((length - 1) * step + 1), on(axis));
  }
  const after = size - start - spread.shape[axis]!;
  return start === 0 && after === 0 ? spread : padAxis(op, spread, axis, start, after);
};

export const Slice: VjpRule = [
  (dy, { op, node, inputs }, x) =>
    sliceAxes(node, inputs).reduce((d, slice, axis) => {
      const whole = slice.step === 1 && slice.length === x.shape[axis];
      return whole ? d : unslice(op, d, axis, slice, x.shape[axis]!);
    }, dy),
  null,
  null,
  null,
  null,
];

/** The index into the unpadded axis that position `i` copies. */
const mirrored = (mode: string, i: number, size: number): number => {
  if (mode === "edge") return Math.min(Math.max(i, 0), size - 1);
  if (mode === "wrap") return ((i % size) + size) % size;
  const period = Math.max(2 * (size - 1), 1);
  const folded = ((i % period) + period) % period;
  return folded < size ? folded : period - folded;
};

/** With constant padding, dx is dy cropped, and the gradient by the constant is Σ dy over the padding; other modes copy pixels, and dx sums dy over the copies. */
export const Pad: VjpRule = [
  (dy, { op, node, inputs }, x) => {
    const { begin, end } = padAmounts(node, inputs);
    const mode = stringOf(node, "mode", "constant");
    const touched = x.shape.flatMap((_, i) => (begin[i] || end[i] ? [i] : []));
    if (mode === "constant") {
      const pads = op.ints([...begin, ...end].map((p) => (p === 0 ? 0 : -p)));
      const crop = [...begin, ...end].every((p) => p >= 0);
      if (!crop) return op.Pad(dy, pads, op.constant(0, dy.dtype));
      const starts = touched.map((i) => begin[i]!);
      const ends = touched.map((i) => begin[i]! + x.shape[i]!);
      return touched.length === 0 ? dy : op.Slice(dy, op.ints(starts), op.ints(ends), op.ints(touched));
    }
    return touched.reduce((d, axis) => {
      const size = x.shape[axis]!;
      return copiesBack(op, d, axis, size, (i) => mirrored(mode, i - begin[axis]!, size));
    }, dy);
  },
  null,
  (dy, { op, node, inputs }, x) => {
    if (stringOf(node, "mode", "constant") !== "constant") return op.constant(0, dy.dtype);
    const { begin, end } = padAmounts(node, inputs);
    const inside = op.zeros({ dtype: dy.dtype, shape: x.shape });
    const outside = op.Pad(inside, op.ints([...begin, ...end]), op.constant(1, dy.dtype));
    return op.ReduceSum(op.Mul(dy, outside), { keepdims: 0 });
  },
  null,
];

/** dx = dy, which the driver sums over the axes that were expanded. */
export const Expand: VjpRule = [(dy) => dy, null];

/** dx = Σ over the repetitions. */
export const Tile: VjpRule = [
  (dy, { op }, x) => {
    const split = x.shape.flatMap((d, i) => [dy.shape[i]! / d, d]);
    return op.ReduceSum(op.Reshape(dy, op.ints(split)), op.ints(x.shape.map((_, i) => 2 * i)), { keepdims: 0 });
  },
  null,
];

/** Zeros in the type of dy: cotangents are floats, also those of integer tensors. */
const zerosLike = (op: Builder, dy: Value, { shape }: Value): Value => op.zeros({ dtype: dy.dtype, shape });

/** y = x[…, indices, …]; dx adds dy at the indices. */
export const Gather: VjpRule = [
  (dy, { op, node }, x, indices) => {
    const axis = normaliseAxis(node, intOf(node, "axis", 0), x.shape.length);
    if (axis === 0) {
      const rows = op.Unsqueeze(op.cast(indices, "int64"), op.ints([indices.shape.length]));
      return op.ScatterND(zerosLike(op, dy, x), rows, dy, { reduction: "add" });
    }
    const count = indices.shape.reduce((a, b) => a * b, 1);
    const shape = x.shape.map((d, i) => (i === axis ? count : d));
    const along = op.Reshape(indices, op.ints(shape.map((_, i) => (i === axis ? count : 1))));
    const updates = op.Reshape(dy, op.ints(shape));
    return op.ScatterElements(zerosLike(op, dy, x), op.Expand(along, op.ints(shape)), updates, {
      axis,
      reduction: "add",
    });
  },
  null,
];

export const GatherElements: VjpRule = [
  (dy, { op, node }, x, indices) =>
    op.ScatterElements(zerosLike(op, dy, x), indices, dy, { axis: intOf(node, "axis", 0), reduction: "add" }),
  null,
];

/** The `indices` of GatherND, prefixed with the indices of their batch: [b₁ … bₙ, i…, depth] to [b₁ … bₙ, i…, n + depth]. */
const withBatch = (op: Builder, indices: Value, batch: number): Value => {
  const lead = indices.shape.slice(0, -1);
  const strides = stridesOf(lead);
  const columns = Array.from({ length: batch }, (_, axis) => {
    const data = Array.from({ length: sizeOf(lead) }, (__, i) => Math.floor(i / strides[axis]!) % lead[axis]!);
    return op.tensor(tensorOf("int64", [...lead, 1], data), "batch");
  });
  return op.Concat(...columns, indices, { axis: -1 });
};

/** y = the slices of x at the index tuples; dx adds dy there. */
export const GatherND: VjpRule = [
  (dy, { op, node }, x, indices) => {
    const batch = intOf(node, "batch_dims", 0);
    const whole = batch === 0 ? indices : withBatch(op, op.cast(indices, "int64"), batch);
    return op.ScatterND(zerosLike(op, dy, x), whole, dy, { reduction: "add" });
  },
  null,
];

const reductionOf = (node: Parameters<typeof stringOf>[0]): "none" | "add" => {
  const reduction = stringOf(node, "reduction", "none");
  return reduction === "none" || reduction === "add" ? reduction : unsupportedForm(node, `reduction ${reduction}`);
};

/** y = x with updates written (or added) at the indices; the gradient of overwritten elements is zero. */
export const ScatterElements: VjpRule = [
  (dy, { op, node }, _, indices, updates) =>
    reductionOf(node) === "add"
      ? dy
      : op.ScatterElements(dy, indices, zerosLike(op, dy, updates), { axis: intOf(node, "axis", 0) }),
  null,
  (dy, { op, node }, _, indices) => {
    reductionOf(node);
    return op.GatherElements(dy, indices, { axis: intOf(node, "axis", 0) });
  },
];

export const ScatterND: VjpRule = [
  (dy, { op, node }, _, indices, updates) =>
    reductionOf(node) === "add" ? dy : op.ScatterND(dy, indices, zerosLike(op, dy, updates)),
  null,
  (dy, { op, node }, _, indices) => {
    reductionOf(node);
    const rank = indices.shape.length;
    const rows = indices.shape[rank - 1] === 1;
    return rows ? op.Gather(dy, op.Squeeze(indices, op.ints([rank - 1])), { axis: 0 }) : op.GatherND(dy, indices);
  },
];

/** y = off + (on − off)·m with m = 1 where the class is the index; values = [off, on]; doff = Σ dy·(1 − m), don = Σ dy·m. */
export const OneHot: VjpRule = [
  null,
  null,
  (dy, { op, node, inputs }) => {
    const [indices, depth] = inputs;
    const axis = intOf(node, "axis", -1);
    const share = (off: number, on: number): Value => {
      const mask = op.OneHot(indices, depth, op.tensor(tensorOf(dy.dtype, [2], [off, on])), { axis });
      return op.Reshape(op.ReduceSum(op.Mul(dy, mask), { keepdims: 0 }), op.ints([1]));
    };
    return op.Concat(share(1, 0), share(0, 1), { axis: 0 });
  },
];

/** y = x with the first elements of each sequence reversed; the operator is its own adjoint. */
export const ReverseSequence: VjpRule = [
  (dy, { op, node }, _, lengths) =>
    op.ReverseSequence(dy, lengths, {
      batch_axis: intOf(node, "batch_axis", 1),
      time_axis: intOf(node, "time_axis", 0),
    }),
  null,
];

/** The adjoint is the inverse permutation. The modes DCR and CRD differ in the position of the block's axes among the channels. */
export const DepthToSpace: VjpRule = [
  (dy, { op, node }, x) => {
    const block = intOf(node, "blocksize", 1);
    if (depthToSpaceMode(node) === "DCR") return op.SpaceToDepth(dy, { blocksize: block });
    const [n, c, h, w] = x.shape as [number, number, number, number];
    const split = op.Reshape(dy, op.ints([n, c / block ** 2, h, block, w, block]));
    return op.Reshape(op.Transpose(split, { perm: [0, 1, 3, 5, 2, 4] }), op.ints(x.shape));
  },
];
export const SpaceToDepth: VjpRule = [
  (dy, { op, node }) => op.DepthToSpace(dy, { blocksize: intOf(node, "blocksize", 1), mode: "DCR" }),
];
