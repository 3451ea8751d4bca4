/** segmentation_models_pytorch: decoders with attention. */

import type { Exporter, Name } from "./exporter.ts";
import {
  add,
  concat,
  conv,
  convRelu,
  dimension,
  globalAveragePool,
  maxPool,
  mul,
  relu,
  reshape,
  resizeAs,
  resizeBy,
  sigmoid,
  transpose,
} from "./layers.ts";
import { CLASSES, miniature, type Miniature } from "./miniature.ts";

/** Feature pyramid attention: a context branch, and a U-shaped mask of ever larger windows on the features. */
const pyramidAttention = (e: Exporter, x: Name): Name => {
  const context = resizeAs(e, convRelu(e, globalAveragePool(e, x), [5, 4, 1]), x, "bilinear, aligned corners");
  const d1 = convRelu(e, maxPool(e, x, 2), [5, 1, 7]);
  const d2 = convRelu(e, convRelu(e, maxPool(e, d1, 2), [1, 1, 5]), [1, 1, 5]);
  const up2 = resizeAs(e, d2, d1, "bilinear, aligned corners");
  const mask = resizeAs(e, add(e, convRelu(e, d1, [1, 1, 7]), up2), x, "bilinear, aligned corners");
  return add(e, mul(e, mask, convRelu(e, x, [5, 4, 1])), context);
};

/** Global attention upsampling: the pooled deep features gate the shallow ones. */
const globalAttention = (e: Exporter, deep: Name, shallow: Name, channels: number): Name => {
  const gate = sigmoid(e, conv(e, globalAveragePool(e, deep), [4, 4, 1]));
  const gated = mul(e, convRelu(e, shallow, [channels, 4, 3]), gate);
  return add(e, resizeAs(e, deep, shallow, "bilinear, aligned corners"), gated);
};

/** Li et al. (2018): PAN. */
const pan = (e: Exporter, x: Name): Name => {
  const s1 = convRelu(e, x, [3, 4, 3], { stride: 2 });
  const s2 = convRelu(e, s1, [4, 5, 3], { stride: 2 });
  const decoded = globalAttention(e, pyramidAttention(e, s2), s1, 4);
  return resizeBy(e, conv(e, decoded, [4, CLASSES, 3]), 2, "bilinear, aligned corners");
};

/** Position-wise attention over all pairs of pixels: one softmax for the whole map. */
const positionAttention = (e: Exporter, x: Name, channels: number): Name => {
  const [batch, height, width] = [dimension(e, x, 0), dimension(e, x, 2), dimension(e, x, 3)];
  const pixels = mul(e, height, width);
  const flat = (v: Name, c: number) => reshape(e, v, batch, c, -1);
  const top = flat(conv(e, x, [channels, 2, 1]), 2);
  const centre = transpose(e, flat(conv(e, x, [channels, 2, 1]), 2), 0, 2, 1);
  const bottom = transpose(e, flat(conv(e, x, [channels, channels, 3]), channels), 0, 2, 1);
  const map = e.node("Softmax", [reshape(e, e.node("MatMul", [centre, top]), batch, -1)], { axis: 1 });
  const attended = e.node("MatMul", [reshape(e, map, batch, pixels, pixels), bottom]);
  const planes = reshape(e, transpose(e, attended, 0, 2, 1), batch, channels, height, width);
  return conv(e, add(e, x, planes), [channels, channels, 3]);
};

const squeeze = (e: Exporter, x: Name, channels: number): Name =>
  sigmoid(e, conv(e, convRelu(e, globalAveragePool(e, x), [channels, 2, 1]), [2, channels, 1]));

/** Multi-scale fusion: channels of deep and shallow features gate the deep ones. */
const fusionAttention = (e: Exporter, deep: Name, skip: Name, channels: number): Name => {
  const up = resizeBy(e, convRelu(e, convRelu(e, deep, [channels, 4, 3]), [4, 4, 1]), 2);
  const gate = add(e, squeeze(e, up, 4), squeeze(e, skip, 4));
  return convRelu(e, concat(e, [mul(e, up, gate), skip]), [8, 4, 3]);
};

/** Fan et al. (2020): MA-Net. */
const maNet = (e: Exporter, x: Name): Name => {
  const full = convRelu(e, x, [3, 4, 3]);
  const half = convRelu(e, full, [4, 4, 3], { stride: 2 });
  const quarter = convRelu(e, half, [4, 5, 3], { stride: 2 });
  const d1 = fusionAttention(e, positionAttention(e, quarter, 5), half, 5);
  return conv(e, fusionAttention(e, d1, full, 4), [4, CLASSES, 3]);
};

/** Woo et al. (2018): channels gated by their mean and maximum, then places by those over the channels. */
const blockAttention = (e: Exporter, x: Name): Name => {
  const [narrow, wide] = [e.weight([2, 4, 1, 1], 0.7), e.weight([4, 2, 1, 1], 0.7)];
  const shared = (v: Name) => e.node("Conv", [relu(e, e.node("Conv", [v, narrow])), wide]);
  const greatest = e.node("GlobalMaxPool", [x]);
  const byChannel = mul(e, x, sigmoid(e, add(e, shared(globalAveragePool(e, x)), shared(greatest))));
  const over = (op: string) => e.node(op, [byChannel], { axes: [1], keepdims: 1 });
  const maps = concat(e, [over("ReduceMean"), over("ReduceMax")]);
  return mul(e, byChannel, sigmoid(e, conv(e, maps, [2, 1, 7], { bias: false })));
};

/** Concurrent spatial and channel squeeze and excitation (Roy et al. 2018), smp's attention of a U-Net. */
const concurrent = (e: Exporter, x: Name): Name =>
  add(e, mul(e, x, squeeze(e, x, 4)), mul(e, x, sigmoid(e, conv(e, x, [4, 1, 1]))));

const attentionUnet = (e: Exporter, x: Name): Name => {
  const full = convRelu(e, x, [3, 4, 3]);
  const half = blockAttention(e, convRelu(e, full, [4, 4, 3], { stride: 2 }));
  const decoded = concurrent(e, convRelu(e, concat(e, [resizeBy(e, half, 2), full]), [8, 4, 3]));
  return conv(e, decoded, [4, CLASSES, 3]);
};

export const smpAttention: readonly Miniature[] = [
  miniature("smp PAN", pan, { size: [16, 24] }),
  miniature("smp MAnet", maNet),
  miniature("smp U-Net with CBAM and scSE", attentionUnet),
];
