/** mmsegmentation: networks for real time. */

import type { Exporter, Name } from "./exporter.ts";
import {
  add,
  averagePool,
  concat,
  conv,
  convRelu,
  globalAveragePool,
  maxPool,
  mul,
  relu,
  resizeAs,
  resizeBy,
  sigmoid,
} from "./layers.ts";
import { CLASSES, miniature, type Miniature } from "./miniature.ts";

/** Cascade feature fusion: the coarse branch upsampled and dilated, the fine one projected. */
const cascade = (e: Exporter, low: Name, high: Name): Name => {
  const up = conv(e, resizeAs(e, low, high), [4, 4, 3], { dilation: 2 });
  return relu(e, add(e, up, conv(e, high, [4, 4, 1])));
};

/** Zhao et al. (2018): the picture at three resolutions, each through a shallower network. */
const icNet = (e: Exporter, x: Name): Name => {
  const branch = (y: Name, depth: number) => {
    let features = convRelu(e, y, [3, 4, 3], { stride: 2 });
    for (let i = 1; i < depth; i++) features = convRelu(e, features, [4, 4, 3]);
    return features;
  };
  const [half, quarter] = [resizeBy(e, x, 0.5, "bilinear"), resizeBy(e, x, 0.25, "bilinear")];
  const fused = cascade(e, branch(quarter, 3), branch(half, 2));
  return resizeAs(e, conv(e, cascade(e, fused, branch(x, 1)), [4, CLASSES, 1]), x);
};

/** Attention refinement: channels gated by their own mean. */
const refinement = (e: Exporter, x: Name, channels: number): Name => {
  const y = convRelu(e, x, [channels, 4, 3]);
  return mul(e, y, sigmoid(e, conv(e, globalAveragePool(e, y), [4, 4, 1], { bias: false })));
};

const fusion = (e: Exporter, spatial: Name, context: Name): Name => {
  const y = convRelu(e, concat(e, [spatial, context]), [8, 4, 1]);
  const gate = sigmoid(e, convRelu(e, globalAveragePool(e, y), [4, 4, 1], { bias: false }));
  return add(e, mul(e, y, gate), y);
};

/** Yu et al. (2018): a spatial path beside a context path. */
const biSeNet = (e: Exporter, x: Name): Name => {
  const spatial = convRelu(e, convRelu(e, x, [3, 4, 7], { stride: 2 }), [4, 4, 3], { stride: 2 });
  const f16 = convRelu(e, maxPool(e, convRelu(e, x, [3, 4, 3], { stride: 2 }), 3, 2, 1), [4, 4, 3], { stride: 2 });
  const f32 = convRelu(e, f16, [4, 5, 3], { stride: 2 });
  const tail = resizeAs(e, convRelu(e, globalAveragePool(e, f32), [5, 4, 1]), f32, "nearest");
  const up32 = resizeAs(e, add(e, refinement(e, f32, 5), tail), f16, "nearest");
  const up16 = convRelu(e, add(e, refinement(e, f16, 4), convRelu(e, up32, [4, 4, 3])), [4, 4, 3]);
  const context = resizeAs(e, up16, spatial, "nearest");
  return resizeAs(e, conv(e, fusion(e, spatial, context), [4, CLASSES, 1]), x);
};

/** conv 3×3 of stride 2 beside a max pooling. */
const stem = (e: Exporter, x: Name): Name => {
  const y = convRelu(e, x, [3, 4, 3], { stride: 2 });
  const left = convRelu(e, convRelu(e, y, [4, 2, 1]), [2, 4, 3], { stride: 2 });
  return convRelu(e, concat(e, [left, maxPool(e, y, 3, 2, 1)]), [8, 4, 3]);
};

/** Gather and expansion: depthwise convolutions on six times the channels (here twice). */
const gatherExpand = (e: Exporter, x: Name): Name => {
  const deep = conv(e, convRelu(e, x, [4, 4, 3]), [4, 8, 3], { stride: 2, groups: 4 });
  const main = conv(e, conv(e, deep, [8, 8, 3], { groups: 8 }), [8, 4, 1]);
  const shortcut = conv(e, conv(e, x, [4, 4, 3], { stride: 2, groups: 4 }), [4, 4, 1]);
  return relu(e, add(e, main, shortcut));
};

/** Bilateral guided aggregation: each branch gates the other, at both sizes. */
const aggregation = (e: Exporter, detail: Name, semantic: Name): Name => {
  const depthwise = (x: Name) => conv(e, conv(e, x, [4, 4, 3], { groups: 4, bias: false }), [4, 4, 1]);
  const down = averagePool(e, conv(e, detail, [4, 4, 3], { stride: 2, bias: false }), 3, 2, 1, "node");
  const fine = mul(e, depthwise(detail), sigmoid(e, resizeAs(e, conv(e, semantic, [4, 4, 3]), detail)));
  const coarse = mul(e, down, sigmoid(e, depthwise(semantic)));
  return conv(e, add(e, fine, resizeAs(e, coarse, detail)), [4, 4, 3]);
};

/** Yu et al. (2021): BiSeNet v2. */
const biSeNetV2 = (e: Exporter, x: Name): Name => {
  const detail = convRelu(e, convRelu(e, x, [3, 4, 3], { stride: 2 }), [4, 4, 3], { stride: 1 });
  const ge = gatherExpand(e, stem(e, x));
  const context = add(e, ge, convRelu(e, globalAveragePool(e, ge), [4, 4, 1]));
  const merged = aggregation(e, detail, conv(e, context, [4, 4, 3]));
  return resizeAs(e, conv(e, convRelu(e, merged, [4, 4, 3]), [4, CLASSES, 1]), x);
};

export const mmsegRealtime: readonly Miniature[] = [
  miniature("mmsegmentation ICNet", icNet),
  miniature("mmsegmentation BiSeNet v1", biSeNet),
  miniature("mmsegmentation BiSeNet v2", biSeNetV2),
];
