/** Sizes that a network leaves open, as given on the command line. */

import type { Options } from "../node/options.ts";
import type { Dimension, Graph, ValueInfo } from "../onnx/graph.ts";
import { Refusal, UsageError } from "../node/failure.ts";
import type { Size } from "../tensor.ts";
import { typed } from "./text.ts";

export const sizeOptions = {
  size: { type: "string", value: "HxW", help: "height and width of the images, where the network leaves them open" },
  dim: { type: "string", multiple: true, value: "NAME=N", help: "a symbolic dimension; batches are 1 unless given" },
  shape: { type: "string", multiple: true, value: "INPUT=AxBxC", help: "the whole shape of an input" },
} as const satisfies Options;

/** The sizes that the command line gives. */
export interface GivenSizes {
  readonly size: Size | null;
  readonly dims: ReadonlyMap<string, number>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

const LARGEST = 2 ** 24;

const wholes = (option: string, text: string, form: string): number[] => {
  const numbers = text.split(/[x×]/).map((part) => (/^\d{1,9}$/.test(part) ? Number(part) : 0));
  if (numbers.every((n) => n > 0 && n <= LARGEST)) return numbers;
  throw new UsageError(`--${option}: "${text}" is not ${form}`);
};

/** Parses "240x320". @throws UsageError */
export const parseSize = (text: string): Size => {
  const [height = 0, width = 0, ...more] = wholes("size", text, "HEIGHTxWIDTH, e.g. 240x320");
  if (width === 0 || more.length > 0) throw new UsageError(`--size: "${text}" is not HEIGHTxWIDTH, e.g. 240x320`);
  return { height, width };
};

/** Parses "NAME=…" into a map; the name ends at the last "=". */
const assignments = <T>(
  option: string,
  texts: readonly string[],
  example: string,
  parse: (text: string) => T,
): Map<string, T> => {
  const found = new Map<string, T>();
  for (const text of texts) {
    const equals = text.lastIndexOf("=");
    if (equals < 1) throw new UsageError(`--${option}: "${text}" is not of the form ${example}`);
    const name = text.slice(0, equals);
    if (found.has(name)) throw new UsageError(`--${option}: ${name} is given twice`);
    found.set(name, parse(text.slice(equals + 1)));
  }
  return found;
};

const one = (text: string): number => {
  const [value = 0, ...more] = wholes("dim", text, "a positive number");
  if (more.length > 0) throw new UsageError(`--dim: "${text}" is not one number`);
  return value;
};

/** @throws UsageError for a value that does not have the form of the help text. */
export const parseSizes = (values: {
  readonly size?: string | undefined;
  readonly dim?: readonly string[] | undefined;
  readonly shape?: readonly string[] | undefined;
}): GivenSizes => ({
  size: values.size === undefined ? null : parseSize(values.size),
  dims: assignments("dim", values.dim ?? [], "NAME=NUMBER", one),
  shapes: assignments("shape", values.shape ?? [], "INPUT=1x3x240x320", (text) => wholes("shape", text, "AxBxC")),
});

const isImage = ({ shape }: ValueInfo): boolean => shape?.length === 4;
const isOpen = (d: Dimension | undefined): boolean => typeof d !== "number";

/** Whether the network accepts images of several sizes: an input [N,C,H,W] has an open H or W. */
export const hasOpenImages = (graph: Graph, { shapes }: GivenSizes): boolean =>
  graph.inputs.some((v) => isImage(v) && !shapes.has(v.name) && (isOpen(v.shape?.[2]) || isOpen(v.shape?.[3])));

/** The default of an input's dimension by its index: the sides of `--size`, and 1 for a batch. */
const hinted = (info: ValueInfo, index: number, size: Size | null): number | undefined => {
  if (isImage(info) && size && index === 2) return size.height;
  if (isImage(info) && size && index === 3) return size.width;
  return index === 0 && (info.shape?.length ?? 0) > 1 ? 1 : undefined;
};

/** The symbolic dimensions, bound by name, then by position. @throws Refusal for one that would have two values. */
const bindSymbols = (graph: Graph, { size, dims }: GivenSizes): Map<string, number> => {
  const bound = new Map(dims);
  for (const info of graph.inputs) {
    for (const [i, d] of (info.shape ?? []).entries()) {
      const value = typeof d === "string" ? hinted(info, i, size) : undefined;
      if (typeof d !== "string" || value === undefined) continue;
      const known = bound.get(d);
      // A batch of 1 is only a default.
      if (known !== undefined && known !== value && i !== 0)
        throw new Refusal(`"${d}" would be both ${known} and ${value}; ${typed(info)}`);
      if (known === undefined) bound.set(d, value);
    }
  }
  return bound;
};

const checkNames = (graph: Graph, { size, dims, shapes }: GivenSizes): void => {
  const symbols = new Set(graph.inputs.flatMap((v) => (v.shape ?? []).filter((d) => typeof d === "string")));
  const list = (names: Iterable<string>): string => [...names].join(", ") || "none";
  for (const name of dims.keys())
    if (!symbols.has(name)) throw new Refusal(`--dim ${name}: no such dimension; symbolic are: ${list(symbols)}`);
  const inputs = graph.inputs.map((v) => v.name);
  for (const name of shapes.keys())
    if (!inputs.includes(name)) throw new Refusal(`--shape ${name}: no such input; inputs: ${list(inputs)}`);
  if (!size) return;
  const images = graph.inputs.filter(isImage);
  const takes = images.some(
    ({ shape }) =>
      (isOpen(shape?.[2]) || shape?.[2] === size.height) && (isOpen(shape?.[3]) || shape?.[3] === size.width),
  );
  if (takes) return;
  const why = images.length === 0 ? "no input is an image [N, C, H, W]" : "its size is fixed";
  throw new Refusal(`--size ${size.height}x${size.width}: the network does not take it, ${why}: ${fixedSizes(graph)}`);
};

const fixedSizes = (graph: Graph): string => graph.inputs.map(typed).join(", ");

/**
 * The shape of every input: fixed by the file, by `--shape`, by `--dim`, by `--size` for the last two of four dimensions, and
 * 1 for a batch that is left open.
 *
 * @throws Refusal for unknown names, contradictions, and dimensions that are still open; the message says which option to give.
 */
export const inputShapes = (graph: Graph, given: GivenSizes): Record<string, readonly number[]> => {
  checkNames(graph, given);
  const bound = bindSymbols(graph, given);
  const wanted = new Set<string>();
  const shapeOf = (info: ValueInfo): readonly number[] => {
    const whole = given.shapes.get(info.name);
    if (whole) return whole;
    if (!info.shape) wanted.add(`--shape ${info.name}=AxBxC`);
    return (info.shape ?? []).map((d, i) => {
      if (typeof d === "number") return d;
      const known = (d === null ? undefined : bound.get(d)) ?? hinted(info, i, given.size);
      if (known !== undefined) return known;
      const byPlace = isImage(info) && i >= 2;
      wanted.add(byPlace ? "--size HxW" : d === null ? `--shape ${info.name}=AxBxC` : `--dim ${d}=N`);
      return 0;
    });
  };
  const shapes = Object.fromEntries(graph.inputs.map((info) => [info.name, shapeOf(info)]));
  if (wanted.size === 0) return shapes;
  const open = graph.inputs.filter((v) => !v.shape || v.shape.some(isOpen)).map(typed);
  throw new Refusal(`the network leaves sizes open (${open.join("; ")}): give ${[...wanted].join(" and ")}`);
};
