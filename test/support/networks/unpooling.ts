/** Decoders that put the maxima back where they were: SegNet and E-Net. */

import { tensorOf } from "../../../src/tensor.ts";
import type { Exporter, Name } from "./exporter.ts";
import { add, batchNorm, concat, conv, convRelu, maxPool, relu } from "./layers.ts";
import { CLASSES, miniature, type Miniature } from "./miniature.ts";

const window = { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] };

/** The maxima, and where they were. */
const poolWithPlaces = (e: Exporter, x: Name): readonly [Name, Name] =>
  e.nodes("MaxPool", [x], window, 2) as [Name, Name];

/** `like`: what was pooled; its size comes back. */
const unpool = (e: Exporter, x: Name, places: Name, like: Name): Name =>
  e.node("MaxUnpool", [x, places, e.node("Shape", [like])], window);

/** Badrinarayanan, Kendall, Cipolla (2017). The input need not be even: what the pooling drops comes back as zeros. */
const segNet = (e: Exporter, x: Name): Name => {
  const c1 = convRelu(e, x, [3, 4, 3]);
  const [p1, i1] = poolWithPlaces(e, c1);
  const c2 = relu(e, batchNorm(e, conv(e, p1, [4, 4, 3]), 4));
  const [p2, i2] = poolWithPlaces(e, c2);
  const d2 = convRelu(e, unpool(e, convRelu(e, p2, [4, 4, 3]), i2, c2), [4, 4, 3]);
  return conv(e, unpool(e, d2, i1, c1), [4, CLASSES, 3]);
};

const prelu = (e: Exporter, x: Name, channels: number): Name =>
  e.node("PRelu", [x, e.weight([channels, 1, 1], 0.1, 0.25)]);

/** A strided convolution beside a pooling. */
const initial = (e: Exporter, x: Name): Name => {
  const both = concat(e, [conv(e, x, [3, 2, 3], { stride: 2 }), maxPool(e, x, 2)]);
  return prelu(e, batchNorm(e, both, 5), 5);
};

/** Halves the size; the pooled branch is filled up with channels of zeros. */
const down = (e: Exporter, x: Name): readonly [Name, Name] => {
  const narrow = prelu(e, conv(e, x, [5, 3, 2], { stride: 2, padding: 0, bias: false }), 3);
  const branch = conv(e, prelu(e, conv(e, narrow, [3, 3, 3]), 3), [3, 8, 1]);
  const [pooled, places] = poolWithPlaces(e, x);
  const filled = e.node("Pad", [pooled, e.ints(0, 0, 0, 0, 0, 3, 0, 0), e.float(0)], { mode: "constant" });
  return [prelu(e, add(e, branch, filled), 8), places];
};

/** Keeps the size: `middle` is a dilated or an asymmetric convolution. */
const regular = (e: Exporter, x: Name, middle: (y: Name) => Name): Name => {
  const inner = prelu(e, middle(prelu(e, conv(e, x, [8, 3, 1]), 3)), 3);
  // Dropout is left in by exporters that do not know that it does nothing.
  return prelu(e, add(e, e.node("Dropout", [conv(e, inner, [3, 8, 1])]), x), 8);
};

/** The transposed convolution of kernel 3 that doubles the size. */
const deconv = (e: Exporter, x: Name, from: number, to: number): Name => {
  const attributes = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] };
  return e.node("ConvTranspose", [x, e.weight([from, to, 3, 3], 0.3), e.weight([to], 0.1)], attributes);
};

/** Doubles the size: one branch unpooled, the other convolved. */
const up = (e: Exporter, x: Name, places: Name, like: Name): Name => {
  const main = unpool(e, conv(e, x, [8, 5, 1]), places, like);
  const branch = deconv(e, relu(e, conv(e, x, [8, 3, 1])), 3, 3);
  return relu(e, add(e, main, conv(e, relu(e, branch), [3, 5, 1])));
};

/** Paszke et al. (2016). */
const eNet = (e: Exporter, x: Name): Name => {
  const half = initial(e, x);
  const [quarter, places] = down(e, half);
  const dilated = regular(e, quarter, (y) => conv(e, y, [3, 3, 3], { dilation: 2 }));
  const asymmetric = regular(e, dilated, (y) => conv(e, conv(e, y, [3, 3, [5, 1]], { bias: false }), [3, 3, [1, 5]]));
  return deconv(e, up(e, asymmetric, places, half), 5, CLASSES);
};

/**
 * What torch.onnx makes of return_indices=True: places within each plane, which are a pooling's own less the first one of
 * the plane. A custom symbolic adds it again for MaxUnpool, whose places count through the whole tensor.
 */
const planePlaces = (e: Exporter, x: Name): Name => {
  const [pooled, places] = poolWithPlaces(e, x);
  const one = { kernel_shape: [1, 1], strides: [1, 1] };
  const [, every] = e.nodes("MaxPool", [x], one, 2);
  const bounds = [[0, 0], [1, 1], [2, 3]].map((v) => e.ints(...v)); // prettier-ignore
  const first = e.node("Slice", [every!, ...bounds]);
  const within = e.node("Sub", [places, first]);
  const again = unpool(e, pooled, add(e, within, first), x);
  return conv(e, add(e, again, x), [3, CLASSES, 3], { bias: false });
};

/** Space to depth by strided slices (YOLO's focus), depth to space by PixelShuffle. */
const shuffled = (e: Exporter, x: Name): Name => {
  const phase = (from: number, axis: number, v: Name) =>
    e.node("Slice", [v, ...[from, Number.MAX_SAFE_INTEGER, axis, 2].map((n) => e.ints(n))]);
  const phases = [0, 1].flatMap((dx) => [0, 1].map((dy) => phase(dx, 3, phase(dy, 2, x))));
  const deep = e.node("LeakyRelu", [conv(e, concat(e, phases), [12, 4 * CLASSES, 3])], { alpha: 0.1 });
  const scale = e.constant(tensorOf("float32", [1], [0.5]));
  return e.node("DepthToSpace", [e.node("Mul", [deep, scale])], { blocksize: 2, mode: "CRD" });
};

export const unpooling: readonly Miniature[] = [
  miniature("SegNet", segNet, { size: [15, 18], opset: 11 }),
  miniature("E-Net", eNet, { opset: 13 }),
  miniature("places of maxima as torch.onnx counts them", planePlaces, { size: [8, 8] }),
  miniature("strided slices and a pixel shuffle", shuffled),
];
