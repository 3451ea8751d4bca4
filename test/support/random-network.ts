/** Random small networks for bounds: every operator that has a bound rule, in random order, on images [N,3,8,8]. */

import type { Builder } from "../../src/onnx/build.ts";
import type { Value } from "../../src/onnx/value.ts";
import { between, chance, integer, normal, pick, random, type Random } from "../../src/random.ts";
import { sizeOf, tensorOf } from "../../src/tensor.ts";

/** Appends a layer to `x`; null where it does not fit. */
export type Layer = (op: Builder, x: Value, next: Random) => Value | null;

const weights = (op: Builder, next: Random, shape: readonly number[], gain: number, mean = 0): Value =>
  op.tensor(
    tensorOf(
      "float32",
      shape,
      Array.from({ length: sizeOf(shape) }, () => mean + gain * normal(next)),
    ),
    "w",
  );

const channelsOf = ({ shape }: Value): number => shape[1]!;
const sideOf = ({ shape }: Value): number => shape[2]!;

const convolution: Layer = (op, x, next) => {
  const c = channelsOf(x);
  const group = chance(next, 0.2) ? c : 1;
  const out = group > 1 ? c : integer(next, 2, 4);
  const [kernel, dilation] = pick(next, [[1, 1], [2, 1], [3, 1], [3, 2]] as const); // prettier-ignore
  const pad = kernel === 3 ? dilation : 0;
  if (kernel === 2 && Math.min(sideOf(x), x.shape[3]!) < 4) return null;
  const gain = 1 / Math.sqrt((c / group) * kernel ** 2);
  return op.Conv(x, weights(op, next, [out, c / group, kernel, kernel], gain), weights(op, next, [out], 0.3), {
    pads: [pad, pad, pad, pad],
    dilations: [dilation, dilation],
    strides: kernel === 3 && chance(next, 0.2) ? [2, 2] : [1, 1],
    group,
  });
};

const doubled: Layer = (op, x, next) =>
  sideOf(x) > 8
    ? null
    : op.ConvTranspose(x, weights(op, next, [channelsOf(x), 3, 3, 3], 0.25), weights(op, next, [3], 0.2), {
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        output_padding: chance(next, 0.5) ? [1, 1] : [0, 0],
      });

const normalised: Layer = (op, x, next) => {
  const c = [channelsOf(x)];
  const variance = tensorOf(
    "float32",
    c,
    Array.from({ length: c[0]! }, () => between(next, 0.3, 2)),
  );
  const [scale, bias, mean] = [1, 0.2, 0.2].map((gain) => weights(op, next, c, gain));
  return op.BatchNormalization(x, scale, bias, mean, op.tensor(variance, "variance"));
};

/** Of any sign, and above 1. */
const prelu: Layer = (op, x, next) => op.PRelu(x, weights(op, next, [channelsOf(x), 1, 1], 0.8, 0.3));

const pooled: Layer = (op, x, next) => {
  if (sideOf(x) < 5) return null;
  if (chance(next, 0.4)) return op.MaxPool(x, { kernel_shape: [2, 2], strides: [2, 2] });
  return op.MaxPool(x, { kernel_shape: [3, 3], strides: pick(next, [[1, 1], [2, 2]]), pads: [1, 1, 1, 1] }); // prettier-ignore
};

/** Pools, convolves, and puts back where the maxima were; often behind a Relu, which leaves windows of equal zeros. */
const unpooled: Layer = (op, x, next) => {
  if (sideOf(x) < 4) return null;
  const before = chance(next, 0.5) ? op.Relu(x) : x;
  const [y, places] = op.append("MaxPool", [before], { kernel_shape: [2, 2], strides: [2, 2] }, 2) as [Value, Value];
  const c = channelsOf(x);
  const inner = op.Conv(y, weights(op, next, [c, c, 1, 1], 0.6), weights(op, next, [c], 0.5));
  return op.MaxUnpool(inner, places, op.ints(x.shape), { kernel_shape: [2, 2], strides: [2, 2] });
};

const averaged: Layer = (op, x, next) =>
  op.AveragePool(x, { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: integer(next, 0, 1) });

const resized: Layer = (op, x, next) => {
  const side = integer(next, 4, 11);
  return op.Resize(x, null, null, op.ints([...x.shape.slice(0, 2), side, side + 1]), {
    mode: pick(next, ["linear", "nearest"]),
    coordinate_transformation_mode: pick(next, ["half_pixel", "align_corners", "asymmetric"]),
  });
};

const padded: Layer = (op, x, next) => {
  const mode = pick(next, ["constant", "edge", "reflect"]);
  if (sideOf(x) > 12 || x.shape[3]! < 4) return null;
  const pads = op.ints([0, 0, 1, 0, 0, 0, 0, 2]);
  return op.Pad(x, pads, mode === "constant" ? op.constant(0.7) : null, { mode });
};

const sliced: Layer = (op, x) =>
  sideOf(x) < 6 || x.shape[3]! < 6
    ? null
    : op.Slice(x, op.ints([1, 0]), op.ints([100, -1]), op.ints([2, 3]), op.ints([1, 2]));

/** Beside a branch of its own, and a constant. */
const branched: Layer = (op, x, next) => {
  const c = channelsOf(x);
  const side = op.Relu(op.Conv(x, weights(op, next, [c, c, 1, 1], 0.6), weights(op, next, [c], 0.3)));
  if (chance(next, 0.4)) return op.Add(x, side);
  if (chance(next, 0.3)) return op.Add(x, op.append("GlobalMaxPool", [side], {})[0]);
  const zeros = op.Expand(op.constant(0.5), op.ints([x.shape[0]!, 1, ...x.shape.slice(2)]));
  return c > 4 ? op.Sub(side, x) : op.Concat(x, side, zeros, { axis: 1 });
};

const scaled: Layer = (op, x, next) => {
  const factors = weights(op, next, [channelsOf(x), 1, 1], 1);
  return pick(next, [
    () => op.Mul(factors, x),
    () => op.Div(x, op.constant(-1.7)),
    () => op.Sub(factors, x),
    () => op.MatMul(x, weights(op, next, [x.shape[3]!, 5], 0.4)),
    () => op.Neg(x),
  ])();
};

/** Of the whole image: a value of each channel, broadcast or copied to all pixels. */
const context: Layer = (op, x, next) => {
  const axes = op.ints([2, 3]);
  const mean = pick(next, [
    () => op.GlobalAveragePool(x),
    () => op.ReduceMean(x, axes, { keepdims: 1 }),
    () => op.Mul(op.append("ReduceSum", [x, axes], { keepdims: 1 })[0], op.constant(0.05)),
  ])();
  return pick(next, [
    () => op.Add(x, mean),
    () => op.append("Sum", [x, mean, op.constant(0.3)], {})[0]!,
    () => op.Sub(op.Expand(mean, op.ints(x.shape)), x),
    () => op.Add(op.Tile(mean, op.ints([1, 1, ...x.shape.slice(2)])), x),
  ])();
};

const rearranged: Layer = (op, x, next) => {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  if (c === 4 && chance(next, 0.5)) return op.DepthToSpace(x, { blocksize: 2, mode: pick(next, ["DCR", "CRD"]) });
  if (h % 2 === 0 && w % 2 === 0 && c < 3) return op.SpaceToDepth(x, { blocksize: 2 });
  const there = op.Transpose(x, { perm: [0, 2, 3, 1] });
  const flat = pick(next, [
    () => op.Reshape(there, op.ints([n, h * w, c])),
    () => op.Squeeze(op.Reshape(op.Flatten(there), op.ints([n, 1, h * w, c])), op.ints([1])),
    () => op.append("Dropout", [op.Identity(op.Reshape(there, op.ints([n, h * w, c])))], {})[0]!,
  ])();
  const back = op.Transpose(op.Reshape(op.Unsqueeze(flat, op.ints([1])), op.ints([n, h, w, c])), {
    perm: [0, 3, 1, 2],
  });
  return op.Gather(back, op.ints([c - 1, 0, 0]), { axis: 1 });
};

const activations: readonly Layer[] = [
  (op, x) => op.Relu(x),
  (op, x) => op.LeakyRelu(x, { alpha: 0.2 }),
  prelu,
  (op, x) => op.Clip(x, op.constant(-0.3), op.constant(1)),
  (op, x) => op.Sigmoid(x),
  (op, x) => op.Tanh(x),
  (op, x) => op.HardSwish(x),
  (op, x) => op.HardSigmoid(x),
  (op, x) => op.Abs(x),
  (op, x) => op.Max(x, op.Neg(x), op.constant(0.1)),
];

const affine: readonly Layer[] = [
  convolution,
  doubled,
  normalised,
  averaged,
  resized,
  padded,
  sliced,
  scaled,
  context,
  rearranged,
];

/** The layers that are not affine. */
export const curvedLayers: readonly Layer[] = [...activations, pooled, unpooled, branched];

/** Which network: a deep one of random layers, one of affine layers alone, or a curved layer, and for odd seeds a Relu before it, between convolutions of kernel 1. */
export type Kind = "deep" | "affine" | Layer;

const pointwise: Layer = (op, x, next) =>
  op.Conv(x, weights(op, next, [3, channelsOf(x), 1, 1], 0.7), weights(op, next, [3], 0.3));

/** Appends a network to images [N,3,8,8]: the same one for the same seed, whatever N is. */
export const randomNetwork = (op: Builder, image: Value, seed: number, kind: Kind): Value => {
  const next = random(seed);
  if (typeof kind === "function") {
    const first = pointwise(op, image, next)!;
    const inner = seed % 2 === 1 ? pointwise(op, op.Relu(first), next)! : first;
    return pointwise(op, kind(op, inner, next)!, next)!;
  }
  let x = image;
  for (let count = integer(next, 3, 6); count > 0; count--) {
    const few = activations.slice(0, chance(next, 0.6) ? 3 : undefined);
    const curved = chance(next, 0.6) ? pick(next, few) : pick(next, [pooled, unpooled, branched]);
    x = pick(next, affine)(op, x, next) ?? x;
    x = convolution(op, x, next) ?? x;
    if (kind === "deep") x = curved(op, x, next) ?? x;
  }
  return pointwise(op, x, next)!;
};
