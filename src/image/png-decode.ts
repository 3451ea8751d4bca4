/**
 * PNG decoding to raw samples, for every colour type, bit depth and interlacing of the standard. This is own code because the
 * input is untrusted: the inflated size is bounded by the header, checksums are verified, and palette indices stay available.
 * Gamma, colour profiles and animation frames are ignored.
 */
import { asImageError } from "./error.ts";
import { channelsOf, readPngChunks, type PngHeader } from "./png-chunks.ts";
import { unfilterRow } from "./png-filter.ts";
import { inflateExactly } from "./zlib.ts";

export interface DecodedPng {
  readonly header: PngHeader;
  /** Samples as stored, 0..2^depth − 1, pixel by pixel: H × W × channels. */
  readonly samples: Uint8Array | Uint16Array;
  readonly palette: Uint8Array | null;
  readonly transparency: Uint8Array | null;
}

/** Adam7 (section 8): the start and the spacing of the pixels of each pass. */
const adam7 = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
];

interface Pass {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly columns: number;
  readonly rows: number;
  readonly rowBytes: number;
}

const passesOf = ({ width, height, depth, colour, interlaced }: PngHeader): Pass[] =>
  (interlaced ? adam7 : [{ x: 0, y: 0, dx: 1, dy: 1 }])
    .map((pass) => {
      const columns = Math.ceil((width - pass.x) / pass.dx);
      const rows = Math.ceil((height - pass.y) / pass.dy);
      return Object.assign({}, pass, {
        columns,
        rows,
        rowBytes: Math.ceil((columns * channelsOf(colour) * depth) / 8),
      });
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0);

/** Sample `i` of a row of packed big-endian samples. */
const sampleAt = (row: Uint8Array, i: number, depth: number): number => {
  if (depth === 8) return row[i]!;
  if (depth === 16) return (row[2 * i]! << 8) | row[2 * i + 1]!;
  const bit = i * depth;
  return (row[bit >> 3]! >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
};

/** Decodes to raw samples. The caller has checked the header's size. @throws ImageError `malformed` or `unsupported-format` */
export const decodePng = (bytes: Uint8Array): DecodedPng =>
  asImageError("PNG:", () => {
    const { header, palette, transparency, data } = readPngChunks(bytes);
    const { width, height, depth, colour, interlaced } = header;
    const channels = channelsOf(colour);
    const passes = passesOf(header);
    const raw = inflateExactly(
      data,
      passes.reduce((sum, { rows, rowBytes }) => sum + rows * (1 + rowBytes), 0),
    );
    const size = width * height * channels;
    // Bytes that are not interlaced become the samples where they are: each row moves over the codes of the filters before it.
    const isInOrder = depth === 8 && !interlaced;
    const samples = isInOrder ? raw.subarray(0, size) : new (depth === 16 ? Uint16Array : Uint8Array)(size);
    const step = Math.max(1, (channels * depth) >> 3);
    let at = 0;
    for (const { x, y, dx, dy, columns, rows, rowBytes } of passes) {
      let above: Uint8Array = new Uint8Array(rowBytes);
      for (let j = 0; j < rows; j++, at += rowBytes + 1) {
        const row = raw.subarray(at + 1, at + 1 + rowBytes);
        unfilterRow(raw[at]!, row, above, step);
        above = row;
        if (isInOrder) {
          samples.set(row, j * rowBytes);
          above = raw.subarray(j * rowBytes, (j + 1) * rowBytes);
          continue;
        }
        for (let i = 0; i < columns; i++) {
          const to = ((y + j * dy) * width + x + i * dx) * channels;
          for (let c = 0; c < channels; c++) samples[to + c] = sampleAt(row, i * channels + c, depth);
        }
      }
    }
    return { header, samples, palette, transparency };
  });
