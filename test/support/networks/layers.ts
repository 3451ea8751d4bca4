/** The layers of PyTorch, as torch.onnx writes them. */

import { tensorOf } from "../../../src/tensor.ts";
import type { Exporter, Name } from "./exporter.ts";

type Kernel = number | readonly [number, number];

export interface ConvOptions {
  readonly stride?: number;
  readonly dilation?: number;
  readonly groups?: number;
  /** Default: what keeps the size where the stride is 1. */
  readonly padding?: Kernel;
  readonly bias?: boolean;
}

const pair = (k: Kernel): readonly [number, number] => (typeof k === "number" ? [k, k] : k);

/** Conv2d; its weights as He et al. (2015) draw them, so that signals keep their size. */
export const conv = (
  e: Exporter,
  x: Name,
  [from, to, kernel]: readonly [from: number, to: number, kernel: Kernel],
  { stride = 1, dilation = 1, groups = 1, padding, bias = true }: ConvOptions = {},
): Name => {
  const [kh, kw] = pair(kernel);
  const [ph, pw] = padding === undefined ? [kh, kw].map((k) => Math.floor((dilation * (k - 1)) / 2)) : pair(padding);
  const weight = e.weight([to, from / groups, kh, kw], Math.sqrt((2 * groups) / (from * kh * kw)));
  return e.node("Conv", bias ? [x, weight, e.weight([to], 0.1)] : [x, weight], {
    dilations: [dilation, dilation],
    group: groups,
    kernel_shape: [kh, kw],
    pads: [ph, pw, ph, pw],
    strides: [stride, stride],
  });
};

export const relu = (e: Exporter, x: Name): Name => e.node("Relu", [x]);
export const sigmoid = (e: Exporter, x: Name): Name => e.node("Sigmoid", [x]);
export const add = (e: Exporter, a: Name, b: Name): Name => e.node("Add", [a, b]);
export const mul = (e: Exporter, a: Name, b: Name): Name => e.node("Mul", [a, b]);
export const concat = (e: Exporter, x: readonly Name[], axis = 1): Name => e.node("Concat", x, { axis });

/** Convolution, BatchNorm2d (which the exporter folds into it) and ReLU. */
export const convRelu: typeof conv = (e, x, shape, options) => relu(e, conv(e, x, shape, options));

/** BatchNorm2d that does not stand behind a convolution, or is exported without folding. */
export const batchNorm = (e: Exporter, x: Name, channels: number): Name => {
  const [gamma, beta, mean] = [e.weight([channels], 0.1, 1), e.weight([channels], 0.1), e.weight([channels], 0.1)];
  const variance = e.parameter(
    tensorOf(
      "float32",
      [channels],
      Array.from({ length: channels }, (_, i) => 0.8 + 0.1 * i),
    ),
  );
  return e.node("BatchNormalization", [x, gamma, beta, mean, variance], { epsilon: 1e-5, momentum: 0.9 });
};

export const globalAveragePool = (e: Exporter, x: Name): Name => e.node("GlobalAveragePool", [x]);

/** MaxPool2d. */
export const maxPool = (e: Exporter, x: Name, kernel: number, stride = kernel, padding = 0): Name =>
  e.node("MaxPool", [x], {
    ...(e.opset < 10 ? {} : { ceil_mode: 0 }),
    kernel_shape: [kernel, kernel],
    pads: [padding, padding, padding, padding],
    strides: [stride, stride],
  });

/** AvgPool2d, which counts the padding: with an attribute, or (torch.onnx before 2.1) padded by a node of its own. */
export const averagePool = (
  e: Exporter,
  x: Name,
  kernel: number,
  stride = kernel,
  padding = 0,
  form: "attribute" | "node" = "attribute",
): Name => {
  const window = { kernel_shape: [kernel, kernel], strides: [stride, stride] };
  const pads = [padding, padding, padding, padding];
  if (form === "attribute") return e.node("AveragePool", [x], { ...window, pads, count_include_pad: 1 });
  const padded = e.node("Pad", [x, e.ints(0, 0, padding, padding, 0, 0, padding, padding)], { mode: "constant" });
  return e.node("AveragePool", [padded], { ...window, pads: [0, 0, 0, 0] });
};

/** Before opset 13 the axes are an attribute. */
export const unsqueeze = (e: Exporter, x: Name, ...axes: readonly number[]): Name =>
  e.opset < 13 ? e.node("Unsqueeze", [x], { axes }) : e.node("Unsqueeze", [x, e.ints(...axes)]);

/** x.mean(axes, keepdim=True); before opset 18 the axes are an attribute. */
export const mean = (e: Exporter, x: Name, ...axes: readonly number[]): Name =>
  e.opset < 18
    ? e.node("ReduceMean", [x], { axes, keepdims: 1 })
    : e.node("ReduceMean", [x, e.ints(...axes)], { keepdims: 1 });

/** x.shape[axis] as a list of one, ready for Concat. */
export const dimension = (e: Exporter, x: Name, axis: number): Name => {
  const index = e.constant(tensorOf("int64", [], [axis]));
  return unsqueeze(e, e.node("Gather", [e.node("Shape", [x]), index], { axis: 0 }), 0);
};

/** x.shape[-2:] */
export const spatialSize = (e: Exporter, x: Name): Name => concat(e, [dimension(e, x, 2), dimension(e, x, 3)], 0);

/** x.reshape(...): numbers, and sizes that are computed when the graph runs. */
export const reshape = (e: Exporter, x: Name, ...shape: readonly (number | Name)[]): Name => {
  const sizes = shape.every((d) => typeof d === "number")
    ? e.ints(...shape)
    : concat(
        e,
        shape.map((d) => (typeof d === "number" ? e.ints(d) : d)),
        0,
      );
  return e.node("Reshape", [x, sizes]);
};

export const transpose = (e: Exporter, x: Name, ...perm: readonly number[]): Name => e.node("Transpose", [x], { perm });

type Interpolation = "nearest" | "bilinear" | "bilinear, aligned corners" | "bicubic";

const resizeAttributes = (mode: Interpolation) => ({
  coordinate_transformation_mode:
    mode === "nearest" ? "asymmetric" : mode === "bilinear, aligned corners" ? "align_corners" : "half_pixel",
  cubic_coeff_a: -0.75,
  mode: mode === "nearest" ? "nearest" : mode === "bicubic" ? "cubic" : "linear",
  nearest_mode: "floor",
});

/** An optional input of Resize that is absent: until opset 12 an empty tensor. */
const none = (e: Exporter): Name | null => (e.opset < 13 ? e.constant(tensorOf("float32", [0], [])) : null);

/** F.interpolate(x, size): the batch and the channels of x by Shape and Slice, then the size. */
export const resizeTo = (e: Exporter, x: Name, size: Name, mode: Interpolation = "bilinear"): Name => {
  const lead = e.node("Slice", [e.node("Shape", [x]), e.ints(0), e.ints(2), e.ints(0)]);
  const sizes = concat(e, [lead, e.node("Cast", [size], { to: 7 })], 0);
  return e.node("Resize", [x, none(e), none(e), sizes], resizeAttributes(mode));
};

/** F.interpolate(x, other.shape[-2:]). */
export const resizeAs = (e: Exporter, x: Name, other: Name, mode: Interpolation = "bilinear"): Name =>
  resizeTo(e, x, spatialSize(e, other), mode);

/** F.interpolate(x, scale_factor). */
export const resizeBy = (e: Exporter, x: Name, factor: number, mode: Interpolation = "nearest"): Name =>
  e.node("Resize", [x, none(e), e.constant(tensorOf("float32", [4], [1, 1, factor, factor]))], resizeAttributes(mode));

/** Linear on the last axis. */
export const linear = (e: Exporter, x: Name, from: number, to: number): Name =>
  e.node("Add", [e.weight([to], 0.1), e.node("MatMul", [x, e.weight([from, to], Math.sqrt(1 / from))])]);

/** GELU with the error function: an operator of its own from opset 20 on. */
export const gelu = (e: Exporter, x: Name): Name => {
  if (e.opset >= 20) return e.node("Gelu", [x], { approximate: "none" });
  const shifted = e.node("Add", [e.node("Erf", [e.node("Div", [x, e.float(Math.SQRT2)])]), e.float(1)]);
  return mul(e, mul(e, x, shifted), e.float(0.5));
};

/** (x − mean)/√(variance + ε) over some axes, in the arithmetic of torch.onnx before opset 17. */
const standardised = (e: Exporter, x: Name, axis: number, epsilon: number): Name => {
  const centred = e.node("Sub", [x, mean(e, x, axis)]);
  const variance = mean(e, e.node("Pow", [centred, e.float(2)]), axis);
  return e.node("Div", [centred, e.node("Sqrt", [add(e, variance, e.float(epsilon))])]);
};

/** LayerNorm over the last axis: an operator of its own from opset 17 on. */
export const layerNorm = (e: Exporter, x: Name, features: number): Name => {
  const [gamma, beta] = [e.weight([features], 0.2, 1), e.weight([features], 0.1)];
  if (e.opset >= 17) return e.node("LayerNormalization", [x, gamma, beta], { axis: -1, epsilon: 1e-5 });
  return add(e, mul(e, standardised(e, x, -1, 1e-5), gamma), beta);
};

/** LayerNorm over the channels of [N,C,H,W], as ConvNeXt writes it out. */
export const layerNorm2d = (e: Exporter, x: Name, channels: number): Name => {
  const [gamma, beta] = [e.weight([channels, 1, 1], 0.2, 1), e.weight([channels, 1, 1], 0.1)];
  return add(e, mul(e, gamma, standardised(e, x, 1, 1e-6)), beta);
};

/** GroupNorm: an operator of its own from opset 21 on. */
export const groupNorm = (e: Exporter, x: Name, channels: number, groups: number): Name => {
  if (e.opset >= 21) {
    const [gamma, beta] = [e.weight([channels], 0.2, 1), e.weight([channels], 0.1)];
    return e.node("GroupNormalization", [x, gamma, beta], { epsilon: 1e-5, num_groups: groups });
  }
  const each = (value: number) => e.constant(tensorOf("float32", [groups], Array(groups).fill(value)));
  const grouped = reshape(e, x, 0, groups, -1);
  const normalised = e.node("InstanceNormalization", [grouped, each(1), each(0)], { epsilon: 1e-5 });
  const back = e.node("Reshape", [normalised, e.node("Shape", [x])]);
  return add(e, mul(e, back, e.weight([channels, 1, 1], 0.2, 1)), e.weight([channels, 1, 1], 0.1));
};
