/** Networks in the words of old exporters: sizes, axes, pads and bounds as attributes. */

import { tensorOf } from "../../../src/tensor.ts";
import type { Exporter, Name } from "./exporter.ts";
import {
  add,
  averagePool,
  batchNorm,
  concat,
  conv,
  convRelu,
  globalAveragePool,
  mul,
  relu,
  sigmoid,
} from "./layers.ts";
import { CLASSES, miniature, type Miniature } from "./miniature.ts";

/** The scales [1, 1, h, w] that bring x to the size of `like`: sizes divided as floats. */
const scalesTo = (e: Exporter, x: Name, like: Name): Name => {
  const sizeOf = (v: Name) =>
    e.node("Cast", [e.node("Slice", [e.node("Shape", [v])], { axes: [0], starts: [2], ends: [4] })], { to: 1 });
  return concat(e, [e.constant(tensorOf("float32", [2], [1, 1])), e.node("Div", [sizeOf(like), sizeOf(x)])], 0);
};

/** Upsample, with the scales as an input (opset 9). */
const upsample = (e: Exporter, x: Name, like: Name, mode: "nearest" | "linear"): Name =>
  e.node("Upsample", [x, scalesTo(e, x, like)], { mode });

/** Clip, its bounds attributes. */
const relu6 = (e: Exporter, x: Name): Name =>
  e.node("Clip", [x], { min: { type: "float", value: 0 }, max: { type: "float", value: 1.5 } });

/** MobileNet v2's inverted residual, BatchNormalization not folded. */
const inverted = (e: Exporter, x: Name): Name => {
  const wide = relu6(e, batchNorm(e, conv(e, x, [4, 8, 1], { bias: false }), 8));
  const deep = relu6(e, batchNorm(e, conv(e, wide, [8, 8, 3], { groups: 8, bias: false }), 8));
  return add(e, x, conv(e, deep, [8, 4, 1]));
};

/** Squeeze and excitation by fully connected layers: Squeeze, Gemm, Unsqueeze. */
const excitation = (e: Exporter, x: Name): Name => {
  const pooled = e.node("Squeeze", [globalAveragePool(e, x)], { axes: [2, 3] });
  const gemm = (v: Name) => e.node("Gemm", [v, e.weight([4, 4], 0.5), e.weight([4], 0.1)], { transB: 1, alpha: 1 });
  const gate = sigmoid(e, gemm(relu(e, gemm(pooled))));
  return mul(e, x, e.node("Unsqueeze", [gate], { axes: [2, 3] }));
};

/** Softmax over the channels: moved to the end, for before opset 13 it took all axes from its own on. */
const channelSoftmax = (e: Exporter, x: Name): Name => {
  const last = e.node("Softmax", [e.node("Transpose", [x], { perm: [0, 2, 3, 1] })], { axis: 3 });
  return e.node("Transpose", [last], { perm: [0, 3, 1, 2] });
};

const opset9 = (e: Exporter, x: Name): Name => {
  const padding = { mode: "reflect", pads: [0, 0, 1, 1, 0, 0, 1, 1] };
  const full = convRelu(e, e.node("Pad", [x], padding), [3, 4, 3], { padding: 0 });
  const pooled = e.node("Pad", [full], {
    mode: "constant",
    pads: [0, 0, 0, 0, 0, 0, 1, 1],
    value: { type: "float", value: 0.5 },
  });
  const half = inverted(e, e.node("AveragePool", [pooled], { kernel_shape: [2, 2], strides: [2, 2] }));
  const quarter = excitation(e, conv(e, half, [4, 4, 3], { stride: 2 }));
  const u1 = add(e, half, upsample(e, quarter, half, "nearest"));
  const attention = channelSoftmax(e, conv(e, u1, [4, 4, 1]));
  const u0 = concat(e, [full, upsample(e, mul(e, u1, attention), full, "linear")]);
  return conv(e, e.node("Dropout", [convRelu(e, u0, [8, 4, 3])], { ratio: 0.1 }), [4, CLASSES, 1]);
};

/** Upsample with its scales as an attribute (opset 7 and 8). */
const opset7 = (e: Exporter, x: Name): Name => {
  const half = inverted(e, convRelu(e, x, [3, 4, 3], { stride: 2 }));
  const scales = { type: "floats", value: [1, 1, 2, 2] } as const;
  return conv(e, e.node("Upsample", [half], { mode: "nearest", scales }), [4, CLASSES, 3]);
};

/** Resize of opset 10: the scales alone, asymmetric. */
const opset10 = (e: Exporter, x: Name): Name => {
  const half = relu6(e, averagePool(e, conv(e, x, [3, 4, 3]), 2));
  const cropped = e.node("Slice", [half, e.ints(0, 0), e.ints(-1, 2 ** 31 - 1), e.ints(2, 3)]);
  const scales = e.constant(tensorOf("float32", [4], [1, 1, 2, 2]));
  return conv(e, e.node("Resize", [cropped, scales], { mode: "linear" }), [4, CLASSES, 3]);
};

/** x in two halves of the channels by Split, one of them convolved; then ShuffleNet's shuffle. */
const shuffleUnit = (e: Exporter, x: Name): Name => {
  const [left, right] = e.nodes("Split", [x], { axis: 1, split: [2, 2] }, 2) as [Name, Name];
  const merged = concat(e, [left, convRelu(e, right, [2, 2, 3])]);
  const shape = e.node("Shape", [merged]);
  const at = (i: number) => {
    const size = e.node("Gather", [shape, e.constant(tensorOf("int64", [], [i]))], { axis: 0 });
    return e.node("Unsqueeze", [size], { axes: [0] });
  };
  const groups = concat(e, [at(0), e.ints(2), e.ints(2), at(2), at(3)], 0);
  const turned = e.node("Transpose", [e.node("Reshape", [merged, groups])], { perm: [0, 2, 1, 3, 4] });
  return e.node("Reshape", [turned, concat(e, [at(0), e.ints(-1), at(2), at(3)], 0)]);
};

/** Scores of each pixel's features against all: a norm by sums whose axes are attributes. */
const normalised = (e: Exporter, x: Name): Name => {
  const squares = e.node("ReduceSum", [mul(e, x, x)], { axes: [1], keepdims: 1 });
  return e.node("Div", [x, e.node("Sqrt", [add(e, squares, e.float(1))])]);
};

/** Opset 11: Clip and Pad have inputs already; Split, Squeeze and the reductions not yet. */
const opset11 = (e: Exporter, x: Name): Name => {
  const pads = e.constant(tensorOf("int64", [8], [0, 0, 1, 1, 0, 0, 1, 1]));
  const padded = e.node("Pad", [x, pads, e.float(0.25)], { mode: "constant" });
  const half = e.node("Clip", [conv(e, padded, [3, 4, 3], { stride: 2, padding: 0 }), e.float(-0.5), e.float(1.5)]);
  const features = normalised(e, shuffleUnit(e, half));
  const channels = e.node("ReduceMean", [features], { axes: [1], keepdims: 0 });
  const edge = e.node("Unsqueeze", [channels], { axes: [1] });
  const none = () => e.constant(tensorOf("float32", [0], []));
  const size = e.node("Slice", [e.node("Shape", [x]), e.ints(2), e.ints(4), e.ints(0)]);
  const lead = e.node("Slice", [e.node("Shape", [half]), e.ints(0), e.ints(2), e.ints(0)]);
  const attributes = { coordinate_transformation_mode: "pytorch_half_pixel", mode: "linear", nearest_mode: "floor" };
  const up = e.node("Resize", [mul(e, features, edge), none(), none(), concat(e, [lead, size], 0)], attributes);
  return conv(e, up, [4, CLASSES, 1]);
};

export const legacy: readonly Miniature[] = [
  miniature("opset 7", opset7, { opset: 7, size: [12, 12] }),
  miniature("opset 9", opset9, { opset: 9 }),
  miniature("opset 10", opset10, { opset: 10 }),
  miniature("opset 11", opset11, { opset: 11, size: [16, 12] }),
];
