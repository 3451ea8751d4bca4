/** Writes PNGs of every kind (colour type, depth, filter, interlacing) straight from the standard, on Node's zlib. */
import { deflateSync } from "node:zlib";

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly interlaced?: boolean;
  /** One filter for all rows, or the number of the row taken modulo 5 where it is `mixed`. */
  readonly filter?: number | "mixed";
  readonly palette?: readonly number[];
  readonly transparency?: readonly number[];
  /** Samples, pixel by pixel. */
  readonly samples: readonly number[];
}

export const channelsOfColour: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

const crc = (bytes: Uint8Array): number => {
  let c = -1;
  for (const byte of bytes) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (0xedb88320 & -(c & 1));
  }
  return ~c >>> 0;
};

export const chunk = (name: string, body: Uint8Array | readonly number[]): Buffer => {
  const content = Buffer.concat([Buffer.from(name, "latin1"), Buffer.from(body)]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  checksum.writeUInt32BE(crc(content));
  return Buffer.concat([length, content, checksum]);
};

export const pngSignature = Buffer.from("89504e470d0a1a0a", "hex");

export const ihdr = ({ width, height, depth, colour, interlaced }: Omit<Picture, "samples">): Buffer => {
  const body = Buffer.alloc(13);
  body.writeUInt32BE(width, 0);
  body.writeUInt32BE(height, 4);
  body[8] = depth;
  body[9] = colour;
  body[12] = interlaced ? 1 : 0;
  return chunk("IHDR", body);
};

const pack = (samples: readonly number[], depth: number): number[] => {
  const bits = samples.map((v) => v.toString(2).padStart(depth, "0")).join("");
  return (bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2));
};

const predict = (filter: number, a: number, b: number, c: number): number => {
  if (filter === 3) return Math.floor((a + b) / 2);
  if (filter < 3) return [0, a, b][filter]!;
  const p = a + b - c;
  const distance = (v: number): number => Math.abs(p - v);
  return [a, b, c].reduce((best, v) => (distance(v) < distance(best) ? v : best));
};

const filteredRows = (rows: readonly number[][], step: number, filter: number | "mixed"): number[] =>
  rows.flatMap((row, y) => {
    const kind = filter === "mixed" ? y % 5 : filter;
    const above = (i: number): number => rows[y - 1]?.[i] ?? 0;
    return [
      kind,
      ...row.map((v, i) => (v - predict(kind, row[i - step] ?? 0, above(i), i < step ? 0 : above(i - step))) & 255),
    ];
  });

const adam7Rows = ["16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777"];

/** The picture's pixels of one pass, by the standard's 8 × 8 pattern of pass numbers; rows without pixels vanish. */
const rowsOfPass = ({ width, height, colour, samples }: Picture, pass: number | null): number[][] => {
  const channels = channelsOfColour[colour]!;
  const rows: number[][] = [];
  for (let y = 0; y < height; y++) {
    const row: number[] = [];
    for (let x = 0; x < width; x++) {
      if (pass !== null && Number(adam7Rows[y % 8]![x % 8]) !== pass) continue;
      row.push(...samples.slice((y * width + x) * channels, (y * width + x + 1) * channels));
    }
    if (row.length > 0) rows.push(row);
  }
  return rows;
};

export const pngData = (picture: Picture): Buffer => {
  const { depth, colour, interlaced, filter = 0 } = picture;
  const step = Math.max(1, (depth * channelsOfColour[colour]!) / 8);
  const passes = interlaced ? [1, 2, 3, 4, 5, 6, 7] : [null];
  return Buffer.from(
    passes.flatMap((pass) =>
      filteredRows(
        rowsOfPass(picture, pass).map((row) => pack(row, depth)),
        step,
        filter,
      ),
    ),
  );
};

/** A whole file; its data split over two IDAT chunks, as large files have it. */
export const writePicture = (picture: Picture, extra: readonly Buffer[] = []): Uint8Array => {
  const data = deflateSync(pngData(picture));
  const half = data.length >> 1;
  return new Uint8Array(
    Buffer.concat([
      pngSignature,
      ihdr(picture),
      ...(picture.palette ? [chunk("PLTE", picture.palette)] : []),
      ...(picture.transparency ? [chunk("tRNS", picture.transparency)] : []),
      ...extra,
      chunk("IDAT", data.subarray(0, half)),
      chunk("IDAT", data.subarray(half)),
      chunk("IEND", []),
    ]),
  );
};
