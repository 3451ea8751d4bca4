/** mmsegmentation: SegNeXt (Guo et al. 2022) and UPerNet (Xiao et al. 2018) on ConvNeXt (Liu et al. 2022). */

import type { Exporter, Name } from "./exporter.ts";
import {
  add,
  averagePool,
  batchNorm,
  concat,
  conv,
  convRelu,
  dimension,
  gelu,
  globalAveragePool,
  layerNorm,
  layerNorm2d,
  linear,
  mul,
  relu,
  reshape,
  resizeAs,
  resizeTo,
  spatialSize,
  transpose,
  unsqueeze,
} from "./layers.ts";
import { CLASSES, miniature, type Miniature } from "./miniature.ts";

const depthwise = (e: Exporter, x: Name, kernel: number | readonly [number, number]): Name =>
  conv(e, x, [4, 4, kernel], { groups: 4 });

/** Multi-scale convolutional attention: depthwise strips of 7 and 11 whose sum, mixed, multiplies the features. */
const convolutionalAttention = (e: Exporter, x: Name): Name => {
  const near = depthwise(e, x, 5);
  const strips = [7, 11].map((k) => depthwise(e, depthwise(e, near, [1, k]), [k, 1]));
  const mixed = conv(e, [near, ...strips].reduce((sum, v) => add(e, sum, v)), [4, 4, 1]); // prettier-ignore
  return mul(e, mixed, x);
};

/** x + s·f(BN(x)), with a learned scale per channel. */
const residual = (e: Exporter, x: Name, f: (y: Name) => Name): Name => {
  const scale = unsqueeze(e, unsqueeze(e, e.weight([4], 0.1, 0.5), -1), -1);
  return add(e, x, mul(e, scale, f(batchNorm(e, x, 4))));
};

const mscan = (e: Exporter, x: Name): Name => {
  const attended = residual(e, x, (y) => {
    const gated = convolutionalAttention(e, gelu(e, conv(e, y, [4, 4, 1])));
    return add(e, conv(e, gated, [4, 4, 1]), y);
  });
  return residual(e, attended, (y) => {
    const wide = conv(e, conv(e, y, [4, 8, 1]), [8, 8, 3], { groups: 8 });
    return conv(e, gelu(e, wide), [8, 4, 1]);
  });
};

/** a·numerator/(denominator + ε): a step of Lee and Seung (1999). */
const multiplicativeUpdate = (e: Exporter, a: Name, numerator: Name, denominator: Name): Name =>
  e.node("Div", [mul(e, a, numerator), add(e, denominator, e.float(1e-6))]);

/** Hamburger (Geng et al. 2021): x [B,D,N] ≈ bases [B,D,R] · coefficientsᵀ [B,R,N], factored by a few steps on each. */
const nonNegativeFactors = (e: Exporter, x: Name, steps: number): Name => {
  const matmul = (a: Name, b: Name) => e.node("MatMul", [a, b]);
  const transposed = (v: Name) => transpose(e, v, 0, 2, 1);
  let bases = e.node("Abs", [e.weight([1, 4, 3], 0.5, 0.2)]);
  let coefficients = e.node("Softmax", [matmul(transposed(x), bases)], { axis: -1 });
  const improved = () => {
    const denominator = matmul(coefficients, matmul(transposed(bases), bases));
    return multiplicativeUpdate(e, coefficients, matmul(transposed(x), bases), denominator);
  };
  for (let i = 0; i < steps; i++) {
    coefficients = improved();
    const denominator = matmul(bases, matmul(transposed(coefficients), coefficients));
    bases = multiplicativeUpdate(e, bases, matmul(x, coefficients), denominator);
  }
  return matmul(bases, transposed(improved()));
};

const hamburger = (e: Exporter, x: Name): Name => {
  const batch = dimension(e, x, 0);
  const [height, width] = [dimension(e, x, 2), dimension(e, x, 3)];
  const positive = convRelu(e, x, [8, 4, 1]);
  const factored = nonNegativeFactors(e, reshape(e, positive, batch, 4, mul(e, height, width)), 2);
  return relu(e, add(e, conv(e, reshape(e, factored, batch, 4, height, width), [4, 4, 1]), positive));
};

const segNeXt = (e: Exporter, x: Name): Name => {
  const s1 = mscan(e, gelu(e, batchNorm(e, conv(e, x, [3, 4, 3], { stride: 2 }), 4)));
  const s2 = conv(e, s1, [4, 4, 3], { stride: 2 });
  const merged = concat(e, [s1, resizeAs(e, s2, s1)]);
  return resizeAs(e, conv(e, hamburger(e, merged), [4, CLASSES, 1]), x);
};

/** ConvNeXt's block: depthwise 7×7, then LayerNorm and two linear layers with the channels last. */
const convNeXtBlock = (e: Exporter, x: Name): Name => {
  const last = transpose(e, depthwise(e, x, 7), 0, 2, 3, 1);
  const wide = gelu(e, linear(e, layerNorm(e, last, 4), 4, 8));
  const scaled = mul(e, e.weight([4], 0.1, 0.5), linear(e, wide, 8, 4));
  return add(e, x, transpose(e, scaled, 0, 3, 1, 2));
};

/** Features at a quarter and an eighth of the size. */
const convNeXt = (e: Exporter, x: Name): readonly [Name, Name] => {
  const patches = conv(e, x, [3, 4, 4], { stride: 4, padding: 0 });
  const s1 = convNeXtBlock(e, layerNorm2d(e, patches, 4));
  const down = conv(e, layerNorm2d(e, s1, 4), [4, 4, 2], { stride: 2, padding: 0 });
  return [s1, convNeXtBlock(e, down)].map((s) => layerNorm2d(e, s, 4)) as [Name, Name];
};

/** Pooled contexts of the deepest features, a top-down pyramid, all levels fused at the finest one's size. */
const uperNet = (e: Exporter, x: Name): Name => {
  const [c1, c2] = convNeXt(e, x);
  const contexts = [globalAveragePool(e, c2), averagePool(e, c2, 2)].map((v) =>
    resizeAs(e, convRelu(e, v, [4, 2, 1]), c2),
  );
  const p2 = convRelu(e, concat(e, [c2, ...contexts]), [8, 4, 3]);
  const size = spatialSize(e, c1);
  const p1 = convRelu(e, add(e, convRelu(e, c1, [4, 4, 1]), resizeTo(e, p2, size)), [4, 4, 3]);
  const fused = convRelu(e, concat(e, [p1, resizeTo(e, p2, size)]), [8, 4, 3]);
  return resizeAs(e, conv(e, fused, [4, CLASSES, 1]), x);
};

export const mmsegContext: readonly Miniature[] = [
  miniature("mmsegmentation SegNeXt", segNeXt),
  miniature("mmsegmentation UPerNet on ConvNeXt, LayerNorm in its parts", uperNet, { opset: 13 }),
  miniature("mmsegmentation UPerNet on ConvNeXt", uperNet, { opset: 20 }),
];
