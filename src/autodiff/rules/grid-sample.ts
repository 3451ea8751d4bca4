/**
 * GridSample (Jaderberg et al. 2015, spatial transformers). Each output position reads the image at a few taps, whose weights
 * are products of one weight per axis. The gradient by the image adds dy·weight at each tap; the gradient by the grid follows from
 * the derivatives of the weights.
 */

import { sizeOf, stridesOf, tensorOf } from "../../tensor.ts";
import type { Builder } from "../../onnx/build.ts";
import { intOf, stringOf, type Node } from "../../onnx/graph.ts";
import { gridSampleMode } from "../../onnx/infer/grid-sample.ts";
import type { Value } from "../../onnx/value.ts";
import { unsupportedForm, type Vjp, type VjpContext, type VjpRule } from "../rule.ts";

type SampleContext = Pick<VjpContext, "op" | "node">;

/** A tap along one axis, for each grid position [N·P]: its pixel index, its weight, and ∂ weight/∂ coordinate. */
interface Tap {
  readonly position: Value;
  readonly weight: Value;
  readonly slope: Value;
}

/** Parameter of Keys' cubic kernel (1981), and its coefficients in the distance, highest power first: below one pixel, and from one to two. */
const A = -0.75;
const NEAR: readonly number[] = [A + 2, -A - 3, 0, 1];
const FAR: readonly number[] = [A, -5 * A, 8 * A, -4 * A];

const derivative = (coefficients: readonly number[]): readonly number[] =>
  coefficients.slice(0, -1).map((c, i) => c * (coefficients.length - 1 - i));

/** Horner's scheme. */
const polynomial = (op: Builder, x: Value, [first = 0, ...rest]: readonly number[]): Value =>
  rest.reduce((sum, c) => op.Add(op.Mul(sum, x), op.constant(c, x.dtype)), op.constant(first, x.dtype));

/** @param sign the derivative of `distance`, from the tap to the coordinate, by the coordinate. */
const cubicTap = (op: Builder, position: Value, distance: Value, kernel: readonly number[], sign: 1 | -1): Tap => {
  const slope = polynomial(op, distance, derivative(kernel));
  return { position, weight: polynomial(op, distance, kernel), slope: sign > 0 ? slope : op.Neg(slope) };
};

/** The taps at pixel coordinate `x`, in the unbounded plane. */
const tapsAt = ({ op, node }: SampleContext, x: Value): readonly Tap[] => {
  const c = (value: number) => op.constant(value, x.dtype);
  const mode = gridSampleMode(node);
  if (mode === "nearest") return [{ position: op.Round(x), weight: c(1), slope: c(0) }];
  const base = op.Floor(x);
  const t = op.Sub(x, base);
  const after = (k: number) => op.Add(base, c(k));
  const rest = op.Sub(c(1), t);
  switch (mode) {
    case "linear":
      return [
        { position: base, weight: rest, slope: c(-1) },
        { position: after(1), weight: t, slope: c(1) },
      ];
    case "cubic":
      return [
        cubicTap(op, after(-1), op.Add(t, c(1)), FAR, 1),
        cubicTap(op, base, t, NEAR, 1),
        cubicTap(op, after(1), rest, NEAR, -1),
        cubicTap(op, after(2), op.Add(rest, c(1)), FAR, -1),
      ];
    default:
      return unsupportedForm(node, `mode ${mode}`);
  }
};

const aligned = (node: Node): boolean => intOf(node, "align_corners", 0) === 1;

/** The tap moved into 0 … size − 1 by padding_mode: outside the image it has weight zero, reads the border, or reads the reflected pixel. */
const inside = ({ op, node }: SampleContext, { position, weight, slope }: Tap, size: number): Tap => {
  const c = (value: number) => op.constant(value, position.dtype);
  const clamped = op.Clip(position, c(0), c(size - 1));
  const padding = stringOf(node, "padding_mode", "zeros");
  switch (padding) {
    case "border":
      return { position: clamped, weight, slope };
    case "zeros": {
      const isInside = op.Equal(position, clamped);
      return { position: clamped, weight: op.Where(isInside, weight, c(0)), slope: op.Where(isInside, slope, c(0)) };
    }
    case "reflection": {
      // Reflection at the centres of the border pixels, or at their outer edges, which repeats the border pixel.
      const last = aligned(node) ? 2 * (size - 1) : 2 * size - 1;
      const period = c(Math.max(aligned(node) ? last : last + 1, 1));
      const folded = op.Sub(position, op.Mul(period, op.Floor(op.Div(position, period))));
      return { position: op.Min(folded, op.Sub(c(last), folded)), weight, slope };
    }
    default:
      return unsupportedForm(node, `padding_mode ${padding}`);
  }
};

/** ∂ pixel/∂ grid along an axis: −1 and 1 are the centres of the border pixels (align_corners), or their outer edges. */
const unit = (node: Node, size: number): number => (aligned(node) ? size - 1 : size) / 2;

/** The taps of each spatial axis of x; the grid lists the last axis first. */
const axisTaps = (context: SampleContext, x: Value, grid: Value): (readonly Tap[])[] => {
  const { op, node } = context;
  const sizes = x.shape.slice(2);
  const flat = op.Reshape(grid, op.ints([sizeOf(grid.shape) / sizes.length, sizes.length]));
  return sizes.map((size, axis) => {
    const g = op.Gather(flat, op.constant(sizes.length - 1 - axis, "int64"), { axis: 1 });
    // The centre of the image is at (size − 1)/2 in either case.
    const scaled = op.Mul(g, op.constant(unit(node, size), g.dtype));
    const pixel = op.Add(scaled, op.constant((size - 1) / 2, g.dtype));
    return tapsAt(context, pixel).map((tap) => inside(context, tap, size));
  });
};

/** The Cartesian product of the axes' taps. */
const combinations = (axes: readonly (readonly Tap[])[]): (readonly Tap[])[] =>
  axes.reduce<(readonly Tap[])[]>((all, taps) => all.flatMap((c) => taps.map((tap) => [...c, tap])), [[]]);

/** The row index [N·P] into [N·D₁ … Dₙ, C] that one combination of taps reads. */
const rowsOf = (op: Builder, x: Value, grid: Value, taps: readonly Tap[]): Value => {
  const [batch = 1, , ...sizes] = x.shape;
  const strides = stridesOf(sizes);
  const places = sizeOf(grid.shape.slice(1, -1));
  const offset = tensorOf(
    "int64",
    [batch * places],
    Array.from({ length: batch * places }, (_, i) => Math.floor(i / places) * sizeOf(sizes)),
  );
  return taps.reduce(
    (sum, { position }, axis) => op.Add(sum, op.Mul(op.cast(position, "int64"), op.constant(strides[axis]!, "int64"))),
    op.tensor(offset, "batch_offsets"),
  );
};

const product = (op: Builder, factors: readonly Value[]): Value => factors.reduce((a, b) => op.Mul(a, b));

/** [N, C, …] as [N·…, C]. */
const asRows = (op: Builder, v: Value): Value => {
  const perm = v.shape.map((_, i) => (i === 0 ? 0 : i === v.shape.length - 1 ? 1 : i + 1));
  return op.Reshape(op.Transpose(v, { perm }), op.ints([sizeOf(v.shape) / v.shape[1]!, v.shape[1]!]));
};

const column = (op: Builder, v: Value): Value => op.Unsqueeze(v, op.ints([1]));

/** dx[tap] += dy·weight, one combination of taps after the other. */
const image: Vjp = (dy, context, x, grid) => {
  const { op } = context;
  const rows = asRows(op, dy);
  const [batch = 1, channels = 1, ...sizes] = x.shape;
  const zeros = op.zeros({ dtype: dy.dtype, shape: [batch * sizeOf(sizes), channels] });
  const scattered = combinations(axisTaps(context, x, grid)).reduce((sum, taps) => {
    const weight = product(
      op,
      taps.map((tap) => tap.weight),
    );
    const weighted = op.Mul(rows, weight.shape.length === 0 ? weight : column(op, weight));
    return op.ScatterND(sum, column(op, rowsOf(op, x, grid, taps)), weighted, { reduction: "add" });
  }, zeros);
  const rank = x.shape.length;
  const perm = x.shape.map((_, i) => (i === 0 ? 0 : i === 1 ? rank - 1 : i - 1));
  return op.Transpose(op.Reshape(scattered, op.ints([batch, ...sizes, channels])), { perm });
};

/** y = Σ weight·x[tap] over the combinations of taps: GridSample by its definition. */
export const sampled = (context: SampleContext, x: Value, grid: Value): Value => {
  const { op } = context;
  const pixels = asRows(op, x);
  const terms = combinations(axisTaps(context, x, grid)).map((taps) => {
    const weight = product(
      op,
      taps.map((tap) => tap.weight),
    );
    const read = op.Gather(pixels, rowsOf(op, x, grid, taps), { axis: 0 });
    return op.Mul(read, weight.shape.length === 0 ? weight : column(op, weight));
  });
  const rows = terms.reduce((a, b) => op.Add(a, b));
  const rank = x.shape.length;
  const spread = op.Reshape(rows, op.ints([x.shape[0]!, ...grid.shape.slice(1, -1), x.shape[1]!]));
  return op.Transpose(spread, { perm: x.shape.map((_, i) => (i === 0 ? 0 : i === 1 ? rank - 1 : i - 1)) });
};

/** dg along an axis = unit·Σ slope·(weights of the other axes)·⟨dy, x[tap]⟩ over the combinations of taps, ⟨·, ·⟩ over the channels. */
const places: Vjp = (dy, context, x, grid) => {
  const { op, node } = context;
  if (gridSampleMode(node) === "nearest") return op.zeros(grid);
  const [rows, pixels] = [asRows(op, dy), asRows(op, x)];
  const sizes = x.shape.slice(2);
  const perTap = combinations(axisTaps(context, x, grid)).map((taps) => {
    const read = op.Gather(pixels, rowsOf(op, x, grid, taps), { axis: 0 });
    const inner = op.ReduceSum(op.Mul(read, rows), op.ints([1]), { keepdims: 0 });
    return sizes.map((_, axis) =>
      product(op, [inner, ...taps.map((tap, other) => (other === axis ? tap.slope : tap.weight))]),
    );
  });
  const perAxis = sizes.map((size, axis) => {
    const sum = perTap.map((d) => d[axis]!).reduce((a, b) => op.Add(a, b));
    return column(op, op.Mul(sum, op.constant(unit(node, size), sum.dtype)));
  });
  return op.Reshape(op.Concat(...perAxis.toReversed(), { axis: 1 }), op.ints(grid.shape));
};

export const GridSample: VjpRule = [image, places];
