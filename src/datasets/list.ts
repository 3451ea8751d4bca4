/** A list of pictures and label maps in a file: CSV with a header, JSON, or JSON Lines. */

import { plain } from "./coding.ts";
import type { LabelledPair, Layout, Listing } from "./dataset.ts";
import { stemOf } from "./pairing.ts";

const expects =
  'a file of columns "image" and "labels", and "name" where names are not unique: CSV, JSON or JSON Lines';

type Entry = Readonly<Record<string, unknown>>;

/** The parser needs Node's globals, which a Worker that only states the layouts' names lacks. @throws SyntaxError */
const rowsOfCsv = async (text: string): Promise<readonly unknown[]> => {
  const { CsvError, parse } = await import("csv-parse/sync");
  try {
    return parse(text, { columns: true, skip_empty_lines: true, trim: true, bom: true });
  } catch (cause) {
    throw cause instanceof CsvError ? new SyntaxError(cause.message, { cause }) : cause;
  }
};

/** @throws SyntaxError */
const entriesOf = async (path: string, text: string): Promise<readonly unknown[]> => {
  if (/\.csv$/i.test(path)) return rowsOfCsv(text);
  if (/\.jsonl$/i.test(path)) {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    return lines.map((line): unknown => JSON.parse(line));
  }
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value : [value];
};

const pairOf = (entry: unknown): LabelledPair | null => {
  if (typeof entry !== "object" || entry === null) return null;
  const { image, labels, name } = entry as Entry;
  if (typeof image !== "string" || typeof labels !== "string" || image === "" || labels === "") return null;
  return { name: typeof name === "string" && name !== "" ? name : stemOf(image), image, labels };
};

/** Pairs of a list; those that name a file that is not there, or a name twice, are faults. */
const listed = async (path: string, text: string, paths: readonly string[]): Promise<Listing> => {
  const present = new Set(paths);
  const pairs = new Map<string, LabelledPair>();
  const faults: string[] = [];
  for (const [index, entry] of (await entriesOf(path, text)).entries()) {
    const pair = pairOf(entry);
    const place = `${path}, entry ${index + 1}`;
    if (!pair) {
      faults.push(`${place}: needs "image" and "labels"`);
      continue;
    }
    const absent = [pair.image, pair.labels].filter((file) => !present.has(file));
    faults.push(...absent.map((file) => `${place}: ${file}: no such file beside the list`));
    if (pairs.has(pair.name)) faults.push(`${place}: the name ${pair.name} is there twice; give it a "name"`);
    if (absent.length === 0) pairs.set(pair.name, pair);
  }
  return { pairs: [...pairs.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)), faults };
};

/** The split is the path of the list; the paths in it are relative to its folder. */
export const list: Layout = {
  title: "a list",
  expects,
  splits: [],
  classes: null,
  coding: plain,
  recognises: () => false,
  pairs: async ({ files, paths, split }) => {
    const text = new TextDecoder().decode(await files.read(split));
    try {
      return await listed(split, text, paths);
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      return { pairs: [], faults: [`${split}: ${cause.message}; expected ${expects}`] };
    }
  },
};
