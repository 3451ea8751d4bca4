/** Operators over axes: reductions, softmax, arg max, sorting, running sums; products of matrices. */

import { floatOf, intOf } from "../../../src/onnx/graph.ts";
import { at, axisOf, broadcastAt, broadcastShape, define, indices, ints, type Kernel, type Nd } from "./nd.ts";

const sum = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0);

/** log Σ eᵛ, from the greatest so that nothing overflows. */
const logSumExp = (v: readonly number[]): number => {
  const top = Math.max(...v);
  return top + Math.log(sum(v.map((x) => Math.exp(x - top))));
};

/** For every index of the kept axes, the elements over the others; `keep` leaves those with size one. */
const over = (x: Nd, axes: readonly number[], keep: boolean, f: (values: number[]) => number): Nd => {
  const kept = x.shape.flatMap((d, i) => (axes.includes(i) ? [] : [d]));
  const shape = x.shape.flatMap((d, i) => (axes.includes(i) ? (keep ? [1] : []) : [d]));
  const inner = [...indices(axes.map((a) => x.shape[a]!))];
  const values = define(x.dtype, kept, (index) => {
    const rest = [...index];
    const base = x.shape.map((_, i) => (axes.includes(i) ? 0 : rest.shift()!));
    return f(
      inner.map((k) =>
        at(
          x,
          base.map((v, i) => (axes.includes(i) ? k[axes.indexOf(i)]! : v)),
        ),
      ),
    );
  });
  return { ...values, shape };
};

const reduction =
  (f: (values: number[]) => number): Kernel =>
  (node, x, given?: Nd) => {
    const list = ints(given) ?? [];
    if (list.length === 0 && intOf(node, "noop_with_empty_axes", 0) === 1) return [x];
    const axes = list.length > 0 ? list.map((a) => axisOf(a, x.shape.length)) : x.shape.map((_, i) => i);
    const sorted = axes.toSorted((a, b) => a - b);
    return [over(x, sorted, intOf(node, "keepdims", 1) === 1, f)];
  };

const argument =
  (sign: 1 | -1): Kernel =>
  (node, x) => {
    const axis = axisOf(intOf(node, "axis", 0), x.shape.length);
    const last = intOf(node, "select_last_index", 0) === 1;
    const best = (values: number[]) => {
      const top = Math.max(...values.map((v) => sign * v));
      return last ? values.findLastIndex((v) => sign * v === top) : values.findIndex((v) => sign * v === top);
    };
    return [{ ...over(x, [axis], intOf(node, "keepdims", 1) === 1, best), dtype: "int64" }];
  };

/** Replaces every line along an axis by f of it. */
const lines = (x: Nd, axis: number, f: (line: number[]) => readonly number[], length = x.shape[axis]!): Nd => {
  const shape = x.shape.map((d, i) => (i === axis ? length : d));
  const heads = x.shape.map((d, i) => (i === axis ? 1 : d));
  const done = new Map<string, readonly number[]>();
  const through = (index: readonly number[], along: number) => index.map((v, i) => (i === axis ? along : v));
  for (const head of indices(heads)) {
    const line = Array.from({ length: x.shape[axis]! }, (_, k) => at(x, through(head, k)));
    done.set(head.join(), f(line));
  }
  return define(x.dtype, shape, (index) => done.get(through(index, 0).join())![index[axis]!]!);
};

const normalised =
  (f: (v: number, total: number) => number): Kernel =>
  (node, x) => {
    const axis = axisOf(intOf(node, "axis", -1), x.shape.length);
    return [lines(x, axis, (line) => line.map((v) => f(v, logSumExp(line))))];
  };

/** One at the first of the largest elements of each line, zero elsewhere. */
const Hardmax: Kernel = (node, x) => {
  const axis = axisOf(intOf(node, "axis", -1), x.shape.length);
  return [lines(x, axis, (line) => line.map((_, i) => Number(i === line.indexOf(Math.max(...line)))))];
};

const CumSum: Kernel = (node, x, axis) => {
  const exclusive = intOf(node, "exclusive", 0) === 1;
  const reverse = intOf(node, "reverse", 0) === 1;
  const running = (line: number[]) =>
    line.map((_, i) => {
      const from = reverse ? i + Number(exclusive) : 0;
      const to = reverse ? line.length : i + 1 - Number(exclusive);
      return sum(line.slice(from, to));
    });
  return [lines(x, axisOf(axis.data[0]!, x.shape.length), running)];
};

const TopK: Kernel = (node, x, k) => {
  const axis = axisOf(intOf(node, "axis", -1), x.shape.length);
  const sign = intOf(node, "largest", 1) === 1 ? 1 : -1;
  const order = (line: number[]) =>
    line
      .map((_, i) => i)
      .toSorted((a, b) => sign * (line[b]! - line[a]!) || a - b)
      .slice(0, k.data[0]);
  const values = lines(x, axis, (line) => order(line).map((i) => line[i]!), k.data[0]);
  return [values, { ...lines(x, axis, order, k.data[0]), dtype: "int64" }];
};

/** The element of a stack of matrices, its leading axes broadcast to `lead`. */
const inStack = (x: Nd, lead: readonly number[], row: number, column: number): number => {
  const own = x.shape.slice(0, -2);
  const skipped = lead.length - own.length;
  return at(x, [...own.map((d, i) => (d === 1 ? 0 : lead[i + skipped]!)), row, column]);
};

const MatMul: Kernel = (_, a, b) => {
  const left: Nd = a.shape.length === 1 ? { ...a, shape: [1, ...a.shape] } : a;
  const right: Nd = b.shape.length === 1 ? { ...b, shape: [...b.shape, 1] } : b;
  const batch = broadcastShape([left.shape.slice(0, -2), right.shape.slice(0, -2)]);
  const inner = left.shape.at(-1)!;
  const product = define(a.dtype, [...batch, left.shape.at(-2)!, right.shape.at(-1)!], (index) => {
    const [row, column] = index.slice(-2) as [number, number];
    const lead = index.slice(0, -2);
    let total = 0;
    for (let k = 0; k < inner; k++) total += inStack(left, lead, row, k) * inStack(right, lead, k, column);
    return total;
  });
  const rows = a.shape.length === 1 ? [] : [left.shape.at(-2)!];
  const columns = b.shape.length === 1 ? [] : [right.shape.at(-1)!];
  return [{ ...product, shape: [...batch, ...rows, ...columns] }];
};

const Gemm: Kernel = (node, a, b, c?: Nd) => {
  const [transA, transB] = [intOf(node, "transA", 0) === 1, intOf(node, "transB", 0) === 1];
  const [alpha, beta] = [floatOf(node, "alpha", 1), floatOf(node, "beta", 1)];
  const inner = a.shape[transA ? 0 : 1]!;
  const shape = [a.shape[transA ? 1 : 0]!, b.shape[transB ? 0 : 1]!];
  return [
    define(a.dtype, shape, ([i, j]) => {
      let total = 0;
      for (let k = 0; k < inner; k++) total += at(a, transA ? [k, i!] : [i!, k]) * at(b, transB ? [j!, k] : [k, j!]);
      return alpha * total + (c ? beta * broadcastAt(c, [i!, j!]) : 0);
    }),
  ];
};

export const reducing: Readonly<Record<string, Kernel>> = {
  ReduceSum: reduction(sum),
  ReduceMean: reduction((v) => sum(v) / v.length),
  ReduceMax: reduction((v) => Math.max(...v)),
  ReduceMin: reduction((v) => Math.min(...v)),
  ReduceProd: reduction((v) => v.reduce((a, b) => a * b, 1)),
  ReduceL1: reduction((v) => sum(v.map(Math.abs))),
  ReduceL2: reduction((v) => Math.sqrt(sum(v.map((x) => x * x)))),
  ReduceLogSum: reduction((v) => Math.log(sum(v))),
  ReduceLogSumExp: reduction(logSumExp),
  ReduceSumSquare: reduction((v) => sum(v.map((x) => x * x))),
  ArgMax: argument(1),
  ArgMin: argument(-1),
  Softmax: normalised((v, total) => Math.exp(v - total)),
  LogSoftmax: normalised((v, total) => v - total),
  Hardmax,
  CumSum,
  TopK,
  MatMul,
  Gemm,
};
