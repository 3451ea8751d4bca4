/** The shapes of a network's inputs, from its file and from the sizes given for what the file leaves open. */

import type { Dimension, Graph, ValueInfo } from "../../onnx/graph.ts";
import { typed } from "../../onnx/print.ts";
import type { Size } from "../../tensor.ts";
import { GradientError } from "./gradient-error.ts";

/** The sizes that a caller gives: of images, of symbolic dimensions by name, of whole inputs by name. */
export interface GivenSizes {
  readonly size: Size | null;
  readonly dims: ReadonlyMap<string, number>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

const isImage = ({ shape }: ValueInfo): boolean => shape?.length === 4;
const isOpen = (d: Dimension | undefined): boolean => typeof d !== "number";

/** Whether the images of the network may have several sizes: some [N,C,H,W] has an open H or W. */
export const hasOpenImages = (graph: Graph, { shapes }: GivenSizes): boolean =>
  graph.inputs.some((v) => isImage(v) && !shapes.has(v.name) && (isOpen(v.shape?.[2]) || isOpen(v.shape?.[3])));

/** Of the dimensions of an input, by their index: what `size` says, and 1 for a batch. */
const hinted = (info: ValueInfo, index: number, size: Size | null): number | undefined => {
  if (isImage(info) && size && index === 2) return size.height;
  if (isImage(info) && size && index === 3) return size.width;
  return index === 0 && (info.shape?.length ?? 0) > 1 ? 1 : undefined;
};

/** The symbols of the graph, bound by name, then by their places. @throws GradientError for one that is bound to two numbers. */
const bindSymbols = (graph: Graph, { size, dims }: GivenSizes): Map<string, number> => {
  const bound = new Map(dims);
  for (const info of graph.inputs) {
    for (const [i, d] of (info.shape ?? []).entries()) {
      const value = typeof d === "string" ? hinted(info, i, size) : undefined;
      if (typeof d !== "string" || value === undefined) continue;
      const known = bound.get(d);
      // A batch of 1 is only a default.
      if (known !== undefined && known !== value && i !== 0)
        throw new GradientError(`"${d}" would be both ${known} and ${value}; ${typed(info)}`);
      if (known === undefined) bound.set(d, value);
    }
  }
  return bound;
};

const checkNames = (graph: Graph, { size, dims, shapes }: GivenSizes): void => {
  const symbols = new Set(graph.inputs.flatMap((v) => (v.shape ?? []).filter((d) => typeof d === "string")));
  const list = (names: Iterable<string>): string => [...names].join(", ") || "none";
  for (const name of dims.keys())
    if (!symbols.has(name))
      throw new GradientError(`\`dimensions\` ${name}: no such dimension; symbolic are: ${list(symbols)}`);
  const inputs = graph.inputs.map((v) => v.name);
  for (const name of shapes.keys())
    if (!inputs.includes(name)) throw new GradientError(`\`shapes\` ${name}: no such input; inputs: ${list(inputs)}`);
  if (!size) return;
  const images = graph.inputs.filter(isImage);
  const takes = images.some(
    ({ shape }) =>
      (isOpen(shape?.[2]) || shape?.[2] === size.height) && (isOpen(shape?.[3]) || shape?.[3] === size.width),
  );
  if (takes) return;
  const why = images.length === 0 ? "no input is an image [N, C, H, W]" : "its size is fixed";
  throw new GradientError(
    `\`size\` ${size.height}x${size.width}: the network does not take it, ${why}: ${fixedSizes(graph)}`,
  );
};

const fixedSizes = (graph: Graph): string => graph.inputs.map(typed).join(", ");

/**
 * The shape of every input: fixed by the file, by `shapes`, by `dims`, by `size` for the last two of four dimensions, and
 * 1 for a batch that is left open.
 *
 * @throws GradientError for names that the network does not have, contradictions, and for what is still open, saying what to give.
 */
export const inputShapes = (graph: Graph, given: GivenSizes): Record<string, readonly number[]> => {
  checkNames(graph, given);
  const bound = bindSymbols(graph, given);
  const wanted = new Set<string>();
  const shapeOf = (info: ValueInfo): readonly number[] => {
    const whole = given.shapes.get(info.name);
    if (whole) return whole;
    if (!info.shape) wanted.add(`\`shapes\` ${info.name}=AxBxC`);
    return (info.shape ?? []).map((d, i) => {
      if (typeof d === "number") return d;
      const known = (d === null ? undefined : bound.get(d)) ?? hinted(info, i, given.size);
      if (known !== undefined) return known;
      const byPlace = isImage(info) && i >= 2;
      wanted.add(byPlace ? "`size` HxW" : d === null ? `\`shapes\` ${info.name}=AxBxC` : `\`dimensions\` ${d}=N`);
      return 0;
    });
  };
  const shapes = Object.fromEntries(graph.inputs.map((info) => [info.name, shapeOf(info)]));
  if (wanted.size === 0) return shapes;
  const open = graph.inputs.filter((v) => !v.shape || v.shape.some(isOpen)).map(typed);
  throw new GradientError(`the network leaves sizes open (${open.join("; ")}): give ${[...wanted].join(" and ")}`);
};
