/** Operators that move elements about without computing on them. */

import { intOf, intsOf, stringOf } from "../../../src/onnx/graph.ts";
import { at, axisOf, broadcastAt, broadcastShape, count, define, ints, type Kernel, type Nd } from "./nd.ts";

const moved = (x: Nd, shape: readonly number[], from: (index: readonly number[]) => readonly number[]): Nd =>
  define(x.dtype, shape, (index) => at(x, from(index)));

const replace = (index: readonly number[], axis: number, value: number): number[] =>
  index.map((v, i) => (i === axis ? value : v));

const Concat: Kernel = (node, ...inputs) => {
  const axis = axisOf(intOf(node, "axis", 0), inputs[0]!.shape.length);
  const sizes = inputs.map((x) => x.shape[axis]!);
  const shape = replace(
    inputs[0]!.shape,
    axis,
    sizes.reduce((a, b) => a + b, 0),
  );
  return [
    define(inputs[0]!.dtype, shape, (index) => {
      let [which, along] = [0, index[axis]!];
      while (along >= sizes[which]!) along -= sizes[which++]!;
      return at(inputs[which]!, replace(index, axis, along));
    }),
  ];
};

/** Without sizes the chunks are equal, the last one smaller where they do not divide. */
const Split: Kernel = (node, x, split?: Nd) => {
  const axis = axisOf(intOf(node, "axis", 0), x.shape.length);
  const size = x.shape[axis]!;
  const parts = node.outputs.length;
  const chunk = Math.ceil(size / parts);
  const sizes = ints(split) ?? node.outputs.map((_, i) => (i < parts - 1 ? chunk : size - chunk * (parts - 1)));
  let start = 0;
  return sizes.map((length) => {
    const from = start;
    start += length;
    return moved(x, replace(x.shape, axis, length), (index) => replace(index, axis, index[axis]! + from));
  });
};

const Slice: Kernel = (_, x, starts, ends, axes?: Nd, steps?: Nd) => {
  const begin = x.shape.map(() => 0);
  const step = x.shape.map(() => 1);
  const shape = [...x.shape];
  for (const [i, s] of starts.data.entries()) {
    const axis = axisOf(axes ? axes.data[i]! : i, x.shape.length);
    const size = x.shape[axis]!;
    const by = steps ? steps.data[i]! : 1;
    const inside = (v: number, low: number, high: number) => Math.min(high, Math.max(low, v < 0 ? v + size : v));
    const first = by > 0 ? inside(s, 0, size) : inside(s, 0, size - 1);
    const last = by > 0 ? inside(ends.data[i]!, 0, size) : inside(ends.data[i]!, -1, size - 1);
    begin[axis] = first;
    step[axis] = by;
    shape[axis] = Math.max(0, Math.ceil((last - first) / by));
  }
  return [moved(x, shape, (index) => index.map((v, i) => begin[i]! + v * step[i]!))];
};

/** The place in [0, size) that `position` (which may lie outside) takes its value from, or null for the constant. */
const padSource = (mode: string, position: number, size: number): number | null => {
  if (position >= 0 && position < size) return position;
  switch (mode) {
    case "constant":
      return null;
    case "edge":
      return position < 0 ? 0 : size - 1;
    case "wrap":
      return ((position % size) + size) % size;
    case "reflect": {
      const period = 2 * (size - 1);
      const folded = ((position % period) + period) % period;
      return folded < size ? folded : period - folded;
    }
    default:
      throw new RangeError(`interpreter: Pad mode ${mode}`);
  }
};

const Pad: Kernel = (node, x, pads, constant?: Nd, axes?: Nd) => {
  const mode = stringOf(node, "mode", "constant");
  const list = ints(axes)?.map((a) => axisOf(a, x.shape.length)) ?? x.shape.map((_, i) => i);
  const begin = x.shape.map((_, i) => (list.includes(i) ? pads.data[list.indexOf(i)]! : 0));
  const end = x.shape.map((_, i) => (list.includes(i) ? pads.data[list.indexOf(i) + list.length]! : 0));
  // Negative pads crop first; what is left is then padded.
  const cut = begin.map((b) => Math.max(0, -b));
  const kept = x.shape.map((d, i) => d - cut[i]! - Math.max(0, -end[i]!));
  const shape = x.shape.map((d, i) => d + begin[i]! + end[i]!);
  return [
    define(x.dtype, shape, (index) => {
      const from = index.map((v, i) => padSource(mode, v - Math.max(0, begin[i]!), kept[i]!));
      if (from.includes(null)) return constant?.data[0] ?? 0;
      return at(
        x,
        from.map((v, i) => v! + cut[i]!),
      );
    }),
  ];
};

const relabelled = (x: Nd, shape: readonly number[]): readonly Nd[] => {
  if (count(shape) !== x.data.length) throw new RangeError(`interpreter: [${x.shape.join()}] is not [${shape.join()}]`);
  return [{ ...x, shape }];
};

const Reshape: Kernel = (node, x, target) => {
  const keepZero = intOf(node, "allowzero", 0) === 1;
  const shape = Array.from(target.data, (d, i) => (d === 0 && !keepZero ? x.shape[i]! : d));
  const free = shape.indexOf(-1);
  if (free >= 0) shape[free] = x.data.length / count(shape.filter((d) => d !== -1));
  return relabelled(x, shape);
};

const Flatten: Kernel = (node, x) => {
  const axis = axisOf(intOf(node, "axis", 1), x.shape.length);
  return relabelled(x, [count(x.shape.slice(0, axis)), count(x.shape.slice(axis))]);
};

const Squeeze: Kernel = (_, x, axes?: Nd) => {
  const drop = ints(axes)?.map((a) => axisOf(a, x.shape.length));
  return relabelled(
    x,
    x.shape.filter((d, i) => (drop ? !drop.includes(i) : d !== 1)),
  );
};

const Unsqueeze: Kernel = (_, x, axes) => {
  const rank = x.shape.length + axes.data.length;
  const added = new Set(Array.from(axes.data, (a) => axisOf(a, rank)));
  const shape: number[] = [];
  let next = 0;
  for (let i = 0; i < rank; i++) shape.push(added.has(i) ? 1 : x.shape[next++]!);
  return relabelled(x, shape);
};

const Transpose: Kernel = (node, x) => {
  const order = intsOf(node, "perm", x.shape.map((_, i) => i).toReversed());
  const shape = order.map((axis) => x.shape[axis]!);
  return [moved(x, shape, (index) => x.shape.map((_, axis) => index[order.indexOf(axis)]!))];
};

const Expand: Kernel = (_, x, target) => [
  define(x.dtype, broadcastShape([x.shape, Array.from(target.data)]), (index) => broadcastAt(x, index)),
];

const Tile: Kernel = (_, x, repeats) => {
  const shape = x.shape.map((d, i) => d * repeats.data[i]!);
  return [moved(x, shape, (index) => index.map((v, i) => v % x.shape[i]!))];
};

/** DCR: channel = (block row, block column, c); CRD: channel = (c, block row, block column). */
const DepthToSpace: Kernel = (node, x) => {
  const b = intOf(node, "blocksize", 1);
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const depth = channels / b ** 2;
  const columnRowDepth = stringOf(node, "mode", "DCR") === "CRD";
  return [
    moved(x, [batch, depth, height * b, width * b], ([n, c, h, w]) => {
      const block = (h! % b) * b + (w! % b);
      const channel = columnRowDepth ? c! * b * b + block : block * depth + c!;
      return [n!, channel, Math.floor(h! / b), Math.floor(w! / b)];
    }),
  ];
};

const SpaceToDepth: Kernel = (node, x) => {
  const b = intOf(node, "blocksize", 1);
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  return [
    moved(x, [batch, channels * b * b, height / b, width / b], ([n, c, h, w]) => {
      const block = Math.floor(c! / channels);
      return [n!, c! % channels, h! * b + Math.floor(block / b), w! * b + (block % b)];
    }),
  ];
};

export const moving: Readonly<Record<string, Kernel>> = {
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
  DepthToSpace,
  SpaceToDepth,
};
