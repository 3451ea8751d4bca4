/** WebP in: the container read here (RFC 9649), pixels by libwebp. */
import libwebp from "@jsquash/webp/codec/dec/webp_dec.js";
import { nameAt, viewOf } from "./bytes.ts";
import { startCodec, type CodecFactory, type Pixels } from "./codecs.ts";
import { asImageError, ImageError } from "./error.ts";

// The package types its glue by a global namespace that it does not load.
const factory: CodecFactory = libwebp;

const malformed = (message: string): ImageError => new ImageError("malformed", `WebP: ${message}`);

export const isWebp = (bytes: Uint8Array): boolean => nameAt(bytes, 0) === "RIFF" && nameAt(bytes, 8) === "WEBP";

/** Width and height from the first chunk: VP8 (lossy), VP8L (lossless) or VP8X (extended). @throws ImageError */
export const readWebpHeader = (bytes: Uint8Array): { width: number; height: number } => {
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
      if (bytes[body]! & 2) throw new ImageError("unsupported-format", "WebP: animations are not supported");
      return {
        width: (view.getUint32(body + 4, true) & 0xffffff) + 1,
        height: (view.getUint32(body + 6, true) >>> 8) + 1,
      };
    default:
      throw malformed(`it starts with the unknown chunk ${JSON.stringify(nameAt(bytes, 12))}`);
  }
};

const nonEmpty = (width: number, height: number): { width: number; height: number } => {
  if (width === 0 || height === 0) throw malformed(`the header says ${width} x ${height} pixels`);
  return { width, height };
};

/** Pixels; `null` where libwebp refuses the data. @throws ImageError `malformed` */
export const decodeWebp = async (bytes: Uint8Array): Promise<Pixels | null> => {
  if (viewOf(bytes).getUint32(4, true) + 8 > bytes.length) throw malformed("the file is shorter than its header says");
  const codec = await startCodec(factory, "webp", () => undefined);
  return asImageError("WebP:", () => codec.decode(bytes));
};
