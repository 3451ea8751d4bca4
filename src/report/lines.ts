/** Growing tables of numbers, a line for each image. They grow by pages, so that what is there is never copied or held twice. */

/** Lines of a page, a power of two. */
const PAGE = 32;

/** Lines of numbers, one for each image. */
export interface Lines {
  readonly pages: Uint32Array[];
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
  const fresh = make(Math.max(length, Math.ceil(old.length * 1.5)));
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
  if (line % PAGE === 0) lines.pages.push(new Uint32Array(PAGE * lines.width));
  return line;
};

/** The page that a line is on. */
export const pageOf = ({ pages }: Lines, line: number): Uint32Array => pages[Math.floor(line / PAGE)]!;

/** Where the line begins on its page. */
export const beginOf = ({ width }: Lines, line: number): number => (line % PAGE) * width;

export const empty = (width: number) => ({ pages: [], width, lineOf: new Int32Array(0), length: 0 });
