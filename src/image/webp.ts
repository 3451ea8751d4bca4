/** WebP decoding: the container is read here (RFC 9649), the pixels by libwebp. */
import libwebp from "@jsquash/webp/codec/dec/webp_dec.js";
import { nameAt, viewOf } from "./bytes.ts";
import { startCodec, type CodecFactory, type Pixels } from "./codecs.ts";
import { asImageError, ImageError } from "./error.ts";

// The package declares the type of its glue in a global namespace that it does not load.
const factory: CodecFactory = libwebp;

const malformed = (message: string): ImageError => new ImageError("malformed", `WebP: ${message}`);

export const isWebp = (bytes: Uint8Array): boolean => nameAt(bytes, 0) === "RIFF" && nameAt(bytes, 8) === "WEBP";

interface WebpHeader {
  readonly width: number;
  readonly height: number;
  readonly animated?: boolean;
}

/** Width and height from the first chunk: VP8 (lossy), VP8L (lossless) or VP8X (extended). @throws ImageError */
export const readWebpHeader = (bytes: Uint8Array): WebpHeader => {
  if (bytes.length < 30) throw malformed("the file ends within its header");
  const view = viewOf(bytes);
  const body = 20;
  switch (nameAt(bytes, 12)) {
    case "VP8 ":
      if (view.getUint16(body + 3) !== 0x9d01 || bytes[body + 5] !== 0x2a)
        throw malformed("it starts with no key frame");
      return nonEmpty(view.getUint16(body + 6, true) & 0x3fff, view.getUint16(body + 8, true) & 0x3fff);
    case "VP8L": {
      if (bytes[body] !== 0x2f) throw malformed("its lossless signature is wrong");
      const bits = view.getUint32(body + 1, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case "VP8X":
      return {
        animated: (bytes[body]! & animationFlag) !== 0,
        width: (view.getUint32(body + 4, true) & 0xffffff) + 1,
        height: (view.getUint32(body + 6, true) >>> 8) + 1,
      };
    default:
      throw malformed(`it starts with the unknown chunk ${JSON.stringify(nameAt(bytes, 12))}`);
  }
};

const animationFlag = 2;
/** Bytes before a frame's own chunks: position, size, duration and flags. */
const frameHeader = 16;
/** Maximum number of chunks before the first frame; valid files have a colour profile and the animation's header at most. */
const maxChunks = 64;

interface Frame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** The frame as a still WebP file. */
  readonly file: Uint8Array;
}

const uint24 = (view: DataView, at: number): number => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);

/** A RIFF chunk, padded to an even length. */
const chunk = (name: string, body: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(8 + body.length + (body.length % 2));
  for (let i = 0; i < 4; i++) bytes[i] = name.charCodeAt(i);
  viewOf(bytes).setUint32(4, body.length, true);
  bytes.set(body, 8);
  return bytes;
};

/** A still file with a frame's chunks (ALPH and VP8, or VP8L) after an extended header with the alpha flag. */
const stillOf = (size: Uint8Array, chunks: Uint8Array): Uint8Array => {
  const extended = new Uint8Array(10);
  extended[0] = 0x10;
  extended.set(size, 4);
  const header = chunk("VP8X", extended);
  const body = new Uint8Array(4 + header.length + chunks.length);
  body.set(new TextEncoder().encode("WEBP"));
  body.set(header, 4);
  body.set(chunks, 4 + header.length);
  return chunk("RIFF", body);
};

/** The first ANMF chunk. @throws ImageError `malformed` */
const firstFrame = (bytes: Uint8Array): Frame => {
  const view = viewOf(bytes);
  for (let at = 12, count = 0; at + 8 <= bytes.length && count < maxChunks; count++) {
    const length = view.getUint32(at + 4, true);
    const body = at + 8;
    if (nameAt(bytes, at) === "ANMF") {
      if (length < frameHeader || body + length > bytes.length) throw malformed("the file ends within its first frame");
      return {
        x: 2 * uint24(view, body),
        y: 2 * uint24(view, body + 3),
        width: uint24(view, body + 6) + 1,
        height: uint24(view, body + 9) + 1,
        file: stillOf(bytes.subarray(body + 6, body + 12), bytes.subarray(body + frameHeader, body + length)),
      };
    }
    at = body + length + (length % 2);
  }
  throw malformed("it announces an animation and has no frame");
};

/** The frame at its position on the canvas; the rest is transparent. */
const onCanvas = (pixels: Pixels, { x, y }: Frame, { width, height }: WebpHeader): Pixels => {
  if (pixels.width === width && pixels.height === height) return pixels;
  const data = new Uint8Array(4 * width * height);
  for (let row = 0; row < pixels.height; row++) {
    const from = 4 * row * pixels.width;
    data.set(pixels.data.subarray(from, from + 4 * pixels.width), 4 * ((y + row) * width + x));
  }
  return { data, width, height };
};

const nonEmpty = (width: number, height: number): { width: number; height: number } => {
  if (width === 0 || height === 0) throw malformed(`the header says ${width} x ${height} pixels`);
  return { width, height };
};

const decodeStill = async (bytes: Uint8Array): Promise<Pixels | null> => {
  const codec = await startCodec(factory, "webp", () => undefined);
  return asImageError("WebP:", () => codec.decode(bytes));
};

/** The pixels (of an animation, those of the first frame); null if libwebp refuses the data. @throws ImageError `malformed` */
export const decodeWebp = async (bytes: Uint8Array): Promise<Pixels | null> => {
  if (viewOf(bytes).getUint32(4, true) + 8 > bytes.length) throw malformed("the file is shorter than its header says");
  const header = readWebpHeader(bytes);
  if (header.animated !== true) return decodeStill(bytes);
  const frame = firstFrame(bytes);
  if (frame.x + frame.width > header.width || frame.y + frame.height > header.height)
    throw malformed("its first frame lies outside its canvas");
  const pixels = await decodeStill(frame.file);
  if (pixels?.width !== frame.width || pixels.height !== frame.height)
    throw malformed("its first frame does not decode to the size that it announces");
  return onCanvas(pixels, frame, header);
};
