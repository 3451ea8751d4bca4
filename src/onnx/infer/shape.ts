/** Shape inference of operators that only rearrange elements. */

import { sizeOf } from "../../tensor.ts";
import { OnnxError, describe, intOf, intsOf, stringOf, type Node } from "../graph.ts";
import {
  broadcastShapes,
  constantInts,
  normaliseAxis,
  required,
  sharedType,
  type Infer,
  type Value,
} from "../value.ts";
import { likeFirst } from "./indexed.ts";

const Concat: Infer = (node, inputs) => {
  const first = required(node, inputs, 0);
  const axis = normaliseAxis(node, intOf(node, "axis", 0), first.shape.length);
  const shape = [...first.shape];
  for (let i = 1; i < inputs.length; i++) {
    const other = required(node, inputs, i);
    if (other.shape.length !== shape.length || other.shape.some((d, j) => j !== axis && d !== shape[j])) {
      throw new OnnxError(
        `inputs [${shape.join(", ")}] and [${other.shape.join(", ")}] differ off axis ${axis}`,
        describe(node),
      );
    }
    shape[axis]! += other.shape[axis]!;
  }
  return [
    {
      dtype: sharedType(
        node,
        inputs.map((_, i) => required(node, inputs, i)),
      ),
      shape,
    },
  ];
};

const Split: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  const axis = normaliseAxis(node, intOf(node, "axis", 0), x.shape.length);
  const parts = node.outputs.length;
  const chunk = Math.ceil(x.shape[axis]! / parts);
  const sizes = inputs[1]
    ? constantInts(node, inputs[1])
    : Array.from({ length: parts }, (_, i) => Math.min(chunk, x.shape[axis]! - i * chunk));
  const total = sizes.reduce((a, b) => a + b, 0);
  if (sizes.length !== parts || total !== x.shape[axis]) {
    throw new OnnxError(
      `sizes [${sizes.join(", ")}] do not split ${x.shape[axis]} into ${parts} parts`,
      describe(node),
    );
  }
  return sizes.map((size) => ({ dtype: x.dtype, shape: x.shape.map((d, i) => (i === axis ? size : d)) }));
};

export interface SliceAxis {
  readonly start: number;
  readonly step: number;
  readonly length: number;
}

/** For each axis of `x`: the first index, the step and the length. Inputs: data, starts, ends, axes, steps. */
export const sliceAxes = (node: Node, inputs: readonly (Value | null)[]): SliceAxis[] => {
  const x = required(node, inputs, 0);
  const starts = constantInts(node, required(node, inputs, 1));
  const ends = constantInts(node, required(node, inputs, 2));
  const axes = inputs[3] ? constantInts(node, inputs[3]) : starts.map((_, i) => i);
  const steps = inputs[4] ? constantInts(node, inputs[4]) : starts.map(() => 1);
  const result: SliceAxis[] = x.shape.map((length) => ({ start: 0, step: 1, length }));
  for (const [i, raw] of axes.entries()) {
    const axis = normaliseAxis(node, raw, x.shape.length);
    const size = x.shape[axis]!;
    const step = steps[i]!;
    const clamp = (index: number, low: number, high: number) =>
      Math.min(Math.max(index < 0 ? index + size : index, low), high);
    const start = step > 0 ? clamp(starts[i]!, 0, size) : clamp(starts[i]!, 0, size - 1);
    const end = step > 0 ? clamp(ends[i]!, 0, size) : clamp(ends[i]!, -1, size - 1);
    result[axis] = { start, step, length: Math.max(0, Math.ceil((end - start) / step)) };
  }
  return result;
};

const Slice: Infer = (node, inputs) => [
  { dtype: required(node, inputs, 0).dtype, shape: sliceAxes(node, inputs).map((a) => a.length) },
];

/** The padding at the begin and end of every axis of `x`; negative padding crops. Inputs: data, pads, constant_value, axes. */
export const padAmounts = (node: Node, inputs: readonly (Value | null)[]): { begin: number[]; end: number[] } => {
  const x = required(node, inputs, 0);
  const pads = constantInts(node, required(node, inputs, 1));
  const axes = inputs[3] ? constantInts(node, inputs[3]) : x.shape.map((_, i) => i);
  if (pads.length !== 2 * axes.length)
    throw new OnnxError(`has ${pads.length} pads for ${axes.length} axes`, describe(node));
  const begin = x.shape.map(() => 0);
  const end = x.shape.map(() => 0);
  for (const [i, raw] of axes.entries()) {
    const axis = normaliseAxis(node, raw, x.shape.length);
    begin[axis] = pads[i]!;
    end[axis] = pads[i + axes.length]!;
  }
  return { begin, end };
};

const Pad: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  const { begin, end } = padAmounts(node, inputs);
  return [{ dtype: x.dtype, shape: x.shape.map((d, i) => d + begin[i]! + end[i]!) }];
};

const Reshape: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  const target = constantInts(node, required(node, inputs, 1));
  const copyZero = intOf(node, "allowzero", 0) === 0;
  const shape = target.map((d, i) => (d === 0 && copyZero ? (x.shape[i] ?? 0) : d));
  const known = shape.filter((d) => d !== -1).reduce((a, b) => a * b, 1);
  const filled = shape.map((d) => (d === -1 ? sizeOf(x.shape) / known : d));
  if (sizeOf(filled) !== sizeOf(x.shape) || filled.some((d) => !Number.isInteger(d))) {
    throw new OnnxError(`[${x.shape.join(", ")}] cannot be reshaped to [${target.join(", ")}]`, describe(node));
  }
  return [{ dtype: x.dtype, shape: filled }];
};

const Flatten: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  const axis = intOf(node, "axis", 1);
  const cut = axis < 0 ? axis + x.shape.length : axis;
  if (cut < 0 || cut > x.shape.length)
    throw new OnnxError(`axis ${axis} is out of range for rank ${x.shape.length}`, describe(node));
  return [{ dtype: x.dtype, shape: [sizeOf(x.shape.slice(0, cut)), sizeOf(x.shape.slice(cut))] }];
};

const Squeeze: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  const axes = inputs[1] && constantInts(node, inputs[1]).map((a) => normaliseAxis(node, a, x.shape.length));
  const wide = axes?.find((a) => x.shape[a] !== 1);
  if (wide !== undefined)
    throw new OnnxError(`axis ${wide} of [${x.shape.join(", ")}] is not 1 and cannot be dropped`, describe(node));
  return [{ dtype: x.dtype, shape: x.shape.filter((d, i) => (axes ? !axes.includes(i) : d !== 1)) }];
};

const Unsqueeze: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  const raw = constantInts(node, required(node, inputs, 1));
  const axes = new Set(raw.map((a) => normaliseAxis(node, a, x.shape.length + raw.length)));
  const rest = [...x.shape];
  const shape = Array.from({ length: x.shape.length + raw.length }, (_, i) => (axes.has(i) ? 1 : rest.shift()!));
  return [{ dtype: x.dtype, shape }];
};

const Transpose: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  return [{ dtype: x.dtype, shape: permutationOf(node, x).map((i) => x.shape[i]!) }];
};

/** The attribute `perm`; by default the reversed axes. */
export const permutationOf = (node: Node, x: Value): readonly number[] => {
  const reversed = x.shape.map((_, i) => x.shape.length - 1 - i);
  const perm = intsOf(node, "perm", reversed);
  if (perm.length !== reversed.length || reversed.some((axis) => !perm.includes(axis)))
    throw new OnnxError(`perm [${perm.join(", ")}] does not permute ${reversed.length} axes`, describe(node));
  return perm;
};

const Expand: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  return [{ dtype: x.dtype, shape: broadcastShapes(node, [x.shape, constantInts(node, required(node, inputs, 1))]) }];
};

const Tile: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  const repeats = constantInts(node, required(node, inputs, 1));
  if (repeats.length !== x.shape.length)
    throw new OnnxError(`${repeats.length} repeats do not fit rank ${x.shape.length}`, describe(node));
  return [{ dtype: x.dtype, shape: x.shape.map((d, i) => d * repeats[i]!) }];
};

const depthSpace =
  (sign: 1 | -1): Infer =>
  (node, inputs) => {
    const { dtype, shape } = required(node, inputs, 0);
    const block = intOf(node, "blocksize", 1);
    if (shape.length !== 4) throw new OnnxError(`[${shape.join(", ")}] is not of rank 4`, describe(node));
    const [n, c, h, w] = shape as [number, number, number, number];
    const to = sign > 0 ? [n, c / block ** 2, h * block, w * block] : [n, c * block ** 2, h / block, w / block];
    if (!to.every(Number.isInteger))
      throw new OnnxError(`[${shape.join(", ")}] does not divide by blocksize ${block}`, describe(node));
    return [{ dtype, shape: to }];
  };

export const moving: Readonly<Record<string, Infer>> = {
  Concat,
  Split,
  Slice,
  Pad,
  Reshape,
  Flatten,
  Squeeze,
  Unsqueeze,
  Transpose,
  Expand,
  Tile,
  ReverseSequence: likeFirst,
  DepthToSpace: depthSpace(1),
  SpaceToDepth: depthSpace(-1),
};

/** The attribute `mode` of DepthToSpace. */
export const depthToSpaceMode = (node: Node): string => stringOf(node, "mode", "DCR");
