/** What a network's file tells of its input: which it is, its layout, its channels, the sizes that it takes, and preprocessing inside. */

import { createBuilder } from "../../onnx/build.ts";
import {
  OnnxError,
  UnknownOperatorError,
  intsOf,
  type Dimension,
  type Graph,
  type Model,
  type Node,
} from "../../onnx/graph.ts";
import { load } from "../../onnx/load.ts";
import { numbersOf, type Size, type Tensor } from "../../tensor.ts";
import { inputShape } from "../adapt.ts";
import { ManifestError, type Manifest } from "../manifest.ts";
import { requireOneInput, requireOnePicture } from "../network.ts";
import { preparationLike, type Like } from "./likes.ts";
import { metadataOf } from "./metadata.ts";

type Input = Manifest["input"];

/** Numbers of channels that pictures have. */
const pictorial = (d: Dimension | undefined): d is number => typeof d === "number" && [1, 3, 4].includes(d);

const readersOf = (graph: Graph, name: string): Node[] => graph.nodes.filter((n) => n.inputs.includes(name));

/** The nodes that follow each other from the input, as long as each has one reader; at most `most`. */
const chainFrom = (graph: Graph, name: string, most = 8): Node[] => {
  const [next, ...others] = readersOf(graph, name);
  if (!next || others.length > 0 || most === 0) return [];
  return [next, ...chainFrom(graph, next.outputs[0]!, most - 1)];
};

const constantsOf = ({ initializers, nodes }: Graph): ReadonlyMap<string, Tensor> =>
  new Map([
    ...initializers,
    ...nodes.flatMap((n) => {
      const value = n.op === "Constant" ? n.attributes["value"] : undefined;
      return value?.type === "tensor" ? [[n.outputs[0]!, value.value] as const] : [];
    }),
  ]);

/** The input channels of the first convolution. */
const convolved = (graph: Graph, chain: readonly Node[]): number | undefined => {
  const conv = chain.find((n) => n.op === "Conv" || n.op === "QLinearConv");
  const weights = conv && constantsOf(graph).get(conv.inputs[conv.op === "Conv" ? 1 : 3]!);
  return weights?.shape[1];
};

const isToPlanes = (node: Node | undefined): boolean =>
  node?.op === "Transpose" && ["0,3,1,2", "2,0,1"].includes(intsOf(node, "perm", []).join());

interface Seen {
  readonly layout: Input["layout"];
  readonly count: number;
}

const layoutOf = (graph: Graph, name: string, shape: readonly Dimension[] | null): Seen => {
  const chain = chainFrom(graph, name);
  if (!shape) return { layout: "NCHW", count: convolved(graph, chain) ?? 3 };
  if (shape.length !== 3 && shape.length !== 4) {
    const text = shape.map((d) => d ?? "?").join(", ");
    throw new ManifestError(`"${name}" is [${text}], which is no picture`, "input.name");
  }
  const batch = shape.length === 4 ? "N" : "";
  const [front, back] = [shape[shape.length - 3], shape[shape.length - 1]];
  const last = pictorial(back) && (!pictorial(front) || chain.some(isToPlanes));
  const own = last ? back : front;
  return {
    layout: `${batch}${last ? "HWC" : "CHW"}`,
    count: typeof own === "number" ? own : (convolved(graph, chain) ?? 3),
  };
};

/** By the arithmetic with constants that begins the graph: what pixels it is meant for. */
const preprocessedInside = (graph: Graph, chain: readonly Node[]): Like | undefined => {
  const constants = constantsOf(graph);
  const begin = chain.find((n) => !["Cast", "Transpose", "Identity", "Unsqueeze", "Squeeze", "Resize"].includes(n.op));
  if (!begin || !["Sub", "Div", "Mul", "Add"].includes(begin.op)) return undefined;
  const given = begin.inputs.flatMap((name) => constants.get(name) ?? []);
  const values = given[0] ? numbersOf(given[0]).map(Math.abs) : [];
  if (values.length === 0 || values.length > 4) return undefined;
  const largest = Math.max(...values);
  if (begin.op === "Mul") return largest < 0.1 ? "raw" : undefined;
  return largest > 2 ? "raw" : begin.op === "Sub" ? "zero-one" : undefined;
};

/** What the size has wrong, or null. @throws UnknownOperatorError, whatever the size. */
const loads = (model: Model, manifest: Pick<Manifest, "input">, size: Size): OnnxError | null => {
  const op = createBuilder();
  const { name } = manifest.input;
  const { dtype } = model.graph.inputs.find((v) => v.name === name)!;
  try {
    load(op, model, { [name]: op.input(name, dtype, inputShape(manifest, size)) });
    return null;
  } catch (cause) {
    if (cause instanceof OnnxError && !(cause instanceof UnknownOperatorError)) return cause;
    throw cause;
  }
};

const MULTIPLES = [1, 2, 4, 8, 16, 32, 64, 128];

/** About so many pixels a side are tried. */
const SIDE = 128;

/**
 * A size of about 128 pixels: odd multiples, which no larger multiple hides; and not square where the sides are open, so that the ratio
 * tells the axes of an output apart.
 */
export const trialSize = ({ width, height, multipleOf = 1 }: Input): Size => {
  const count = Math.max(2, Math.ceil(SIDE / multipleOf));
  const open = (of: number) => (of + 1 - (of % 2)) * multipleOf;
  return {
    height: height === "dynamic" ? open(count) : height,
    width: width === "dynamic" ? open(count + Math.ceil(count / 3)) : width,
  };
};

/** The next multiple that is tried, or undefined. */
export const nextMultiple = ({ width, height, multipleOf = 1 }: Input): number | undefined =>
  width === "dynamic" || height === "dynamic" ? MULTIPLES[MULTIPLES.indexOf(multipleOf) + 1] : undefined;

/** The least of the multiples whose next sizes the network takes as well. @throws ManifestError where it takes none; UnknownOperatorError. */
const multipleFor = (model: Model, input: Input): number => {
  if (input.width !== "dynamic" && input.height !== "dynamic") return 1;
  let fault: OnnxError | null = null;
  for (const multipleOf of MULTIPLES) {
    const { height, width } = trialSize({ ...input, multipleOf });
    const further = (side: number, fixed: Input["width"], by: number) =>
      fixed === "dynamic" ? side + by * multipleOf : side;
    const sizes = [0, 1, 3].map((by) => ({
      height: further(height, input.height, by),
      width: further(width, input.width, by),
    }));
    const found = sizes.map((size) => loads(model, { input }, size)).find((f) => f !== null);
    if (!found) return multipleOf;
    fault = found;
  }
  throw new ManifestError(
    `the network takes no open size that is a multiple of ${MULTIPLES.at(-1)}: ${fault?.message}`,
    "input",
  );
};

export interface Described<T> {
  readonly found: T;
  /** What was taken for granted, in whole sentences. */
  readonly assumed: readonly string[];
}

/** @throws ManifestError where the network has no input of pictures; UnknownOperatorError. */
export const describeInput = (model: Model, like: Like | undefined): Described<Input> => {
  const { graph } = model;
  const info = graph.inputs.find((v) => v.shape === null || v.shape.length === 4) ?? graph.inputs[0];
  if (!info) throw new ManifestError("the network has no input", "input.name");
  requireOneInput(graph, info.name);
  const { layout, count } = layoutOf(graph, info.name, info.shape);
  requireOnePicture(layout, info.shape ?? []);
  const side = (axis: "H" | "W") => {
    const own = info.shape?.[layout.indexOf(axis)];
    return typeof own === "number" ? own : "dynamic";
  };
  const inside = info.dtype === "uint8" ? "raw" : preprocessedInside(graph, chainFrom(graph, info.name));
  const guess: Like = count === 3 ? "imagenet" : "zero-one";
  const stated = metadataOf(model, count);
  const isStated = like === undefined && inside === undefined && stated.preparation !== undefined;
  const assumed =
    like !== undefined || isStated
      ? []
      : inside === undefined
        ? [
            `Pixels are prepared like "${guess}", which is a guess: the file does not say; the manifest's "input" says it with mean, std, scale and channels, the command line with --like.`,
          ]
        : [
            `Pixels are given like "${inside}": ${info.dtype === "uint8" ? "the input is uint8" : "the graph begins with the rest of the preprocessing"}.`,
          ];
  const open: Input = {
    name: info.name,
    layout,
    width: side("W"),
    height: side("H"),
    ...preparationLike(like ?? inside ?? guess, count),
    ...(isStated ? stated.preparation : {}),
    ...(like === undefined && stated.order ? { channels: stated.order } : {}),
  };
  const found = multipleFor(model, open);
  const isOpen = open.width === "dynamic" || open.height === "dynamic";
  const isCoarser = isOpen && (stated.stride ?? 1) > found && stated.stride! % found === 0;
  const multipleOf = isCoarser ? stated.stride! : found;
  return {
    found: { ...open, ...(multipleOf > 1 && { multipleOf }) },
    assumed: [
      ...assumed,
      ...(isStated ? [stated.said.preparation!] : []),
      ...(like === undefined && stated.order ? [stated.said.order!] : []),
      ...(isCoarser ? [`Sizes are multiples of ${multipleOf} by the file's "stride"; its shapes allow ${found}.`] : []),
    ],
  };
};
