/** Pooling of regions of interest: RoiAlign (He et al. 2017, arXiv 1703.06870) and MaxRoiPool (Girshick 2015, arXiv 1504.08083). */

import { numbersOf, sizeOf, tensorOf, type Tensor } from "../../tensor.ts";
import type { Builder } from "../build.ts";
import { OnnxError, describe, floatOf, intOf, intsOf, stringOf, type Node } from "../graph.ts";
import { constantInts, required, type Value } from "../value.ts";
import type { Decompose } from "./rule.ts";

/** Maximum number of elements of an intermediate tensor per axis, and of all pixels that a maximum is taken over. */
const MAX_ELEMENTS = 2 ** 24;

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

const requireBounded = (node: Node, elements: number): void => {
  if (elements <= MAX_ELEMENTS) return;
  throw new OnnxError(`its regions take ${elements} samples; at most ${MAX_ELEMENTS} are allowed`, describe(node));
};

/** @throws OnnxError for regions that depend on data. `why` says what requires them to be constant. */
const knownRegions = (node: Node, rois: Value, why: string): Tensor => {
  if (rois.constant) return rois.constant;
  throw new OnnxError(
    `its regions "${rois.name}" depend on data; ${why} is supported for constant ones`,
    describe(node),
  );
};

const requirePositive = (node: Node, sizes: Readonly<Record<string, number>>): void => {
  for (const [name, size] of Object.entries(sizes))
    if (!(size > 0)) throw new OnnxError(`${name} is ${size}, which must be at least 1`, describe(node));
};

const requireRegions = (node: Node, x: Value, rois: Value, columns: number): void => {
  if (x.shape.length !== 4 || rois.shape.length !== 2 || rois.shape[1] !== columns)
    throw new OnnxError(
      `x [${x.shape.join(", ")}] and regions [${rois.shape.join(", ")}] must be [N, C, H, W] and [R, ${columns}]`,
      describe(node),
    );
};

/** @throws OnnxError for an index of no image in the batch. */
const checkedBatches = (node: Node, batches: readonly number[], count: number): readonly number[] => {
  const stray = batches.find((b) => !(b >= 0 && b < count));
  if (stray === undefined) return batches;
  throw new OnnxError(`a region is in image ${stray} of ${count}`, describe(node));
};

/** Where along one axis the regions lie: first coordinate and bin size, each [R, 1, 1]. */
interface Extent {
  readonly start: Value;
  readonly bin: Value;
  readonly bins: number;
  /** Size of the image along the axis. */
  readonly size: number;
}

/** Sample offsets in a bin, in units of the bin, and their weights; both [R or 1, 1, S]. */
interface Samples {
  readonly offsets: Value;
  readonly weights: Value;
  readonly count: number;
}

interface Align {
  readonly op: Builder;
  readonly node: Node;
  readonly x: Value;
  readonly rois: Value;
  readonly bins: readonly [number, number];
  readonly scale: number;
  readonly isHalfPixel: boolean;
  /** Samples per bin and axis; 0 for ⌈size of the bin⌉. */
  readonly ratio: number;
}

const extentOf = ({ op, x, rois, bins, scale, isHalfPixel }: Align, axis: 0 | 1): Extent => {
  const column = (k: number): Value => {
    const raw = op.Slice(rois, op.ints([k]), op.ints([k + 1]), op.ints([1]));
    const scaled = op.Mul(op.Reshape(raw, op.ints([rois.shape[0]!, 1, 1])), op.constant(scale, rois.dtype));
    return isHalfPixel ? op.Sub(scaled, op.constant(0.5, rois.dtype)) : scaled;
  };
  const [start, end] = [column(1 - axis), column(3 - axis)];
  const length = op.Sub(end, start);
  const least = isHalfPixel ? length : op.Max(length, op.constant(1, rois.dtype));
  const bin = op.Mul(least, op.constant(1 / bins[axis], rois.dtype));
  return { start, bin, bins: bins[axis], size: x.shape[2 + axis]! };
};

/** S fixed samples per bin, or ⌈bin⌉ for each region, padded with samples of weight 0. */
const samplesOf = ({ op, node, rois, ratio }: Align, { bin, bins }: Extent): Samples => {
  const regions = rois.shape[0]!;
  const counts =
    ratio > 0
      ? [ratio]
      : numbersOf(knownRegions(node, bin, "sampling_ratio 0")).map((size) => Math.max(Math.ceil(size), 0));
  const count = Math.max(1, ...counts);
  requireBounded(node, regions * bins * count);
  const table = (of: (s: number, own: number) => number): Value =>
    op.tensor(
      tensorOf(rois.dtype, [counts.length, 1, count], counts.flatMap((own) => range(count).map((s) => of(s, own)))), // prettier-ignore
      "samples",
    );
  const offsets = table((s, own) => (s + 0.5) / Math.max(own, 1));
  const weights = table((s, own) => (s < own ? 1 / own : 0));
  return { offsets, weights, count };
};

/**
 * The weight of each pixel in each bin along one axis, [R, bins, D]: the mean over a bin's samples p of max(0, 1 − |p̂ − i|) at pixel
 * i, with p̂ the sample clamped to the image; 0 for samples outside −1..D.
 */
const weightsAlong = (align: Align, axis: 0 | 1): Value => {
  const { op, node, rois } = align;
  const extent = extentOf(align, axis);
  const { start, bin, bins, size } = extent;
  const { offsets, weights, count } = samplesOf(align, extent);
  const regions = rois.shape[0]!;
  requireBounded(node, regions * bins * count * size);
  const at = (v: number) => op.constant(v, rois.dtype);
  const bases = op.tensor(tensorOf(rois.dtype, [1, bins, 1], range(bins)), "bins");
  const places = op.Add(start, op.Mul(bin, op.Add(bases, offsets)));
  const isInside = op.And(op.GreaterOrEqual(places, at(-1)), op.LessOrEqual(places, at(size)));
  const own = op.Mul(op.cast(isInside, rois.dtype), weights);
  const clamped = op.Reshape(op.Clip(places, at(0), at(size - 1)), op.ints([regions, bins, count, 1]));
  const pixels = op.tensor(tensorOf(rois.dtype, [1, 1, 1, size], range(size)), "pixels");
  const hats = op.Relu(op.Sub(at(1), op.Abs(op.Sub(clamped, pixels))));
  return op.ReduceSum(op.Mul(hats, op.Reshape(own, op.ints([regions, bins, count, 1]))), op.ints([2]), { keepdims: 0 });
};

/**
 * The mean over the samples of a bin is separable: y[r, c] = Aᵧ[r]·x[b(r), c]·Aₓ[r]ᵀ. It is differentiable in x and in the regions.
 * Inputs: X [N, C, H, W], rois [R, 4] as (x1, y1, x2, y2), batch_indices [R].
 */
export const RoiAlign: Decompose = ({ op, node, inputs, opset }) => {
  const [x, rois, indices] = [0, 1, 2].map((i) => required(node, inputs, i)) as [Value, Value, Value];
  requireRegions(node, x, rois, 4);
  const [output_height, output_width] = [intOf(node, "output_height", 1), intOf(node, "output_width", 1)];
  requirePositive(node, { output_height, output_width });
  if (stringOf(node, "mode", "avg") !== "avg")
    throw new OnnxError('mode "max" is not supported, only "avg"', describe(node));
  const align: Align = {
    op,
    node,
    x,
    rois,
    bins: [output_height, output_width],
    scale: floatOf(node, "spatial_scale", 1),
    // The attribute and its default came with opset 16.
    isHalfPixel: opset >= 16 && stringOf(node, "coordinate_transformation_mode", "half_pixel") === "half_pixel",
    ratio: intOf(node, "sampling_ratio", 0),
  };
  const regions = rois.shape[0]!;
  const [rows, columns] = ([0, 1] as const).map((axis) => weightsAlong(align, axis)) as [Value, Value];
  if (indices.constant) checkedBatches(node, constantInts(node, indices), x.shape[0]!);
  const images = x.shape[0] === 1 ? x : op.Gather(x, indices, { axis: 0 });
  const across = op.Reshape(
    op.Transpose(columns, { perm: [0, 2, 1] }),
    op.ints([regions, 1, x.shape[3]!, output_width]),
  );
  const down = op.Reshape(rows, op.ints([regions, 1, output_height, x.shape[2]!]));
  return [op.MatMul(op.MatMul(down, images), across)];
};

/** As C's round: halves away from zero. */
const rounded = (v: number): number => Math.sign(v) * Math.round(Math.abs(v));

/** The pixels of each bin of a region from `from` to `to` along an axis of `size` pixels, in single precision as in onnxruntime. */
const binsOf = (from: number, to: number, bins: number, size: number): number[][] => {
  const bin = Math.fround(Math.max(to - from + 1, 1) / bins);
  const within = (v: number) => Math.min(Math.max(v + from, 0), size);
  return range(bins).map((i) => {
    const first = within(Math.floor(Math.fround(i * bin)));
    const end = within(Math.ceil(Math.fround((i + 1) * bin)));
    return range(Math.max(end - first, 0)).map((k) => first + k);
  });
};

/**
 * The maximum over the pixels of each bin of a region, 0 for an empty bin: one Gather, in which shorter bins repeat a pixel, and one
 * ReduceMax. Inputs: X [N, C, H, W], rois [R, 5] as (image, x1, y1, x2, y2), which must be constant: bins are rounded to pixels, so
 * that the regions have no derivative.
 */
export const MaxRoiPool: Decompose = ({ op, node, inputs }) => {
  const [x, rois] = [required(node, inputs, 0), required(node, inputs, 1)];
  requireRegions(node, x, rois, 5);
  const bins = intsOf(node, "pooled_shape", []);
  if (bins.length !== 2) throw new OnnxError("pooled_shape must be two numbers", describe(node));
  requirePositive(node, { "pooled_shape[0]": bins[0]!, "pooled_shape[1]": bins[1]! });
  const scale = Math.fround(floatOf(node, "spatial_scale", 1));
  const [images = 0, channels = 0, height = 0, width = 0] = x.shape;
  const corners = numbersOf(knownRegions(node, rois, "MaxRoiPool"));
  const regions = rois.shape[0]!;
  requireBounded(node, regions * sizeOf(bins));
  checkedBatches(node, range(regions).map((r) => corners[5 * r]!), images); // prettier-ignore
  const pixels: number[][] = range(regions).flatMap((r) => {
    const [image, x1, y1, x2, y2] = range(5).map((i) =>
      i === 0 ? corners[5 * r]! : rounded(Math.fround(corners[5 * r + i]! * scale)),
    ) as [number, number, number, number, number];
    const columns = binsOf(x1, x2, bins[1]!, width);
    return binsOf(y1, y2, bins[0]!, height).flatMap((rows) =>
      columns.map((own) => rows.flatMap((i) => own.map((j) => (image * height + i) * width + j))),
    );
  });
  const most = Math.max(1, ...pixels.map((own) => own.length));
  requireBounded(node, pixels.length * most);
  const places = pixels.flatMap((own) => range(most).map((k) => own[Math.min(k, own.length - 1)] ?? 0));
  const flat = op.Reshape(op.Transpose(x, { perm: [1, 0, 2, 3] }), op.ints([channels, images * height * width]));
  const gathered = op.Gather(flat, op.tensor(tensorOf("int64", [pixels.length, most], places), "pixels"), { axis: 1 });
  const maxima = op.ReduceMax(gathered, op.ints([2]), { keepdims: 0 });
  const filled = op.tensor(tensorOf(x.dtype, [1, pixels.length], pixels.map((own) => Number(own.length > 0))), "filled"); // prettier-ignore
  const byChannel = op.Reshape(op.Mul(maxima, filled), op.ints([channels, regions, ...bins]));
  return [op.Transpose(byChannel, { perm: [1, 0, 2, 3] })];
};
