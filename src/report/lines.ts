/** Growing tables of numbers, a line for each image. */

/** Lines of numbers, one for each image. */
export interface Lines {
  data: Uint32Array;
  /** Numbers in a line. */
  readonly width: number;
  /** The line of each item, or −1. */
  lineOf: Int32Array;
  length: number;
}

/** The array, or a longer one with its content where it is too short. */
export const grown = <T extends Uint32Array | Int32Array | Float64Array | Uint8Array>(
  old: T,
  length: number,
  make: (length: number) => T,
): T => {
  if (length <= old.length) return old;
  const fresh = make(Math.max(length, Math.ceil(old.length * 1.25)));
  fresh.set(old);
  return fresh;
};

/** The next line, which is the item's from now on. */
export const place = (lines: Lines, item: number): number => {
  if (item >= lines.lineOf.length) {
    const before = lines.lineOf.length;
    lines.lineOf = grown(lines.lineOf, item + 1, (n) => new Int32Array(n));
    lines.lineOf.fill(-1, before);
  }
  const line = lines.length++;
  lines.lineOf[item] = line;
  lines.data = grown(lines.data, (line + 1) * lines.width, (n) => new Uint32Array(n));
  return line;
};

export const empty = (width: number) => ({ data: new Uint32Array(0), width, lineOf: new Int32Array(0), length: 0 });
