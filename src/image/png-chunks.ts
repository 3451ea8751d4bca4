/** PNG's container: signature, chunks and their checksums. W3C PNG (third edition), section 5. */
import { nameAt, viewOf } from "./bytes.ts";
import { ImageError } from "./error.ts";
import { crc32 } from "./zlib.ts";

export const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** The colour types and their codes in IHDR. */
export const colourTypes = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgbAlpha: 6 } as const;
export type ColourType = (typeof colourTypes)[keyof typeof colourTypes];

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits per sample (per index with a palette). */
  readonly depth: number;
  readonly colour: ColourType;
  readonly interlaced: boolean;
}

/** The samples per pixel and the allowed bit depths of each colour type (table 11.1). */
const layouts = new Map<number, { readonly channels: number; readonly depths: readonly number[] }>([
  [colourTypes.grey, { channels: 1, depths: [1, 2, 4, 8, 16] }],
  [colourTypes.rgb, { channels: 3, depths: [8, 16] }],
  [colourTypes.palette, { channels: 1, depths: [1, 2, 4, 8] }],
  [colourTypes.greyAlpha, { channels: 2, depths: [8, 16] }],
  [colourTypes.rgbAlpha, { channels: 4, depths: [8, 16] }],
]);

export const channelsOf = (colour: ColourType): number => layouts.get(colour)!.channels;

export const isPng = (bytes: Uint8Array): boolean => signature.every((b, i) => bytes[i] === b);

const malformed = (message: string): ImageError => new ImageError("malformed", `PNG: ${message}`);

const parseHeader = (body: Uint8Array): PngHeader => {
  if (body.length !== 13) throw malformed(`IHDR has ${body.length} bytes, not 13`);
  const view = viewOf(body);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, compression, filter, interlace] = Array.from(body.subarray(8)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const layout = layouts.get(colour);
  if (width === 0 || height === 0 || width > 0x7fffffff || height > 0x7fffffff) {
    throw malformed(`the header says ${width} x ${height} pixels`);
  }
  if (!layout?.depths.includes(depth)) throw malformed(`colour type ${colour} with ${depth} bits does not exist`);
  if (compression !== 0 || filter !== 0 || interlace > 1) throw malformed("unknown compression, filter or interlace");
  return { width, height, depth, colour: colour as ColourType, interlaced: interlace === 1 };
};

/** The header of a PNG file, from its first 33 bytes. @throws ImageError `malformed` */
export const readPngHeader = (bytes: Uint8Array): PngHeader => {
  if (bytes.length < 33) throw malformed("the file ends within its header");
  if (nameAt(bytes, 12) !== "IHDR") throw malformed("the first chunk is not IHDR");
  return parseHeader(bytes.subarray(16, 16 + viewOf(bytes).getUint32(8)));
};

interface PngChunks {
  readonly header: PngHeader;
  /** The body of PLTE: RGB triples. */
  readonly palette: Uint8Array | null;
  /** The body of tRNS: the alphas of the palette entries, or the colour that is transparent. */
  readonly transparency: Uint8Array | null;
  /** The zlib stream: the bodies of all IDAT chunks, joined. */
  readonly data: Uint8Array;
}

/** Maximum number of chunks. Encoders write chunks of at least 8 KiB, which makes some thousands for the largest images. */
const maxChunks = 1 << 16;

function* chunksOf(bytes: Uint8Array): Generator<{ name: string; body: Uint8Array }> {
  const view = viewOf(bytes);
  let at = signature.length;
  for (let count = 0; at + 12 <= bytes.length; count++) {
    if (count === maxChunks) throw malformed(`it has more than ${maxChunks} chunks`);
    const length = view.getUint32(at);
    const name = nameAt(bytes, at + 4);
    const end = at + 8 + length;
    if (end + 4 > bytes.length) throw malformed(`the file ends within its ${name} chunk`);
    // A lower-case first letter marks an ancillary chunk: it does not affect the pixels and is not checked.
    const needed = name < "a" || name === "tRNS";
    if (needed && crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end)) {
      throw malformed(`the checksum of its ${name} chunk does not match`);
    }
    yield { name, body: bytes.subarray(at + 8, end) };
    at = end + 4;
  }
  throw malformed("the file ends before its IEND chunk");
}

/** Concatenates the parts. The decoder's work then depends on the number of bytes, not on their division into chunks. */
const joined = (parts: readonly Uint8Array[]): Uint8Array => {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

/** Reads the chunks that determine the pixels and skips the others. @throws ImageError */
export const readPngChunks = (bytes: Uint8Array): PngChunks => {
  const header = readPngHeader(bytes);
  let palette: Uint8Array | null = null;
  let transparency: Uint8Array | null = null;
  const data: Uint8Array[] = [];
  let first = true;
  for (const { name, body } of chunksOf(bytes)) {
    if (name === "IEND") break;
    if (name === "IHDR" && !first) throw malformed("it has two IHDR chunks");
    first = false;
    if (name === "PLTE") palette = body;
    else if (name === "tRNS") transparency = body;
    else if (name === "IDAT") data.push(body);
    else if (name < "a" && name !== "IHDR") {
      throw new ImageError("unsupported-format", `PNG: it needs the non-standard chunk ${JSON.stringify(name)}`);
    }
  }
  if (palette && (palette.length % 3 !== 0 || palette.length > 768)) throw malformed("its palette has a wrong length");
  if (header.colour === colourTypes.palette && !palette) throw malformed("its palette is missing");
  return { header, palette, transparency, data: joined(data) };
};

/** A file of these chunks, each of which is its length, name, body and checksum. */
export const pngFile = (chunks: readonly (readonly [name: string, body: Uint8Array])[]): Uint8Array => {
  const file = new Uint8Array(chunks.reduce((sum, [, body]) => sum + body.length + 12, signature.length));
  const view = viewOf(file);
  file.set(signature);
  let at = signature.length;
  for (const [name, body] of chunks) {
    const end = at + 8 + body.length;
    view.setUint32(at, body.length);
    for (let i = 0; i < 4; i++) file[at + 4 + i] = name.charCodeAt(i);
    file.set(body, at + 8);
    view.setUint32(end, crc32(file.subarray(at + 4, end)));
    at = end + 4;
  }
  return file;
};
