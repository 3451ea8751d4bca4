/** Gathering, scattering, one-hot encoding. Negative indices count from the end. */

import { intOf, stringOf } from "../../../src/onnx/graph.ts";
import { at, axisOf, count, define, indices, offset, type Kernel } from "./nd.ts";

const Gather: Kernel = (node, x, where) => {
  const axis = axisOf(intOf(node, "axis", 0), x.shape.length);
  const rank = where.shape.length;
  const size = x.shape[axis]!;
  const shape = [...x.shape.slice(0, axis), ...where.shape, ...x.shape.slice(axis + 1)];
  return [
    define(x.dtype, shape, (index) => {
      const i = axisOf(at(where, index.slice(axis, axis + rank)), size);
      return at(x, [...index.slice(0, axis), i, ...index.slice(axis + rank)]);
    }),
  ];
};

const GatherElements: Kernel = (node, x, where) => {
  const axis = axisOf(intOf(node, "axis", 0), x.shape.length);
  return [
    define(x.dtype, where.shape, (index) => {
      const i = axisOf(at(where, index), x.shape[axis]!);
      return at(
        x,
        index.map((v, a) => (a === axis ? i : v)),
      );
    }),
  ];
};

const GatherND: Kernel = (node, x, where) => {
  const batch = intOf(node, "batch_dims", 0);
  const lead = where.shape.slice(0, -1);
  const depth = where.shape.at(-1)!;
  return [
    define(x.dtype, [...lead, ...x.shape.slice(batch + depth)], (index) => {
      const prefix = index.slice(0, lead.length);
      const tuple = Array.from({ length: depth }, (_, k) => axisOf(at(where, [...prefix, k]), x.shape[batch + k]!));
      return at(x, [...index.slice(0, batch), ...tuple, ...index.slice(lead.length)]);
    }),
  ];
};

const reductions: Readonly<Record<string, (old: number, update: number) => number>> = {
  none: (_, update) => update,
  add: (old, update) => old + update,
  mul: (old, update) => old * update,
  max: Math.max,
  min: Math.min,
};

const ScatterElements: Kernel = (node, x, where, updates) => {
  const axis = axisOf(intOf(node, "axis", 0), x.shape.length);
  const reduce = reductions[stringOf(node, "reduction", "none")]!;
  const data = x.data.slice();
  for (const index of indices(where.shape)) {
    const target = index.map((v, a) => (a === axis ? axisOf(at(where, index), x.shape[axis]!) : v));
    const place = offset(x.shape, target);
    data[place] = reduce(data[place]!, at(updates, index));
  }
  return [{ ...x, data }];
};

const ScatterND: Kernel = (node, x, where, updates) => {
  const reduce = reductions[stringOf(node, "reduction", "none")]!;
  const depth = where.shape.at(-1)!;
  const data = x.data.slice();
  for (const prefix of indices(where.shape.slice(0, -1))) {
    const tuple = Array.from({ length: depth }, (_, k) => axisOf(at(where, [...prefix, k]), x.shape[k]!));
    for (const rest of indices(x.shape.slice(depth))) {
      const place = offset(x.shape, [...tuple, ...rest]);
      data[place] = reduce(data[place]!, at(updates, [...prefix, ...rest]));
    }
  }
  return [{ ...x, data }];
};

/** Along `time_axis` the first `lengths[b]` elements of sequence b stand in reverse. */
const ReverseSequence: Kernel = (node, x, lengths) => {
  const [batch, time] = [intOf(node, "batch_axis", 1), intOf(node, "time_axis", 0)];
  return [
    define(x.dtype, x.shape, (index) => {
      const length = lengths.data[index[batch]!]!;
      const from = index[time]! < length ? length - 1 - index[time]! : index[time]!;
      return at(
        x,
        index.map((v, i) => (i === time ? from : v)),
      );
    }),
  ];
};

/** `values` are [off, on]; the new axis has `depth` elements. An index out of [−depth, depth) is off everywhere. */
const OneHot: Kernel = (node, where, depth, values) => {
  const size = depth.data[0]!;
  const axis = axisOf(intOf(node, "axis", -1), where.shape.length + 1);
  return [
    define(values.dtype, where.shape.toSpliced(axis, 0, size), (index) => {
      const hot = axisOf(at(where, index.toSpliced(axis, 1)), size);
      return values.data[index[axis] === hot ? 1 : 0]!;
    }),
  ];
};

/** Integers that depend on shapes only. */
const Shape: Kernel = (node, x) => {
  const dims = x.shape.slice(intOf(node, "start", 0), intOf(node, "end", x.shape.length));
  return [{ dtype: "int64", shape: [dims.length], data: Float64Array.from(dims) }];
};

const Size: Kernel = (_, x) => [{ dtype: "int64", shape: [], data: Float64Array.of(count(x.shape)) }];

const Range: Kernel = (_, start, limit, delta) => {
  const [from, to, by] = [start.data[0]!, limit.data[0]!, delta.data[0]!];
  const length = Math.max(0, Math.ceil((to - from) / by));
  return [define(start.dtype, [length], ([i]) => from + i! * by)];
};

export const gathering: Readonly<Record<string, Kernel>> = {
  Gather,
  GatherElements,
  GatherND,
  ScatterElements,
  ScatterND,
  ReverseSequence,
  OneHot,
  Shape,
  Size,
  Range,
};
