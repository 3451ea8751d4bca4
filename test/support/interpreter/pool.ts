/** Pooling and unpooling. */

import { intOf, intsOf, type Node } from "../../../src/onnx/graph.ts";
import { sliding, tap } from "./conv.ts";
import { at, count, define, each, indices, offset, type Kernel, type Nd } from "./nd.ts";

/** The greatest element of each window; of equals the first in row-major order. Indices are flat in the whole tensor. */
const MaxPool: Kernel = (node, x) => {
  const spatial = x.shape.slice(2);
  const window = sliding(node, spatial, intsOf(node, "kernel_shape", []));
  const shape = [...x.shape.slice(0, 2), ...window.output];
  const y = new Float64Array(count(shape));
  const where = new Float64Array(count(shape));
  const taps = [...indices(window.kernel)];
  let out = 0;
  for (const [n, c, ...o] of indices(shape)) {
    let best = -Infinity;
    let from = -1;
    for (const k of taps) {
      const position = tap(window, spatial, o, k);
      if (!position) continue;
      const flat = offset(x.shape, [n!, c!, ...position]);
      if (x.data[flat]! > best) [best, from] = [x.data[flat]!, flat];
    }
    y[out] = best;
    where[out++] = from;
  }
  if (intOf(node, "storage_order", 0) !== 0) throw new RangeError("interpreter: MaxPool in column-major order");
  return [
    { dtype: x.dtype, shape, data: y },
    { dtype: "int64", shape, data: where },
  ];
};

/** x at the flat places that `places` names, zero elsewhere; where two fall together the later one stays. */
const MaxUnpool: Kernel = (node, x, places, wanted?: Nd) => {
  const spatial = x.shape.slice(2);
  const kernel = intsOf(node, "kernel_shape", []);
  const strides = intsOf(node, "strides", each(spatial.length, 1));
  const pads = intsOf(node, "pads", each(2 * spatial.length, 0));
  const natural = spatial.map((d, i) => (d - 1) * strides[i]! - pads[i]! - pads[i + spatial.length]! + kernel[i]!);
  const shape = wanted ? Array.from(wanted.data) : [...x.shape.slice(0, 2), ...natural];
  const data = new Float64Array(count(shape));
  for (const [i, v] of x.data.entries()) data[places.data[i]!] = v;
  return [{ dtype: x.dtype, shape, data }];
};

/** The mean of each window, over its elements or, with count_include_pad, over its taps within the padded input. */
const AveragePool: Kernel = (node, x) => {
  const spatial = x.shape.slice(2);
  const window = sliding(node, spatial, intsOf(node, "kernel_shape", []));
  const includePad = intOf(node, "count_include_pad", 0) === 1;
  const padded = (o: readonly number[], k: readonly number[]) =>
    o.every(
      (v, i) => v * window.strides[i]! + k[i]! * window.dilations[i]! < spatial[i]! + window.begin[i]! + window.end[i]!,
    );
  const taps = [...indices(window.kernel)];
  return [
    define(x.dtype, [...x.shape.slice(0, 2), ...window.output], ([n, c, ...o]) => {
      let [sum, size] = [0, 0];
      for (const k of taps) {
        const position = tap(window, spatial, o, k);
        if (position) sum += at(x, [n!, c!, ...position]);
        if (position || (includePad && padded(o, k))) size++;
      }
      return sum / size;
    }),
  ];
};

const norm = (values: readonly number[], p: number): number =>
  values.reduce((sum, v) => sum + Math.abs(v) ** p, 0) ** (1 / p);

/** The p-norm of each window; the padding is zero. */
const LpPool: Kernel = (node, x) => {
  const spatial = x.shape.slice(2);
  const window = sliding(node, spatial, intsOf(node, "kernel_shape", []));
  const taps = [...indices(window.kernel)];
  return [
    define(x.dtype, [...x.shape.slice(0, 2), ...window.output], ([n, c, ...o]) => {
      const positions = taps.flatMap((k) => {
        const position = tap(window, spatial, o, k);
        return position ? [position] : [];
      });
      return norm(
        positions.map((position) => at(x, [n!, c!, ...position])),
        intOf(node, "p", 2),
      );
    }),
  ];
};

const overPlane =
  (f: (values: readonly number[], node: Node) => number): Kernel =>
  (node, x) => {
    const [batch, channels, ...spatial] = x.shape as [number, number, ...number[]];
    const places = [...indices(spatial)];
    const shape = [batch, channels, ...spatial.map(() => 1)];
    return [
      define(x.dtype, shape, ([n, c]) =>
        f(
          places.map((p) => at(x, [n!, c!, ...p])),
          node,
        ),
      ),
    ];
  };

export const pooling: Readonly<Record<string, Kernel>> = {
  MaxPool,
  MaxUnpool,
  AveragePool,
  LpPool,
  GlobalAveragePool: overPlane((v) => v.reduce((a, b) => a + b, 0) / v.length),
  GlobalMaxPool: overPlane((v) => Math.max(...v)),
  GlobalLpPool: overPlane((v, node) => norm(v, intOf(node, "p", 2))),
};
