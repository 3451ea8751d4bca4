/** Standard operators that onnxruntime-web (1.30) lacks, or that other operators express exactly. */

import { sizeOf, tensorOf } from "../../tensor.ts";
import { OnnxError, describe, floatOf, intOf, intsOf } from "../graph.ts";
import { layerAxes } from "../infer/normalization.ts";
import { dtypeOf } from "../tensor-proto.ts";
import { constantInts, normaliseAxis, required, type Value } from "../value.ts";
import type { Decompose } from "./rule.ts";

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** y = x·σ(αx) */
export const Swish: Decompose = ({ op, node, inputs }) => {
  const x = required(node, inputs, 0);
  return [op.Mul(x, op.Sigmoid(op.Mul(x, op.constant(floatOf(node, "alpha", 1), x.dtype))))];
};

/** y = a·σ(αa)·b */
export const SwiGLU: Decompose = ({ op, node, inputs }) => {
  const [a, b] = [required(node, inputs, 0), required(node, inputs, 1)];
  return [op.Mul(op.Mul(a, op.Sigmoid(op.Mul(a, op.constant(floatOf(node, "alpha", 1), a.dtype)))), b)];
};

/** y = γ·x/√(mean x² + ε) over the axes from `axis` on. */
export const RMSNormalization: Decompose = ({ op, node, inputs }) => {
  const [x, scale] = [required(node, inputs, 0), required(node, inputs, 1)];
  const mean = op.ReduceMean(op.Mul(x, x), op.ints(layerAxes(node, x)), { keepdims: 1 });
  const root = op.Sqrt(op.Add(mean, op.constant(floatOf(node, "epsilon", 1e-5), x.dtype)));
  return [op.Mul(op.Div(x, root), scale)];
};

/** Cumulative product by doubling (Hillis and Steele 1986): after step k, each element is the product of the last 2ᵏ elements. */
export const CumProd: Decompose = ({ op, node, inputs }) => {
  const x = required(node, inputs, 0);
  const axis = normaliseAxis(node, constantInts(node, required(node, inputs, 1))[0]!, x.shape.length);
  const size = x.shape[axis]!;
  const reverse = intOf(node, "reverse", 0) === 1;
  /** The elements shifted by `by` positions, filled with ones. */
  const shifted = (v: Value, by: number): Value => {
    const ones = op.Expand(op.constant(1, x.dtype), op.ints(x.shape.map((d, i) => (i === axis ? by : d))));
    const [from, to] = reverse ? [by, size] : [0, size - by];
    const rest = op.Slice(v, op.ints([from]), op.ints([to]), op.ints([axis]));
    return op.Concat(...(reverse ? [rest, ones] : [ones, rest]), { axis });
  };
  let y = intOf(node, "exclusive", 0) === 1 ? shifted(x, Math.min(1, size)) : x;
  for (let by = 1; by < size; by *= 2) y = op.Mul(y, shifted(y, by));
  return [y];
};

/** Crops, or pads with zeros, on both sides to a given size. */
export const CenterCropPad: Decompose = ({ op, node, inputs }) => {
  const x = required(node, inputs, 0);
  const sizes = constantInts(node, required(node, inputs, 1));
  const axes = intsOf(node, "axes", range(x.shape.length)).map((a) => normaliseAxis(node, a, x.shape.length));
  if (axes.length !== sizes.length)
    throw new OnnxError(`${sizes.length} sizes do not fit ${axes.length} axes`, describe(node));
  const cut = axes.flatMap((axis, i) => (x.shape[axis]! > sizes[i]! ? [[axis, sizes[i]!] as const] : []));
  const starts = cut.map(([axis, size]) => Math.floor((x.shape[axis]! - size) / 2));
  const ends = cut.map(([, size], i) => starts[i]! + size);
  const y = cut.length === 0 ? x : op.Slice(x, op.ints(starts), op.ints(ends), op.ints(cut.map(([axis]) => axis)));
  const missing = x.shape.map((d, axis) => Math.max((sizes[axes.indexOf(axis)] ?? d) - d, 0));
  if (missing.every((d) => d === 0)) return [y];
  const before = missing.map((d) => Math.floor(d / 2));
  return [op.Pad(y, op.ints([...before, ...missing.map((d, i) => d - before[i]!)]), op.constant(0, x.dtype))];
};

/** 1 where column − row = k, else 0. */
export const EyeLike: Decompose = ({ op, node, inputs }) => {
  const x = required(node, inputs, 0);
  const [rows = 0, columns = 0] = x.shape;
  if (x.shape.length !== 2) throw new OnnxError(`[${x.shape.join(", ")}] is no matrix`, describe(node));
  const code = intOf(node, "dtype", 0);
  const places = (count: number, shape: readonly number[], from: number) =>
    op.tensor(tensorOf("int32", shape, range(count).map((i) => i + from)), "places"); // prettier-ignore
  const isOne = op.Equal(places(rows, [rows, 1], intOf(node, "k", 0)), places(columns, [1, columns], 0));
  return [op.cast(isOne, code === 0 ? x.dtype : dtypeOf(code, describe(node)))];
};

/** The positions θ·(x, y, …, 1) for a grid of (x, y, …) over −1..1, x along the last axis. Inputs: θ [N, n, n + 1], size [N, C, D₁ … Dₙ]. */
export const AffineGrid: Decompose = ({ op, node, inputs }) => {
  const theta = required(node, inputs, 0);
  const spatial = constantInts(node, required(node, inputs, 1)).slice(2);
  const [batch = 0, n = 0] = theta.shape;
  if (theta.shape.length !== 3 || n !== spatial.length || theta.shape[2] !== n + 1)
    throw new OnnxError(`θ [${theta.shape.join(", ")}] does not fit ${spatial.length} axes`, describe(node));
  const corners = intOf(node, "align_corners", 0) === 1;
  const place = (i: number, d: number): number => {
    if (corners) return d > 1 ? (2 * i) / (d - 1) - 1 : 0;
    return (2 * i + 1) / d - 1;
  };
  const column = (k: number) =>
    op.Reshape(
      op.Slice(theta, op.ints([k]), op.ints([k + 1]), op.ints([2])),
      op.ints([batch, ...spatial.map(() => 1), n]),
    );
  const terms = spatial.map((_, k) => {
    const axis = n - 1 - k;
    const d = spatial[axis]!;
    const shape = [1, ...spatial.map((__, i) => (i === axis ? d : 1)), 1];
    const places = tensorOf(theta.dtype, shape, range(d).map((i) => place(i, d))); // prettier-ignore
    return op.Mul(column(k), op.tensor(places, "places"));
  });
  return [
    op.Expand(
      terms.reduce((sum, term) => op.Add(sum, term), column(n)),
      op.ints([batch, ...spatial, n]),
    ),
  ];
};

/** The sum of overlapping blocks [N, C·Π block, L] in an image, as a ConvTranspose whose kernel selects each element of a block. */
export const Col2Im: Decompose = ({ op, node, inputs }) => {
  const x = required(node, inputs, 0);
  const [image, block] = [1, 2].map((i) => constantInts(node, required(node, inputs, i))) as [number[], number[]];
  const ones = image.map(() => 1);
  const [strides, dilations] = [intsOf(node, "strides", ones), intsOf(node, "dilations", ones)];
  const pads = intsOf(node, "pads", [...ones, ...ones].map(() => 0)); // prettier-ignore
  const taps = sizeOf(block);
  const [n = 0, rows = 0, length = 0] = x.shape;
  const extent = block.map((k, i) => (k - 1) * dilations[i]! + 1);
  const places = image.map(
    (d, i) => Math.floor((d + pads[i]! + pads[i + image.length]! - extent[i]!) / strides[i]!) + 1,
  );
  if (x.shape.length !== 3 || rows % taps !== 0 || sizeOf(places) !== length || places.some((d) => !(d > 0)))
    throw new OnnxError(`[${x.shape.join(", ")}] does not hold the blocks of such an image`, describe(node));
  const identity = tensorOf(x.dtype, [taps, 1, ...block], range(taps * taps).map((i) => Number(i % (taps + 1) === 0))); // prettier-ignore
  const channels = rows / taps;
  // The part at the end that no block reaches is output padding.
  const surplus = image.map((d, i) => strides[i]! * (places[i]! - 1) + extent[i]! - pads[i]! - d);
  const y = op.ConvTranspose(op.Reshape(x, op.ints([n * channels, taps, ...places])), op.tensor(identity, "blocks"), {
    strides,
    dilations,
    pads: [...pads.slice(0, image.length), ...surplus.map((s) => Math.max(s, 0))],
    output_padding: surplus.map((s) => Math.max(-s, 0)),
  });
  return [op.Reshape(y, op.ints([n, channels, ...image]))];
};
