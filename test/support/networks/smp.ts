/** segmentation_models_pytorch: encoders and decoders of convolutions. */

import type { Exporter, Name } from "./exporter.ts";
import {
  add,
  averagePool,
  concat,
  conv,
  convRelu,
  globalAveragePool,
  groupNorm,
  maxPool,
  relu,
  resizeAs,
  resizeBy,
} from "./layers.ts";
import { CLASSES, miniature, type Miniature } from "./miniature.ts";

/** Features at the input's size, a half and a quarter of it. */
const encoder = (e: Exporter, x: Name): readonly [Name, Name, Name] => {
  const full = convRelu(e, x, [3, 3, 3]);
  const half = convRelu(e, maxPool(e, full, 2), [3, 4, 3]);
  return [full, half, convRelu(e, half, [4, 5, 3], { stride: 2 })];
};

/** Nearest-neighbour upsampling, the skips beside it, a convolution. */
const decoderBlock = (e: Exporter, deep: Name, skips: readonly Name[], from: number, to: number): Name =>
  convRelu(e, concat(e, [resizeBy(e, deep, 2), ...skips]), [from, to, 3]);

/** Ronneberger, Fischer, Brox (2015). */
const unet = (e: Exporter, x: Name): Name => {
  const [full, half, quarter] = encoder(e, x);
  const d1 = decoderBlock(e, quarter, [half], 9, 4);
  return conv(e, decoderBlock(e, d1, [full], 7, 4), [4, CLASSES, 3]);
};

/** Zhou et al. (2018): nodes x_{i,j} at depth i, each fed by all before it at its depth. */
const unetPlusPlus = (e: Exporter, x: Name): Name => {
  const [x00, x10, x20] = encoder(e, x);
  const x01 = decoderBlock(e, x10, [x00], 7, 3);
  const x11 = decoderBlock(e, x20, [x10], 9, 4);
  const x02 = decoderBlock(e, x11, [x01, x00], 10, 4);
  return conv(e, x02, [4, CLASSES, 3]);
};

/** conv 3×3, GroupNorm, ReLU and, where the level is coarser than the output, upsampling. */
const segmentationBlock = (e: Exporter, x: Name, upsample: boolean): Name => {
  const y = relu(e, groupNorm(e, conv(e, x, [4, 4, 3], { bias: false }), 4, 2));
  return upsample ? resizeBy(e, y, 2, "bilinear, aligned corners") : y;
};

/** Kirillov et al. (2019): a feature pyramid, its levels brought to one size and added. */
const fpn = (e: Exporter, x: Name): Name => {
  const [full, half, quarter] = encoder(e, x);
  const p3 = conv(e, quarter, [5, 4, 1]);
  const p2 = add(e, resizeBy(e, p3, 2), conv(e, half, [4, 4, 1]));
  const p1 = add(e, resizeBy(e, p2, 2), conv(e, full, [3, 4, 1]));
  const s3 = segmentationBlock(e, segmentationBlock(e, p3, true), true);
  const s2 = segmentationBlock(e, p2, true);
  const merged = add(e, add(e, segmentationBlock(e, p1, false), s2), s3);
  return resizeBy(e, conv(e, merged, [4, CLASSES, 1]), 2, "bilinear, aligned corners");
};

/** AdaptiveAvgPool2d(bins) of a fixed size: global for one bin, windows that divide the size for more. */
const adaptivePool = (e: Exporter, x: Name, size: number, bins: number): Name =>
  bins === 1 ? globalAveragePool(e, x) : averagePool(e, x, size / bins);

/** Zhao et al. (2017): a pyramid of pooled contexts, each upsampled with aligned corners. */
const pspNet = (e: Exporter, x: Name): Name => {
  const features = convRelu(e, convRelu(e, x, [3, 4, 3], { stride: 2 }), [4, 4, 3]);
  const pyramid = [1, 2, 3, 6].map((bins) => {
    const context = convRelu(e, adaptivePool(e, features, 6, bins), [4, 2, 1]);
    return resizeAs(e, context, features, "bilinear, aligned corners");
  });
  const merged = convRelu(e, concat(e, [...pyramid, features]), [12, 4, 1]);
  return resizeBy(e, conv(e, merged, [4, CLASSES, 3]), 2, "bilinear, aligned corners");
};

/** conv 1×1, transposed conv 4×4 of stride 2, conv 1×1. */
const linkBlock = (e: Exporter, x: Name, from: number, to: number, groups: number): Name => {
  const narrow = convRelu(e, x, [from, 4, 1]);
  const weights = [e.weight([4, 4 / groups, 4, 4], 0.3), e.weight([4], 0.1)];
  const window = { kernel_shape: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1], dilations: [1, 1], group: groups };
  const up = relu(e, e.node("ConvTranspose", [narrow, ...weights], window));
  return convRelu(e, up, [4, to, 1]);
};

/** Chaurasia, Culurciello (2017): transposed convolutions, the skips added. */
const linkNet = (e: Exporter, x: Name): Name => {
  const [full, half, quarter] = encoder(e, x);
  const d1 = add(e, linkBlock(e, quarter, 5, 4, 1), half);
  const d0 = add(e, linkBlock(e, d1, 4, 3, 2), full);
  return conv(e, convRelu(e, d0, [3, 4, 3]), [4, CLASSES, 1]);
};

export const smp: readonly Miniature[] = [
  miniature("smp U-Net", unet),
  miniature("smp U-Net++", unetPlusPlus, { size: [12, 16] }),
  miniature("smp FPN", fpn, { size: [8, 12] }),
  miniature("smp FPN, GroupNormalization as one operator", fpn, { opset: 21, size: [8, 8] }),
  miniature("smp PSPNet", pspNet, { size: [12, 12], dynamic: false }),
  miniature("smp LinkNet", linkNet),
];
