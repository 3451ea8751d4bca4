/** Convolution and its transpose, over any number of spatial axes. */

import { intOf, intsOf, stringOf, type Node } from "../../../src/onnx/graph.ts";
import { at, count, define, each, indices, offset, type Kernel, type Nd } from "./nd.ts";

export interface Sliding {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before the first element of each spatial axis. */
  readonly begin: readonly number[];
  readonly end: readonly number[];
  /** Spatial size of the output. */
  readonly output: readonly number[];
}

/** Attributes of a sliding window with their defaults; the output's size as the specification of Conv and pooling has it. */
export const sliding = (node: Node, spatial: readonly number[], kernel: readonly number[]): Sliding => {
  const n = spatial.length;
  const strides = intsOf(node, "strides", each(n, 1));
  const dilations = intsOf(node, "dilations", each(n, 1));
  const extent = kernel.map((k, i) => (k - 1) * dilations[i]! + 1);
  const automatic = stringOf(node, "auto_pad", "NOTSET");
  if (automatic === "SAME_UPPER" || automatic === "SAME_LOWER") {
    const output = spatial.map((d, i) => Math.ceil(d / strides[i]!));
    const total = output.map((o, i) => Math.max(0, (o - 1) * strides[i]! + extent[i]! - spatial[i]!));
    const less = total.map((t) => Math.floor(t / 2));
    const more = total.map((t, i) => t - less[i]!);
    const upper = automatic === "SAME_UPPER";
    return { kernel, strides, dilations, output, begin: upper ? less : more, end: upper ? more : less };
  }
  const pads = automatic === "VALID" ? [] : intsOf(node, "pads", []);
  const begin = spatial.map((_, i) => pads[i] ?? 0);
  const end = spatial.map((_, i) => pads[i + n] ?? 0);
  const ceil = intOf(node, "ceil_mode", 0) === 1;
  const output = spatial.map((d, i) => {
    const steps = (d + begin[i]! + end[i]! - extent[i]!) / strides[i]!;
    if (!ceil) return Math.floor(steps) + 1;
    const last = Math.ceil(steps);
    // A window that would start beyond the input and its leading padding is not taken.
    return last * strides[i]! < d + begin[i]! ? last + 1 : last;
  });
  return { kernel, strides, dilations, begin, end, output };
};

/** Where tap `k` of the window at `o` lies in the input, or null in the padding. */
export const tap = (
  w: Sliding,
  spatial: readonly number[],
  o: readonly number[],
  k: readonly number[],
): number[] | null => {
  const position = o.map((v, i) => v * w.strides[i]! + k[i]! * w.dilations[i]! - w.begin[i]!);
  return position.every((p, i) => p >= 0 && p < spatial[i]!) ? position : null;
};

/** y[n,m,o] = b[m] + Σ_{c,k} w[m,c,k]·x[n, g·C/G + c, o·stride + k·dilation − pad]. */
const Conv: Kernel = (node, x, w, b?: Nd) => {
  const spatial = x.shape.slice(2);
  const kernel = w.shape.slice(2);
  const window = sliding(node, spatial, kernel);
  const [outputs, channels] = [w.shape[0]!, w.shape[1]!];
  const perGroup = outputs / intOf(node, "group", 1);
  const taps = [...indices(kernel)];
  return [
    define(x.dtype, [x.shape[0]!, outputs, ...window.output], ([n, m, ...o]) => {
      let sum = b?.data[m!] ?? 0;
      const first = Math.floor(m! / perGroup) * channels;
      for (const k of taps) {
        const position = tap(window, spatial, o, k);
        if (!position) continue;
        for (let c = 0; c < channels; c++) sum += at(w, [m!, c, ...k]) * at(x, [n!, first + c, ...position]);
      }
      return sum;
    }),
  ];
};

/** Padding before the output of a ConvTranspose and the output's size, from the specification's formulas. */
const transposed = (node: Node, spatial: readonly number[], kernel: readonly number[]) => {
  const n = spatial.length;
  const strides = intsOf(node, "strides", each(n, 1));
  const dilations = intsOf(node, "dilations", each(n, 1));
  const extra = intsOf(node, "output_padding", each(n, 0));
  const full = spatial.map((d, i) => strides[i]! * (d - 1) + extra[i]! + (kernel[i]! - 1) * dilations[i]! + 1);
  const automatic = stringOf(node, "auto_pad", "NOTSET");
  const same = automatic.startsWith("SAME");
  const wanted =
    intsOf(node, "output_shape", undefined)?.slice(-n) ?? (same ? spatial.map((d, i) => d * strides[i]!) : null);
  if (!wanted) {
    const pads = automatic === "VALID" ? [] : intsOf(node, "pads", []);
    const output = full.map((f, i) => f - (pads[i] ?? 0) - (pads[i + n] ?? 0));
    return { strides, dilations, begin: full.map((_, i) => pads[i] ?? 0), output };
  }
  const total = full.map((f, i) => Math.max(0, f - wanted[i]!));
  const begin = total.map((t) => (automatic === "SAME_UPPER" ? Math.floor(t / 2) : t - Math.floor(t / 2)));
  return { strides, dilations, begin, output: wanted };
};

/** y[n,m,i·stride + k·dilation − pad] += w[c,m,k]·x[n,c,i], then the bias. */
const ConvTranspose: Kernel = (node, x, w, b?: Nd) => {
  const [batch, channels, ...spatial] = x.shape as [number, number, ...number[]];
  const [, perGroup, ...kernel] = w.shape as [number, number, ...number[]];
  const group = intOf(node, "group", 1);
  const { strides, dilations, begin, output } = transposed(node, spatial, kernel);
  const shape = [batch, perGroup * group, ...output];
  const data = new Float64Array(count(shape));
  const taps = [...indices(kernel)];
  for (const [n, c, ...i] of indices(x.shape)) {
    const first = Math.floor(c! / (channels / group)) * perGroup;
    for (const k of taps) {
      const o = i.map((v, a) => v * strides[a]! + k[a]! * dilations[a]! - begin[a]!);
      if (o.some((p, a) => p < 0 || p >= output[a]!)) continue;
      for (let m = 0; m < perGroup; m++)
        data[offset(shape, [n!, first + m, ...o])]! += at(w, [c!, m, ...k]) * at(x, [n!, c!, ...i]);
    }
  }
  const y: Nd = { dtype: x.dtype, shape, data };
  return [b ? define(y.dtype, shape, (index) => at(y, index) + b.data[index[1]!]!) : y];
};

export const convolution: Readonly<Record<string, Kernel>> = { Conv, ConvTranspose };
