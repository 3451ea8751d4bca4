/** Networks whose sampling places or masks are computed: MaskFormer (Cheng et al. 2021) and SFNet (Li et al. 2020). */

import { tensorOf } from "../../../src/tensor.ts";
import type { Exporter, Name } from "./exporter.ts";
import {
  add,
  concat,
  conv,
  convRelu,
  dimension,
  layerNorm,
  linear,
  mul,
  resizeAs,
  sigmoid,
  transpose,
  unsqueeze,
} from "./layers.ts";
import { CLASSES, miniature, type Miniature } from "./miniature.ts";

/** Learned queries read the pixels; each gives a class and a mask, and the classes are summed over the masks. */
const maskFormer = (e: Exporter, x: Name): Name => {
  const [c, queries] = [4, 5];
  const features = convRelu(e, convRelu(e, x, [3, c, 3], { stride: 2 }), [c, c, 3], { stride: 2 });
  const flat = e.node("Flatten", [transpose(e, features, 1, 0, 2, 3)], { axis: 1 });
  const pixels = unsqueeze(e, transpose(e, flat, 1, 0), 0);
  const learned = e.weight([1, queries, c], 1);
  const scores = e.node("MatMul", [learned, transpose(e, pixels, 0, 2, 1)]);
  const read = e.node("MatMul", [e.node("Softmax", [scores], { axis: -1 }), pixels]);
  const decoded = layerNorm(e, add(e, learned, read), c);
  const classes = e.node("Softmax", [linear(e, decoded, c, CLASSES + 1)], { axis: -1 });
  // The last class is "no object".
  const kept = e.node("Slice", [classes, e.ints(0), e.ints(-1), e.ints(2), e.ints(1)]);
  const embedding = conv(e, features, [c, c, 1]);
  const masks = e.node("Einsum", [linear(e, decoded, c, c), embedding], { equation: "bqc,bchw->bqhw" });
  const sharp = sigmoid(e, resizeAs(e, masks, x));
  return e.node("Einsum", [kept, sharp], { equation: "bqc,bqhw->bchw" });
};

/** −1 … 1 in `size` steps: Range, scaled when the graph runs. */
const linspace = (e: Exporter, size: Name): Name => {
  const scalar = (v: number) => e.constant(tensorOf("int64", [], [v]));
  const count = e.opset < 13 ? e.node("Squeeze", [size], { axes: [0] }) : e.node("Squeeze", [size, e.ints(0)]);
  const steps = e.node("Cast", [e.node("Range", [scalar(0), count, scalar(1)])], { to: 1 });
  const last = e.node("Cast", [e.node("Sub", [count, scalar(1)])], { to: 1 });
  return e.node("Sub", [e.node("Div", [mul(e, steps, e.float(2)), last]), e.float(1)]);
};

/** The sampling grid [1,H,W,2] of the identity. */
const identityGrid = (e: Exporter, like: Name): Name => {
  const [height, width] = [dimension(e, like, 2), dimension(e, like, 3)];
  const shape = concat(e, [height, width], 0);
  const [u, v] = [unsqueeze(e, linspace(e, width), 0), unsqueeze(e, linspace(e, height), 1)];
  const columns = [u, v].map((axis) => unsqueeze(e, e.node("Expand", [axis, shape]), -1));
  return unsqueeze(e, concat(e, columns, -1), 0);
};

/** Flow alignment: the coarse features are sampled where a flow field, learned from both levels, points. */
const flowAlignment = (e: Exporter, coarse: Name, fine: Name): Name => {
  const both = concat(e, [resizeAs(e, coarse, fine, "bilinear, aligned corners"), fine]);
  const flow = transpose(e, conv(e, both, [8, 2, 3], { bias: false }), 0, 2, 3, 1);
  const [height, width] = [dimension(e, fine, 2), dimension(e, fine, 3)];
  const unit = e.node("Cast", [concat(e, [width, height], 0)], { to: 1 });
  const grid = add(e, identityGrid(e, fine), e.node("Div", [flow, unit]));
  const attributes = { align_corners: 1, mode: e.opset < 20 ? "bilinear" : "linear", padding_mode: "zeros" };
  return e.node("GridSample", [coarse, grid], attributes);
};

const sfNet = (e: Exporter, x: Name): Name => {
  const fine = convRelu(e, x, [3, 4, 3], { stride: 2 });
  const coarse = convRelu(e, fine, [4, 4, 3], { stride: 2 });
  const aligned = add(e, flowAlignment(e, coarse, fine), fine);
  return resizeAs(e, conv(e, aligned, [4, CLASSES, 1]), x, "bicubic");
};

export const queries: readonly Miniature[] = [
  miniature("transformers MaskFormer", maskFormer),
  miniature("SFNet", sfNet, { opset: 16 }),
  miniature("SFNet, opset 20", sfNet, { opset: 20, size: [20, 16] }),
];
