/**
 * Pooling with Indices, unpooling and their gradients, which have no kernel. Slices of the input, one per tap of the window,
 * determine the tap that holds the maximum (the first of equal ones, by the operator's definition).
 */

import type { Builder } from "../../onnx/build.ts";
import { intOf, intsOf, stringOf } from "../../onnx/graph.ts";
import { inferTypes } from "../../onnx/infer.ts";
import { windowOf, type Window } from "../../onnx/infer/window.ts";
import { normaliseAxis, type Value } from "../../onnx/value.ts";
import { sameShape, sizeOf, stridesOf, tensorOf } from "../../tensor.ts";
import { slideBack } from "../../autodiff/rules/conv.ts";
import { atMaxima, coversAsTiles, firstMaxima, sumOfMaxima, tiles } from "./tiled-pool.ts";
import { fromFront, iota, type GpuRule, type Known, type Pooling } from "./rule.ts";

const LOWEST = -(2 - 2 ** -23) * 2 ** 127;

/** The taps of a window in row-major order. */
const tapsOf = ({ kernel }: Window): number[][] =>
  Array.from({ length: sizeOf(kernel) }, (_, k) => stridesOf(kernel).map((s, i) => Math.floor(k / s) % kernel[i]!));

/** Whether windows are disjoint. */
const apart = ({ kernel, strides, dilations }: Window): boolean =>
  kernel.every((k, i) => (k - 1) * dilations[i]! + 1 <= strides[i]!);

/** For each tap, the elements that the windows read through it, [N,C,…]: `size` windows along each axis, `beyond` outside the image. */
const views = (op: Builder, x: Value, window: Window, size: readonly number[], beyond: number): Value[] => {
  const { kernel, strides, dilations, pads } = window;
  const spatial = x.shape.slice(2);
  const reach = size.map((n, i) => (n - 1) * strides[i]! + (kernel[i]! - 1) * dilations[i]! + 1);
  const end = reach.map((r, i) => Math.max(r - pads[i]! - spatial[i]!, 0));
  const begin = pads.slice(0, spatial.length);
  const whole = [...begin, ...end].every((p) => p === 0)
    ? x
    : op.Pad(x, op.ints([0, 0, ...begin, 0, 0, ...end]), op.constant(beyond));
  const axes = op.ints(spatial.map((_, i) => i + 2));
  return tapsOf(window).map((tap) => {
    const start = tap.map((t, i) => t * dilations[i]!);
    const stop = start.map((s, i) => s + (size[i]! - 1) * strides[i]! + 1);
    return op.Slice(whole, op.ints(start), op.ints(stop), axes, op.ints(strides));
  });
};

/** Flat indices into the whole input: the start of the window plus the offset of the tap. */
const indicesOf = (op: Builder, { window, input, tap }: Pooling): Value => {
  const strides = stridesOf(input);
  const [planes, size] = [tap.shape.slice(0, 2), tap.shape.slice(2)];
  const corner = (axis: number, o: number) => o * window.strides[axis]! - window.pads[axis]!;
  const along = (axis: number, values: readonly number[]): Value => {
    const shape = input.map((_, i) => (i === axis ? values.length : 1));
    return op.tensor(tensorOf("int32", shape, values), "places");
  };
  const count = (n: number) => Array.from({ length: n }, (_, i) => i);
  const offsets = tapsOf(window).map((t) =>
    t.reduce((sum, v, i) => sum + v * window.dilations[i]! * strides[i + 2]!, 0),
  );
  const shift = op.Gather(op.tensor(tensorOf("int32", [offsets.length], offsets), "offsets"), tap, { axis: 0 });
  const axes = [
    ...planes.map((n, axis) =>
      along(
        axis,
        count(n).map((i) => i * strides[axis]!),
      ),
    ),
    ...size.map((n, i) =>
      along(
        i + 2,
        count(n).map((o) => corner(i, o) * strides[i + 2]!),
      ),
    ),
  ];
  return axes.reduce((sum, places) => op.Add(sum, places), shift);
};

export const MaxPool: GpuRule = ({ op, node, known }, x) => {
  if (!x || node.outputs.length < 2 || intOf(node, "storage_order", 0) !== 0) return null;
  const pooled = op.appendNode("MaxPool", [x], node.attributes)[0]!;
  const window = windowOf(node, x.shape.slice(2), intsOf(node, "kernel_shape", []));
  const seen = views(op, x, window, pooled.shape.slice(2), LOWEST);
  // onnxruntime's shape inference and its kernel may disagree on the number of windows that ceil_mode adds.
  const y = intOf(node, "ceil_mode", 0) === 1 ? seen.reduce((max, view) => op.Max(max, view)) : pooled;
  const number = (k: number) => op.constant(k, "int32");
  const tap = seen
    .slice(0, -1)
    .reduceRight(
      (later, view, k) => op.Where(op.Equal(view, y), number(k), later),
      op.Expand(number(seen.length - 1), op.ints(y.shape)),
    );
  const own = coversAsTiles(x, window, y.shape.slice(2)) ? firstMaxima(op, x, y, window) : null;
  const pooling = { window, input: x.shape, tap, own };
  const indices = indicesOf(op, pooling);
  known.poolings.set(indices.name, pooling);
  return [y, indices];
};

/** y as [planes,taps,…]: the value of each window in the channel of its tap, zero in the other channels. */
const spread = (op: Builder, y: Value, { window, input, tap }: Pooling): Value => {
  const flat = op.ints([sizeOf(input.slice(0, 2)), 1, ...tap.shape.slice(2)]);
  const own = op.Equal(op.Reshape(tap, flat), iota(op, "int32", sizeOf(window.kernel), 1, input.length));
  return op.Where(own, op.Reshape(y, flat), op.constant(0, y.dtype));
};

/** The weights of a transposed convolution that writes the channel of each tap at the tap's position. */
const placing = (op: Builder, window: Window): Value => {
  const taps = sizeOf(window.kernel);
  const hot = Array.from({ length: taps * taps }, (_, i) => Number(i % taps === Math.floor(i / taps)));
  return op.tensor(tensorOf("float32", [taps, 1, ...window.kernel], hot), "taps");
};

/** The sum of `y` at the taps of its windows, zero elsewhere, with the shape of the pooling's input. */
const unpooled = (op: Builder, y: Value, pooling: Pooling): Value => {
  const { window, input } = pooling;
  if (pooling.own) return atMaxima(op, y, pooling.own, window);
  const [spatial, own] = [input.slice(2), spread(op, y, pooling)];
  const [block = 0] = window.kernel;
  const square = spatial.length === 2 && window.kernel[1] === block && tiles(window);
  const placed = square
    ? fitted(op, op.DepthToSpace(own, { blocksize: block }), window, spatial)
    : slideBack(op, own, placing(op, window), spatial, window, 1);
  return op.Reshape(placed, op.ints(input));
};

/** As `unpooled`, but a position that several windows share gets the value of the last of them, the one with the largest number. */
const replaced = (op: Builder, y: Value, pooling: Pooling): Value => {
  const { window, input, tap } = pooling;
  const [spatial, size, taps] = [input.slice(2), tap.shape.slice(2), sizeOf(window.kernel)];
  const numbers = Array.from({ length: sizeOf(size) }, (_, i) => i + 1);
  const numbered = op.Expand(op.tensor(tensorOf("float32", [1, 1, ...size], numbers), "numbers"), op.ints(tap.shape));
  /** [planes,taps,…]: no two windows share a position through the same tap. */
  const perTap = (v: Value) => slideBack(op, spread(op, v, pooling), placing(op, window), spatial, window, taps);
  const number = perTap(numbered);
  const last = op.Max(op.ReduceMax(number, op.ints([1]), { keepdims: 1 }), op.constant(1));
  const chosen = op.Where(op.Equal(number, last), perTap(y), op.constant(0, y.dtype));
  return op.Reshape(op.ReduceSum(chosen, op.ints([1]), { keepdims: 1 }), op.ints(input));
};

/** Crops the begin padding, and pads with zeros where no window reaches. */
const fitted = (op: Builder, x: Value, { pads }: Window, spatial: readonly number[]): Value => {
  const begin = pads.slice(0, spatial.length);
  const stop = spatial.map((size, i) => Math.min(begin[i]! + size, x.shape[i + 2]!));
  const axes = op.ints(spatial.map((_, i) => i + 2));
  const whole = begin.every((b, i) => b === 0 && stop[i] === x.shape[i + 2]);
  const cut = whole ? x : op.Slice(x, op.ints(begin), op.ints(stop), axes);
  const missing = spatial.map((size, i) => size - cut.shape[i + 2]!);
  if (missing.every((m) => m === 0)) return cut;
  return op.Pad(cut, op.ints([0, 0, ...missing.map(() => 0), 0, 0, ...missing]), op.constant(0, x.dtype));
};

/** The pooling that computed these indices, possibly through a Reshape. */
const poolingOf = (op: Builder, known: Known, indices: Value): Pooling | undefined => {
  const made = op.producer(indices);
  const source = made?.node.op === "Reshape" ? made.inputs[0]! : indices;
  return known.poolings.get(source.name);
};

/** y[indices] = x for arbitrary indices; of elements with equal indices the last one is written. */
const scattered = (op: Builder, x: Value, indices: Value, shape: readonly number[]): Value => {
  const flat = op.ints([sizeOf(x.shape)]);
  const numbers = op.Sub(
    op.CumSum(op.Expand(op.constant(1, "int32"), flat), op.constant(0, "int32")),
    op.constant(1, "int32"),
  );
  const nobody = op.Expand(op.constant(-1, "int32"), op.ints([sizeOf(shape)]));
  const from = op.ScatterElements(nobody, op.Reshape(indices, flat), numbers, { axis: 0, reduction: "max" });
  const value = op.Gather(op.Reshape(x, flat), op.Max(from, op.constant(0, "int32")), { axis: 0 });
  const y = op.Where(op.Less(from, op.constant(0, "int32")), op.constant(0, x.dtype), value);
  return op.Reshape(y, op.ints(shape));
};

export const MaxUnpool: GpuRule = ({ op, node, known }, x, indices, wanted = null) => {
  if (!x || !indices) return null;
  const { shape } = inferTypes(node, [x, indices, wanted])[0]!;
  const pooling = poolingOf(op, known, indices);
  if (!pooling || !sameShape(pooling.input, shape)) return [scattered(op, x, indices, shape)];
  return [(apart(pooling.window) ? unpooled : replaced)(op, x, pooling)];
};

/** Elements of the image at the indices of a pooling that tiles it, of both flattened: the adjoint of MaxUnpool. */
export const GatherElements: GpuRule = ({ op, known }, data, indices) => {
  const made = data && op.producer(data);
  if (!data || !indices || made?.node.op !== "Reshape") return null;
  const [pooling, image] = [poolingOf(op, known, indices), made.inputs[0]!];
  if (!pooling?.own || !sameShape(image.shape, pooling.input) || indices.shape.length !== 1) return null;
  return [op.Reshape(sumOfMaxima(op, image, pooling.own, pooling.window), op.ints(indices.shape))];
};

const isZero = (op: Builder, v: Value): boolean => {
  const made = op.producer(v);
  const { constant } = made?.node.op === "Expand" ? made.inputs[0]! : v;
  return constant !== undefined && (constant.data as ArrayLike<number | bigint>).length > 0 && allZero(constant.data);
};

const allZero = (data: ArrayLike<number | bigint>): boolean => Array.from(data).every((v) => Number(v) === 0);

/** The scatter-add in the gradient of a pooling with overlapping windows, without atomic additions. */
const poolingBack: GpuRule = ({ op, known }, data, indices, updates) => {
  if (!data || !indices || !updates || data.shape.length !== 1) return null;
  const pooling = poolingOf(op, known, indices);
  if (!pooling || data.shape[0] !== sizeOf(pooling.input) || !isZero(op, data)) return null;
  const y = op.Reshape(updates, op.ints(pooling.tap.shape));
  return [op.Reshape(unpooled(op, y, pooling), op.ints(data.shape))];
};

/** data plus one update per line along the axis, at its index. */
const oneHotAdded = (op: Builder, data: Value, indices: Value, updates: Value, axis: number): Value => {
  const places = iota(op, "int32", data.shape[axis]!, axis, data.shape.length);
  return op.Add(
    data,
    op.Where(op.Equal(fromFront(op, indices, data.shape[axis]!), places), updates, op.constant(0, data.dtype)),
  );
};

export const ScatterElements: GpuRule = (context, data, indices, updates) => {
  const { op, node } = context;
  if (!data || indices?.dtype !== "int32" || !updates || stringOf(node, "reduction", "none") !== "add") return null;
  const axis = normaliseAxis(node, intOf(node, "axis", 0), data.shape.length);
  const line = data.shape.map((d, i) => (i === axis ? 1 : d));
  if (sameShape(indices.shape, line)) return [oneHotAdded(op, data, indices, updates, axis)];
  return poolingBack(context, data, indices, updates);
};

/** ᵖ√Σ |x|ᵖ over each window. */
export const LpPool: GpuRule = ({ op, node }, x) => {
  if (x?.dtype !== "float32") return null;
  const { shape } = inferTypes(node, [x])[0]!;
  const window = windowOf(node, x.shape.slice(2), intsOf(node, "kernel_shape", []));
  const p = intOf(node, "p", 2);
  const seen = views(op, powered(op, x, p), window, shape.slice(2), 0);
  return [
    root(
      op,
      seen.reduce((sum, view) => op.Add(sum, view)),
      p,
    ),
  ];
};

const powered = (op: Builder, x: Value, p: number): Value =>
  p === 1 ? op.Abs(x) : p === 2 ? op.Mul(x, x) : op.Pow(op.Abs(x), op.constant(p));
const root = (op: Builder, sum: Value, p: number): Value =>
  p === 1 ? sum : p === 2 ? op.Sqrt(sum) : op.Pow(sum, op.constant(1 / p));

/** ᵖ√Σ |x|ᵖ over each channel. */
export const GlobalLpPool: GpuRule = ({ op, node }, x) => {
  if (x?.dtype !== "float32") return null;
  const p = intOf(node, "p", 2);
  const axes = op.ints(x.shape.slice(2).map((_, i) => i + 2));
  return [root(op, op.ReduceSum(powered(op, x, p), axes, { keepdims: 1 }), p)];
};
