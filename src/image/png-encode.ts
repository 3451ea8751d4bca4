/** PNG encoding, with one IDAT chunk and without interlacing. */
import { viewOf } from "./bytes.ts";
import { channelsOf, pngFile, type ColourType } from "./png-chunks.ts";
import { filterPaeth } from "./png-filter.ts";
import { deflate } from "./zlib.ts";

interface RawPng {
  readonly width: number;
  readonly height: number;
  readonly depth: 8 | 16;
  readonly colour: ColourType;
  /** Big-endian samples, row by row. */
  readonly bytes: Uint8Array;
  /** RGB triples. */
  readonly palette?: Uint8Array;
}

/** The filtered rows, each after the code of its filter: Paeth for colours, none for indices (as the standard recommends). */
const filtered = ({ width, height, depth, colour, bytes, palette }: RawPng): Uint8Array => {
  const step = (channelsOf(colour) * depth) >> 3;
  const rowBytes = width * step;
  const out = new Uint8Array(height * (rowBytes + 1));
  let above: Uint8Array = new Uint8Array(rowBytes);
  for (let y = 0; y < height; y++) {
    const row = bytes.subarray(y * rowBytes, (y + 1) * rowBytes);
    const to = out.subarray(y * (rowBytes + 1), (y + 1) * (rowBytes + 1));
    if (palette) {
      to.set(row, 1);
    } else {
      to[0] = 4;
      filterPaeth(row, above, step, to.subarray(1));
    }
    above = row;
  }
  return out;
};

export const writePng = (png: RawPng): Uint8Array => {
  const header = new Uint8Array(13);
  viewOf(header).setUint32(0, png.width);
  viewOf(header).setUint32(4, png.height);
  header.set([png.depth, png.colour], 8);
  return pngFile([
    ["IHDR", header],
    ...(png.palette ? [["PLTE", png.palette] as const] : []),
    ["IDAT", deflate(filtered(png), png.palette ? "repetitions" : "noise")],
    ["IEND", new Uint8Array(0)],
  ]);
};
