/** Two-dimensional deformable convolution (Dai et al. 2017, arXiv 1703.06211; Zhu et al. 2018, arXiv 1811.11168). */

import { sizeOf, tensorOf } from "../../tensor.ts";
import { OnnxError, describe, intOf } from "../graph.ts";
import { windowOf } from "../infer/window.ts";
import { required, type Value } from "../value.ts";
import type { Decompose } from "./rule.ts";

/**
 * y = W·(m ⊙ x(p + Δ)): one GridSample per group of offsets reads x at the positions p + Δ of all taps, and a 1×1 convolution sums
 * over channels and taps. Inputs: X [N, C, H, W], W, offset [N, g·K·2, oH, oW] with (y, x) for each of the K taps,
 * B, mask [N, g·K, oH, oW].
 */
export const DeformConv: Decompose = ({ op, node, inputs }) => {
  const [x, w, offset] = [0, 1, 2].map((i) => required(node, inputs, i)) as [Value, Value, Value];
  const [, , , bias, mask] = inputs;
  const [n = 0, channels = 0, ...spatial] = x.shape;
  if (spatial.length !== 2)
    throw new OnnxError(`over ${spatial.length} spatial axes is not supported, only 2`, describe(node));
  const { kernel, strides, dilations, pads } = windowOf(node, spatial, w.shape.slice(2));
  const groups = intOf(node, "offset_group", 1);
  const [taps, [oh = 0, ow = 0]] = [sizeOf(kernel), offset.shape.slice(2)];
  if (offset.shape[1] !== groups * taps * 2 || channels % groups !== 0)
    throw new OnnxError(
      `offsets [${offset.shape.join(", ")}] do not fit ${groups} groups of ${taps} taps`,
      describe(node),
    );
  const offsets = op.Reshape(offset, op.ints([n, groups, taps, 2, oh, ow]));
  const part = (v: Value, from: number, to: number, axis: number) =>
    op.Slice(v, op.ints([from]), op.ints([to]), op.ints([axis]));
  /** Positions along axis 0 (rows) or 1 in GridSample's coordinates, [N, K, oH, oW]; the borders of the image are at ±1. */
  const places = (group: number, axis: 0 | 1): Value => {
    const count = axis === 0 ? oh : ow;
    const base = Array.from({ length: taps * count }, (_, i) => {
      const tap = Math.floor(i / count);
      const k = axis === 0 ? Math.floor(tap / kernel[1]!) : tap % kernel[1]!;
      return (i % count) * strides[axis]! - pads[axis]! + k * dilations[axis]!;
    });
    const fixed = op.tensor(tensorOf(x.dtype, axis === 0 ? [1, taps, oh, 1] : [1, taps, 1, ow], base), "places");
    const own = op.Reshape(part(part(offsets, group, group + 1, 1), axis, axis + 1, 3), op.ints([n, taps, oh, ow]));
    const size = spatial[axis]!;
    const scaled = op.Mul(op.Add(own, fixed), op.constant(2 / size, x.dtype));
    return op.Add(scaled, op.constant(1 / size - 1, x.dtype));
  };
  const sampled = Array.from({ length: groups }, (_, group) => {
    const own = channels / groups;
    const [ys, xs] = [places(group, 0), places(group, 1)].map((v) => op.Reshape(v, op.ints([n, taps * oh, ow, 1])));
    const picture = groups === 1 ? x : part(x, group * own, (group + 1) * own, 1);
    const values = op.GridSample(picture, op.Concat(xs, ys, { axis: 3 }), { mode: "linear", padding_mode: "zeros" });
    const byTap = op.Reshape(values, op.ints([n, own, taps, oh, ow]));
    if (!mask) return byTap;
    const weights = op.Reshape(part(mask, group * taps, (group + 1) * taps, 1), op.ints([n, 1, taps, oh, ow]));
    return op.Mul(byTap, weights);
  });
  const all = groups === 1 ? sampled[0]! : op.Concat(...sampled, { axis: 1 });
  const columns = op.Reshape(all, op.ints([n, channels * taps, oh, ow]));
  const [outputs = 0, inside = 0] = w.shape;
  const weights = op.Reshape(w, op.ints([outputs, inside * taps, 1, 1]));
  return [op.Conv(columns, weights, bias ?? null, { group: intOf(node, "group", 1) })];
};
