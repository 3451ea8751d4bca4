/** torchvision.models.segmentation. */

import type { Exporter, Name } from "./exporter.ts";
import {
  add,
  concat,
  conv,
  convRelu,
  globalAveragePool,
  maxPool,
  mean,
  mul,
  relu,
  resizeAs,
  sigmoid,
} from "./layers.ts";
import { CLASSES, miniature, type Miniature } from "./miniature.ts";

/** ResNet's bottleneck: 1×1, 3×3, 1×1, and a projection where the shape changes. */
const bottleneck = (e: Exporter, x: Name, from: number, to: number, stride: number, dilation: number): Name => {
  const inner = convRelu(e, convRelu(e, x, [from, 3, 1]), [3, 3, 3], { stride, dilation });
  const shortcut = from === to ? x : conv(e, x, [from, to, 1], { stride });
  return relu(e, add(e, conv(e, inner, [3, to, 1]), shortcut));
};

/** ResNet whose last stages are dilated instead of strided: the features of stages 3 and 4. */
const resnet = (e: Exporter, x: Name): { readonly inner: Name; readonly out: Name } => {
  const stem = maxPool(e, convRelu(e, x, [3, 4, 7], { stride: 2 }), 3, 2, 1);
  const inner = bottleneck(e, stem, 4, 6, 1, 1);
  return { inner, out: bottleneck(e, inner, 6, 6, 1, 2) };
};

const fcnHead = (e: Exporter, x: Name): Name => conv(e, convRelu(e, x, [6, 4, 3]), [4, CLASSES, 1]);

/** Long, Shelhamer, Darrell (2015), with the auxiliary head that torchvision exports as a second output. */
const fcn = (e: Exporter, x: Name): Readonly<Record<string, Name>> => {
  const { inner, out } = resnet(e, x);
  return { out: resizeAs(e, fcnHead(e, out), x), aux: resizeAs(e, fcnHead(e, inner), x) };
};

/** Chen et al. (2017): atrous spatial pyramid pooling. */
const deepLabV3 = (e: Exporter, x: Name): Name => {
  const { out } = resnet(e, x);
  const atrous = [2, 3].map((dilation) => convRelu(e, out, [6, 4, 3], { dilation }));
  const pooled = resizeAs(e, convRelu(e, globalAveragePool(e, out), [6, 4, 1]), out);
  const pyramid = concat(e, [convRelu(e, out, [6, 4, 1]), ...atrous, pooled]);
  return resizeAs(e, conv(e, convRelu(e, convRelu(e, pyramid, [16, 4, 1]), [4, 4, 3]), [4, CLASSES, 1]), x);
};

const hardSwish = (e: Exporter, x: Name): Name => e.node("HardSwish", [x]);

/** Squeeze and excitation; `pool` is AdaptiveAvgPool2d(1) or a mean over both axes. */
const squeezeExcite = (e: Exporter, x: Name, channels: number, pool: typeof globalAveragePool): Name => {
  const squeezed = conv(e, convRelu(e, pool(e, x), [channels, 4, 1]), [4, channels, 1]);
  return mul(e, e.node("HardSigmoid", [squeezed], { alpha: 1 / 6, beta: 0.5 }), x);
};

/** MobileNet v3's inverted residual. */
const inverted = (e: Exporter, x: Name, stride: number, pool: typeof globalAveragePool): Name => {
  const wide = hardSwish(e, conv(e, x, [4, 8, 1]));
  const deep = hardSwish(e, conv(e, wide, [8, 8, 3], { stride, groups: 8 }));
  const out = conv(e, squeezeExcite(e, deep, 8, pool), [8, 4, 1]);
  return stride === 1 ? add(e, out, x) : out;
};

type Gate = (e: Exporter, high: Name) => Name;

/** Howard et al. (2019): lite reduced atrous spatial pyramid pooling. */
const lrAspp =
  (gate: Gate) =>
  (e: Exporter, x: Name): Name => {
    const low = inverted(e, hardSwish(e, conv(e, x, [3, 4, 3], { stride: 2 })), 1, globalAveragePool);
    const high = inverted(e, low, 2, (_, v) => mean(e, v, 2, 3));
    const gated = mul(e, convRelu(e, high, [4, 4, 1]), gate(e, high));
    const up = resizeAs(e, gated, low);
    return resizeAs(e, add(e, conv(e, low, [4, CLASSES, 1]), conv(e, up, [4, CLASSES, 1])), x);
  };

const globalGate: Gate = (e, high) => sigmoid(e, conv(e, globalAveragePool(e, high), [4, 4, 1], { bias: false }));

/** The paper's: a large window in large steps, so that a coarse map is left. */
const windowGate: Gate = (e, high) => {
  const window = { kernel_shape: [3, 3], strides: [1, 1], pads: [0, 0, 0, 0] };
  const pooled = e.node("AveragePool", [high], window);
  return resizeAs(e, sigmoid(e, conv(e, pooled, [4, 4, 1], { bias: false })), high);
};

export const torchvision: readonly Miniature[] = [
  miniature("torchvision FCN, the main head of two", fcn, { output: "out", size: [16, 20] }),
  miniature("torchvision FCN, the auxiliary head of two", fcn, { output: "aux" }),
  miniature("torchvision DeepLab v3", deepLabV3, { size: [20, 16] }),
  miniature("torchvision LR-ASPP", lrAspp(globalGate)),
  miniature("LR-ASPP as in the paper", lrAspp(windowGate), { opset: 18 }),
];
