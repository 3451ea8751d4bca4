/** Sizes that a network leaves open, as given on the command line. */

import type { Options } from "../node/options.ts";
import { UsageError } from "../node/failure.ts";
import type { GivenSizes } from "../segmenter/differentiate/input-shapes.ts";
import type { Size } from "../tensor.ts";

export const sizeOptions = {
  size: { type: "string", value: "HxW", help: "height and width of the images, where the network leaves them open" },
  dim: { type: "string", multiple: true, value: "NAME=N", help: "a symbolic dimension; batches are 1 unless given" },
  shape: { type: "string", multiple: true, value: "INPUT=AxBxC", help: "the whole shape of an input" },
} as const satisfies Options;

const LARGEST = 2 ** 24;

const wholes = (option: string, text: string, form: string): number[] => {
  const numbers = text.split(/[x×]/).map((part) => (/^\d{1,9}$/.test(part) ? Number(part) : 0));
  if (numbers.every((n) => n > 0 && n <= LARGEST)) return numbers;
  throw new UsageError(`--${option}: "${text}" is not ${form}`);
};

/** Parses "240x320". @throws UsageError */
export const parseSize = (text: string, option = "size"): Size => {
  const [height = 0, width = 0, ...more] = wholes(option, text, "HEIGHTxWIDTH, e.g. 240x320");
  if (width === 0 || more.length > 0) throw new UsageError(`--${option}: "${text}" is not HEIGHTxWIDTH, e.g. 240x320`);
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
