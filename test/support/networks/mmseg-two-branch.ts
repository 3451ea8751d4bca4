/** Networks of two or three branches with pooled context: DDRNet (Hong et al. 2021) and PIDNet (Xu et al. 2023). */

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
  resizeAs,
  sigmoid,
} from "./layers.ts";
import { CLASSES, miniature, type Miniature } from "./miniature.ts";

/** BatchNorm, ReLU and then the convolution: the normalisation cannot be folded into a convolution before it. */
const preactivated = (e: Exporter, x: Name, shape: readonly [number, number, number], groups = 1): Name =>
  conv(e, relu(e, batchNorm(e, x, shape[0])), shape, { groups, bias: false });

/** Windows of 5, 9 and 17 in steps of 2, 4 and 8, and the whole. */
const pools = (e: Exporter, x: Name): readonly Name[] => [
  averagePool(e, x, 5, 2, 2),
  averagePool(e, x, 9, 4, 4),
  averagePool(e, x, 17, 8, 8),
  globalAveragePool(e, x),
];

/** Deep aggregation pyramid pooling: each scale is added to the one before and convolved. */
const dappm = (e: Exporter, x: Name): Name => {
  const scales = [preactivated(e, x, [5, 3, 1])];
  for (const pooled of pools(e, x)) {
    const up = resizeAs(e, preactivated(e, pooled, [5, 3, 1]), x);
    scales.push(preactivated(e, add(e, up, scales.at(-1)!), [3, 3, 3]));
  }
  return add(e, preactivated(e, concat(e, scales), [15, 4, 1]), preactivated(e, x, [5, 4, 1]));
};

/** Parallel aggregation: the scales convolved together, in groups. */
const pappm = (e: Exporter, x: Name): Name => {
  const first = preactivated(e, x, [5, 2, 1]);
  const scales = pools(e, x).map((pooled) => add(e, resizeAs(e, preactivated(e, pooled, [5, 2, 1]), x), first));
  const convolved = preactivated(e, concat(e, scales), [8, 8, 3], 4);
  return add(e, preactivated(e, concat(e, [first, convolved]), [10, 4, 1]), preactivated(e, x, [5, 4, 1]));
};

const stem = (e: Exporter, x: Name): Name => convRelu(e, x, [3, 4, 3], { stride: 2 });

/** A high and a low resolution that exchange their features, then DAPPM on the low one. */
const ddrNet = (e: Exporter, x: Name): Name => {
  const common = stem(e, x);
  const [high, low] = [convRelu(e, common, [4, 4, 3]), conv(e, common, [4, 5, 3], { stride: 2 })];
  const down = relu(e, add(e, low, conv(e, high, [4, 5, 3], { stride: 2 })));
  const up = relu(e, add(e, high, resizeAs(e, conv(e, relu(e, low), [5, 4, 1]), high)));
  const context = resizeAs(e, dappm(e, down), up);
  return resizeAs(e, preactivated(e, add(e, up, context), [4, CLASSES, 1]), x);
};

/** Pixel attention: σ = σ(Σ_c k·q) says where the coarse branch is to be trusted. */
const pixelAttention = (e: Exporter, fine: Name, coarse: Name): Name => {
  const up = (v: Name) => resizeAs(e, v, fine);
  const similar = mul(e, conv(e, fine, [4, 2, 1]), up(conv(e, coarse, [5, 2, 1])));
  const gate = sigmoid(e, e.node("ReduceSum", [similar, e.ints(1)], { keepdims: 1 }));
  const kept = mul(e, e.node("Sub", [e.float(1), gate]), fine);
  return add(e, kept, mul(e, gate, up(conv(e, coarse, [5, 4, 1]))));
};

/** Boundary attention: detail where there are edges, context elsewhere. */
const boundaryAttention = (e: Exporter, detail: Name, context: Name, edges: Name): Name => {
  const gate = sigmoid(e, edges);
  const fromDetail = conv(e, add(e, mul(e, e.node("Sub", [e.float(1), gate]), context), detail), [4, 4, 1]);
  const fromContext = conv(e, add(e, context, mul(e, gate, detail)), [4, 4, 1]);
  return add(e, fromDetail, fromContext);
};

/** Branches for detail (P), context (I) and edges (D). */
const pidNet = (e: Exporter, x: Name): Name => {
  const common = stem(e, x);
  const context = convRelu(e, common, [4, 5, 3], { stride: 2 });
  const detail = relu(e, pixelAttention(e, convRelu(e, common, [4, 4, 3]), context));
  const edges = add(e, conv(e, common, [4, 4, 3]), resizeAs(e, conv(e, context, [5, 4, 3]), common));
  const pooled = resizeAs(e, pappm(e, context), detail);
  return resizeAs(e, conv(e, relu(e, boundaryAttention(e, detail, pooled, edges)), [4, CLASSES, 1]), x);
};

export const mmsegTwoBranch: readonly Miniature[] = [
  miniature("mmsegmentation DDRNet", ddrNet, { size: [32, 16] }),
  miniature("mmsegmentation PIDNet", pidNet, { size: [24, 24], opset: 19 }),
];
