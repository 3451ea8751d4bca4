/** SpaceToDepth and normalisations without a kernel. */

import type { Builder } from "../../onnx/build.ts";
import { floatOf, intOf, intsOf, type Node } from "../../onnx/graph.ts";
import { layerAxes } from "../../onnx/infer/normalization.ts";
import type { Value } from "../../onnx/value.ts";
import { dimensionsOf, sameShape, sizeOf } from "../../tensor.ts";
import { onFloats, type GpuRule } from "./rule.ts";

/** [N,C,H,W] to [N,b·b·C,H/b,W/b], the position in the block before the channel. */
export const SpaceToDepth: GpuRule = onFloats(({ op, node }, x) => {
  const [n, channels, height, width] = dimensionsOf(x, 4);
  const b = intOf(node, "blocksize", 1);
  const [h, w] = [height / b, width / b];
  const blocks = op.Reshape(x, op.ints([n * channels, h, b, w * b]));
  // Two transpositions of four axes each: the rows of the blocks, then the columns.
  const rows = op.Reshape(op.Transpose(blocks, { perm: [0, 2, 1, 3] }), op.ints([n * channels * b, h, w, b]));
  const columns = op.Reshape(op.Transpose(rows, { perm: [0, 3, 1, 2] }), op.ints([n, channels, b * b, h * w]));
  return op.Reshape(op.Transpose(columns, { perm: [0, 2, 1, 3] }), op.ints([n, b * b * channels, h, w]));
});

const perChannel = (op: Builder, v: Value, x: Value): Value =>
  op.Reshape(v, op.ints([v.shape[0]!, ...x.shape.slice(2).map(() => 1)]));

/** (x − μ)/√(σ² + ε) over the axes. */
const standardised = (op: Builder, x: Value, axes: readonly number[], epsilon: number): Value => {
  const mean = (v: Value): Value => op.ReduceMean(v, op.ints(axes), { keepdims: 1 });
  const centred = op.Sub(x, mean(x));
  return op.Div(centred, op.Sqrt(op.Add(mean(op.Mul(centred, centred)), op.constant(epsilon))));
};

/** x̂·γ + β, x̂ normalised over each group of channels. */
const normalisedBy =
  (groupsOf: (node: Node, x: Value) => number): GpuRule =>
  ({ op, node }, x, scale, bias) => {
    if (x?.dtype !== "float32" || !scale || !bias) return null;
    const groups = groupsOf(node, x);
    const rows = op.Reshape(x, op.ints([x.shape[0]! * groups, sizeOf(x.shape.slice(1)) / groups]));
    const normal = op.Reshape(standardised(op, rows, [1], floatOf(node, "epsilon", 1e-5)), op.ints(x.shape));
    return [op.Add(op.Mul(normal, perChannel(op, scale, x)), perChannel(op, bias, x))];
  };

export const GroupNormalization = normalisedBy((node) => intOf(node, "num_groups", 1));

/** Each channel is a group. The kernel of onnxruntime 1.30 is wrong for some sizes. */
export const InstanceNormalization = normalisedBy((_, x) => x.shape[1]!);

/** The kernel requires a scale and a bias with the shape of the normalised axes; it does not broadcast. */
export const LayerNormalization: GpuRule = ({ op, node }, x, scale, bias = null) => {
  if (x?.dtype !== "float32" || !scale || node.outputs.length > 1) return null;
  const axes = layerAxes(node, x);
  const inner = x.shape.slice(axes[0]);
  if (sameShape(scale.shape, inner) && (!bias || sameShape(bias.shape, inner))) return null;
  const scaled = op.Mul(standardised(op, x, axes, floatOf(node, "epsilon", 1e-5)), scale);
  return [bias ? op.Add(scaled, bias) : scaled];
};

/** (x − μ)/(√E(x − μ)² + 10⁻⁹), as in onnxruntime and in ONNX's function body. */
export const MeanVarianceNormalization: GpuRule = onFloats(({ op, node }, x) => {
  const axes = op.ints(intsOf(node, "axes", [0, 2, 3]));
  const centred = op.Sub(x, op.ReduceMean(x, axes, { keepdims: 1 }));
  const deviation = op.Sqrt(op.ReduceMean(op.Mul(centred, centred), axes, { keepdims: 1 }));
  return op.Div(centred, op.Add(deviation, op.constant(1e-9)));
});

/** x·(k + α/n·Σ x²)^−β, the sum over n neighbouring channels. */
export const LRN: GpuRule = onFloats(({ op, node }, x) => {
  const size = intOf(node, "size", 1);
  const before = Math.floor((size - 1) / 2);
  const [n, channels, ...spatial] = x.shape as [number, number, ...number[]];
  const squares = op.Reshape(op.Mul(x, x), op.ints([n, 1, channels, sizeOf(spatial)]));
  const pads = [before, 0, size - 1 - before, 0];
  const mean = op.AveragePool(squares, { kernel_shape: [size, 1], pads, count_include_pad: 1 });
  const scaled = op.Mul(op.Reshape(mean, op.ints(x.shape)), op.constant(floatOf(node, "alpha", 1e-4)));
  const factor = op.Add(scaled, op.constant(floatOf(node, "bias", 1)));
  return op.Mul(x, op.Pow(factor, op.constant(-floatOf(node, "beta", 0.75))));
});
