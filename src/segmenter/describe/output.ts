/** Which output is the segmentation and what it means, by what it gives on a picture. */

import type { Tensor } from "../../tensor.ts";
import { numbersOf, type Size } from "../../tensor.ts";
import { ManifestError, type Manifest } from "../manifest.ts";
import type { Described } from "./input.ts";

type Output = Manifest["output"];
type Layout = NonNullable<Output["layout"]>;

/** Outputs by name in the order of the file, which an object would not keep: names such as "626", as PyTorch gives, come first there. */
export type Outputs = readonly (readonly [name: string, values: Tensor])[];

/** A candidate: an output, and as what it can be read. */
export interface Candidate {
  readonly output: Output;
  /** Classes: the channels and, of sigmoids, the background; of labels, the largest label and one. */
  readonly count: number;
  readonly channels: number;
  readonly assumed: readonly string[];
}

/** Sides of the output to those of the input. */
const strideOf = (size: Size, height: number, width: number): number | null => {
  const [v, u] = [size.height / height, size.width / width];
  const stride = Math.max(1, Math.round(v));
  return v > 0.4 && v < 100 && Math.round(u) === Math.round(v) && Math.abs(v - u) < 0.35 * v ? stride : null;
};

/** The layouts that a shape may have, the likelier first. */
const layoutsOf = (shape: readonly number[]): readonly Layout[] => {
  if (shape.length === 4 && shape[0] === 1) return ["NCHW", "NHWC"];
  if (shape.length === 3) return shape[0] === 1 ? ["NHW", "CHW", "HWC"] : ["CHW", "HWC"];
  return shape.length === 2 ? ["HW"] : [];
};

interface Read {
  readonly layout: Layout;
  readonly stride: number;
  readonly channels: number;
}

const readingOf = (shape: readonly number[], size: Size): Read | undefined =>
  layoutsOf(shape)
    .flatMap((layout): Read[] => {
      const side = (axis: string) => shape[layout.indexOf(axis)] ?? 1;
      const stride = strideOf(size, side("H"), side("W"));
      return stride === null ? [] : [{ layout, stride, channels: layout.includes("C") ? side("C") : 1 }];
    })
    .toSorted((a, b) => a.stride - b.stride)[0];

/** Sums over the channels that are 1 to within float32, half precision or int8's scale. */
const TOLERANCE = 0.02;

/** Whether at each pixel the channels add up to 1. */
export const sumsToOne = (values: readonly number[], channels: number, last: boolean): boolean => {
  const pixels = values.length / channels;
  for (let i = 0; i < pixels; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += values[last ? i * channels + c : c * pixels + i]!;
    if (Math.abs(sum - 1) > TOLERANCE) return false;
  }
  return true;
};

/** `output.layout` is left out where it is the default. */
const said = (layout: Layout) => (layout === "NCHW" ? {} : { layout });

const candidateOf = (name: string, y: Tensor, size: Size, wanted: number | undefined): Candidate | undefined => {
  const reading = readingOf(y.shape, size);
  if (!reading) return undefined;
  const { layout, stride, channels } = reading;
  const values = numbersOf(y);
  const isFloat = y.dtype === "float32" || y.dtype === "float64" || y.dtype === "float16";
  const whole = values.every((v) => Number.isInteger(v) && v >= 0 && v <= 255);
  if (channels === 1 && (!isFloat || whole)) {
    const count = Math.max(2, values.reduce((a, b) => Math.max(a, b), 0) + 1);
    return { output: { name, kind: "labels", stride }, count, channels, assumed: [] };
  }
  if (!isFloat) return undefined;
  const within = values.every((v) => v >= -1e-6 && v <= 1 + 1e-6);
  const sums = channels > 1 && within && sumsToOne(values, channels, layout.endsWith("C"));
  const kind = within ? "probabilities" : "logits";
  const isSigmoid = channels === 1 || (within && !sums);
  const isEach = wanted === undefined || wanted === channels;
  const words =
    channels === 1
      ? `"${name}" has one channel, taken for the ${kind === "logits" ? "logit" : "probability"} of the foreground.`
      : isSigmoid
        ? `"${name}" lies within 0 and 1 and does not add up to 1, and is taken for ${channels} independent classes, behind a background where none exceeds ½.`
        : `"${name}" has ${channels} channels, taken for ${isEach ? `the ${kind} of as many classes` : kind}.`;
  return {
    output: { name, kind, ...said(layout), ...(isSigmoid && { activation: "sigmoid" as const }), stride },
    count: isSigmoid ? channels + 1 : channels,
    channels,
    assumed: [words],
  };
};

/**
 * Why maps beside such an output are of no classes. Networks that find objects give, for each of Q queries, scores of the classes beside
 * Q masks (DETR, MaskFormer), or boxes with scores and coefficients of k prototype masks (YOLACT, YOLO): [1, n, 4 + classes + k], either order.
 */
const objectsBeside = (channels: number, [batch, ...sides]: readonly number[]): string | undefined => {
  if (batch !== 1 || sides.length !== 2) return undefined;
  const [queries, width] = sides as [number, number];
  if (queries === channels && width > 1) return `masks of ${channels} queries, whose classes it scores`;
  return Math.min(queries, width) > channels + 4 ? `${channels} prototypes, which it combines for each box` : undefined;
};

/** @throws ManifestError where an output beside the map says that its channels are no classes. */
const requireClasses = ({ output, channels }: Candidate, outputs: Outputs): void => {
  for (const [name, { shape }] of outputs) {
    const what = channels > 1 ? objectsBeside(channels, shape) : undefined;
    if (what === undefined) continue;
    const found = `"${output.name}" looks like ${what}, by "${name}" [${shape.join(", ")}]: instances, not a class of each pixel`;
    const remedy = "export the network with a map of classes, or, if it is one, name it in a manifest (--manifest)";
    throw new ManifestError(`${found}; ${remedy}`, "output.name");
  }
};

/** Scores before labels, fine before coarse, then the first. */
const byWorth = (a: Candidate, b: Candidate): number =>
  Number(a.output.kind === "labels") - Number(b.output.kind === "labels") || a.output.stride - b.output.stride;

/**
 * @param wanted how many classes are scored, where that is known.
 * @throws ManifestError where no output is a map of the picture's shape.
 */
export const describeOutput = (outputs: Outputs, size: Size, wanted?: number): Described<Candidate> => {
  const candidates = outputs.flatMap(([name, y]) => candidateOf(name, y, size, wanted) ?? []);
  const [best, ...others] = candidates.toSorted(byWorth);
  if (!best) {
    const shapes = outputs.map(([name, { dtype, shape }]) => `"${name}" ${dtype} [${shape.join(", ")}]`);
    throw new ManifestError(
      `none is a map of scores [1, classes, H, W] or of labels [1, H, W] in the picture's shape (${size.width}×${size.height}): ${shapes.join(", ")}`,
      "output.name",
    );
  }
  requireClasses(best, outputs);
  const rest = others.map(({ output }) => `"${output.name}"`).join(", ");
  const chosen =
    rest === ""
      ? []
      : [`Of several outputs "${best.output.name}" is taken for the segmentation; there are also ${rest}.`];
  return { found: best, assumed: [...best.assumed, ...chosen] };
};
