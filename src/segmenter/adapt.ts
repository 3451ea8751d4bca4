/** Between a segmenter's own tensors, images and logits [1,C,h,w] in float32, and those that the network's file takes and gives. */

import type { Builder } from "../onnx/build.ts";
import { OnnxError } from "../onnx/graph.ts";
import type { Value } from "../onnx/value.ts";
import { tensorOf, type DType, type Size } from "../tensor.ts";
import { channelCount, ManifestError, type Manifest } from "./manifest.ts";
import type { Source } from "./source.ts";

type Layout = Manifest["input"]["layout"];

/** The shape of the network's input. */
export const inputShape = ({ input }: Pick<Manifest, "input">, { height, width }: Size): readonly number[] => {
  const count = channelCount(input.channels);
  const pixels = input.layout.endsWith("C") ? [height, width, count] : [count, height, width];
  return input.layout.startsWith("N") ? [1, ...pixels] : pixels;
};

/** Where an axis ("C", "H" or "W") of the network's input is. */
export const axisOf = (layout: Layout, axis: "C" | "H" | "W"): number => layout.indexOf(axis);

/**
 * round(x) as uint8, differentiated straight through: rounding counts as the identity (Bengio et al. 2013), as in a quantised network.
 * QuantizeLinear carries that gradient; by way of int16, because at the ends of uint8 it would count black and white as saturated,
 * where an attack starts from them. What is beyond them saturates.
 */
const rounded = (op: Builder, x: Value): Value => {
  const grey = op.Clip(x, op.constant(-0.49), op.constant(255.49));
  const zero = op.constant(0, "int16");
  return op.cast(op.QuantizeLinear(grey, op.constant(1), zero), "uint8");
};

/** The preprocessed image [1,C,h,w] as the network's input: in its layout, and rounded where it takes uint8. */
export const asInput = (op: Builder, x: Value, { input }: Pick<Manifest, "input">, dtype: DType): Value => {
  const typed = dtype === "uint8" ? rounded(op, x) : x;
  const ordered = input.layout.endsWith("C") ? op.Transpose(typed, { perm: [0, 2, 3, 1] }) : typed;
  return input.layout.startsWith("N") ? ordered : op.Squeeze(ordered, op.ints([0]));
};

const refused = (name: string, { shape }: Value, wanted: string, field = "output.name"): never => {
  throw new ManifestError(`"${name}" is [${shape.join(", ")}], not ${wanted}`, field);
};

/** The output as [N,C,h,w] of a batch of N. @throws ManifestError where the axes are not those of its layout. */
const planes = (op: Builder, y: Value, { name, axis }: Source, layout: string, batch: number): Value => {
  const rank = y.shape.length;
  if (axis === undefined) {
    if (layout.length !== rank) refused(name, y, layout === "HW" ? "[H, W]" : "[1, H, W]");
    return op.Unsqueeze(y, op.ints(layout === "HW" ? [0, 1] : [1]));
  }
  const at = axis < 0 ? axis + rank : axis;
  const [first, last] = [rank - 3, rank - 1];
  if ((rank !== 3 && rank !== 4) || (rank === 4 && y.shape[0] !== batch) || (at !== first && at !== last))
    refused(
      name,
      y,
      { NHWC: "[1, H, W, classes]", CHW: "[classes, H, W]", HWC: "[H, W, classes]" }[layout] ?? "[1, classes, H, W]",
    );
  const batched = rank === 4 ? y : op.Unsqueeze(y, op.ints([0]));
  return at === first ? batched : op.Transpose(batched, { perm: [0, 3, 1, 2] });
};

/** The map of labels as [1,1,h,w], whatever axes of one element it has. */
const labelPlane = (op: Builder, y: Value, { name }: Source): Value => {
  const [first, ...rest] = y.shape;
  const last = y.shape.at(-1);
  switch (y.shape.length) {
    case 2:
      return op.Unsqueeze(y, op.ints([0, 1]));
    case 3:
      if (first === 1) return op.Unsqueeze(y, op.ints([1]));
      if (last === 1) return op.Unsqueeze(op.Squeeze(y, op.ints([2])), op.ints([0, 1]));
      break;
    case 4:
      if (first === 1 && rest[0] === 1) return y;
      if (first === 1 && last === 1) return op.Transpose(y, { perm: [0, 3, 1, 2] });
      break;
  }
  return refused(name, y, "a map of labels, [1, H, W]; of logits or probabilities that is to be said", "output.kind");
};

/** So large that the class of a label has all the probability: labels have no confidence. */
const CERTAIN = 100;

/** Logits of labels: `CERTAIN` for the class, 0 for the others. What is no class is one more output, which is never scored. */
const oneHot = (op: Builder, labels: Value, classes: number): Value => {
  const iota = Array.from({ length: classes }, (_, i) => i);
  const indices = op.tensor(tensorOf("int32", [1, classes, 1, 1], iota), "classes");
  const hot = op.cast(op.Equal(op.cast(labels, "int32"), indices), "float32");
  const none = op.Sub(op.constant(1), op.ReduceSum(hot, op.ints([1]), { keepdims: 1 }));
  return op.Mul(op.Concat(hot, none, { axis: 1 }), op.constant(CERTAIN));
};

/** What float32 tells from 0 and from 1. */
const LEAST = 1e-30;
const BELOW_ONE = 1 - 2 ** -24;

/** ln p of a softmax; ln p − ln(1 − p) of a sigmoid. */
const logitsOfProbabilities = (op: Builder, p: Value, isSigmoid: boolean): Value => {
  if (!isSigmoid) return op.Log(op.Max(p, op.constant(LEAST)));
  const inside = op.Clip(p, op.constant(LEAST), op.constant(BELOW_ONE));
  return op.Sub(op.Log(inside), op.Log(op.Sub(op.constant(1), inside)));
};

/**
 * Independent sigmoids σ(z_k) with a threshold t, as logits of classes that exclude each other: 0 for the background and
 * z_k − ln(t/(1−t)) for channel k. Their argmax is the background where no σ(z_k) exceeds t, else the channel of the largest. Of one
 * channel and t = ½ the softmax is exactly (1 − σ(z), σ(z)).
 */
const withBackground = (op: Builder, z: Value, threshold: number): Value => {
  const [batch, , height, width] = z.shape as [number, number, number, number];
  const shift = Math.log(threshold / (1 - threshold));
  const over = shift === 0 ? z : op.Sub(z, op.constant(shift));
  const background = op.zeros({ dtype: z.dtype, shape: [batch, 1, height, width] });
  return op.Concat(background, over, { axis: 1 });
};

/**
 * The network's output as logits [N,C,h,w] in float32.
 *
 * @throws ManifestError where its shape is not the manifest's; OnnxError where its type carries no logits.
 */
export const asLogits = (op: Builder, y: Value, source: Source, { output, classes }: Manifest, batch = 1): Value => {
  if (source.kind === "labels") return oneHot(op, labelPlane(op, y, source), classes.length);
  if (y.dtype !== "float32" && y.dtype !== "float64")
    throw new OnnxError(`is ${y.dtype}; logits and probabilities are float`, `output "${source.name}"`);
  const values = op.cast(planes(op, y, source, output.layout ?? "NCHW", batch), "float32");
  const isSigmoid = output.activation === "sigmoid";
  const z = source.kind === "probabilities" ? logitsOfProbabilities(op, values, isSigmoid) : values;
  return isSigmoid ? withBackground(op, z, output.threshold ?? 0.5) : z;
};
