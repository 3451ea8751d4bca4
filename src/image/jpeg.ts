/** JPEG decoding: the markers are read here (ITU-T T.81, annex B), the pixels by MozJPEG. */
import mozjpeg from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import { viewOf } from "./bytes.ts";
import { startCodec, type CodecFactory, type Pixels } from "./codecs.ts";
import { asImageError, ImageError } from "./error.ts";
import { exchangesSides, readOrientation, type Orientation } from "./orientation.ts";

export const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;

// The package declares the type of its glue in a global namespace that it does not load.
const factory: CodecFactory = mozjpeg;

const appOne = 0xe1;
const startOfScan = 0xda;
const endOfImage = 0xd9;

// Progressive files have about ten scans; each costs a pass over the whole image, however few bytes it has.
const maxScans = 100;
/** Maximum number of pixels of all passes together, which is 32 scans of an image of 4096 × 4096. */
const maxScannedPixels = 2 ** 29;
/** Maximum number of marker segments. Files have about ten, and one per 64 KiB of a colour profile. */
const maxSegments = 4096;

const malformed = (message: string): ImageError => new ImageError("malformed", `JPEG: ${message}`);

const isRestart = (marker: number): boolean => marker >= 0xd0 && marker <= 0xd7;

/** Whether a marker is one of SOF0..SOF15; C4, C8 and CC in that range are DHT, JPG and DAC. */
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** The position of the first marker after entropy-coded data, in which FF is followed by 00 or is part of a restart marker. */
const endOfScan = (bytes: Uint8Array, start: number): number => {
  let at = start;
  while (at + 1 < bytes.length) {
    const next = bytes[at + 1]!;
    if (bytes[at] === 0xff && next !== 0 && next !== 0xff && !isRestart(next)) return at;
    at++;
  }
  return bytes.length;
};

/** The marker segments, from the first after SOI up to EOI. */
function* segmentsOf(bytes: Uint8Array): Generator<{ marker: number; body: Uint8Array }> {
  const view = viewOf(bytes);
  let at = 2;
  for (let count = 0; ; count++) {
    if (count > maxSegments) throw malformed(`it has more than ${maxSegments} marker segments`);
    while (at < bytes.length && bytes[at] !== 0xff) at++;
    while (bytes[at] === 0xff) at++;
    const marker = bytes[at++];
    if (marker === undefined) throw malformed("the file ends before its end-of-image marker");
    if (marker === 0 || marker === 1 || isRestart(marker)) continue;
    if (marker === endOfImage) return;
    const length = at + 2 <= bytes.length ? view.getUint16(at) : 2;
    if (length < 2 || at + Math.max(2, length) > bytes.length) throw malformed("the file ends within a marker segment");
    yield { marker, body: bytes.subarray(at + 2, at + length) };
    at += length;
    if (marker === startOfScan) at = endOfScan(bytes, at);
  }
}

interface JpegHeader {
  /** The width of the upright image. */
  readonly width: number;
  readonly height: number;
  readonly orientation: Orientation;
}

const layoutText = (components: number): string =>
  components === 4 ? "four components (CMYK or YCCK)" : `${components} components`;

/** The size of the upright image, from the frame header and the Exif segment. @throws ImageError */
export const readJpegHeader = (bytes: Uint8Array): JpegHeader => {
  let orientation: Orientation = 1;
  for (const { marker, body } of segmentsOf(bytes)) {
    if (marker === startOfScan) break;
    if (marker === appOne && orientation === 1) orientation = readOrientation(body);
    if (!isFrame(marker)) continue;
    if (body.length < 6) throw malformed("its frame header is too short");
    const view = viewOf(body);
    const [precision, height, width, components] = [body[0]!, view.getUint16(1), view.getUint16(3), body[5]!];
    if (marker > 0xc2 || precision !== 8 || (components !== 1 && components !== 3)) {
      throw new ImageError(
        "unsupported-format",
        `JPEG with frame type SOF${marker - 0xc0}, ${precision} bits and ${layoutText(components)}; ` +
          "baseline and progressive JPEG of 8 bits in grey or YCbCr are decoded: convert it to RGB",
      );
    }
    if (width === 0 || height === 0) throw malformed(`the header says ${width} x ${height} pixels`);
    return exchangesSides(orientation) ? { width: height, height: width, orientation } : { width, height, orientation };
  }
  throw malformed("it has no frame header");
};

/**
 * The pixels as stored; the caller applies the header's orientation. libjpeg fills the missing part of a truncated file with grey;
 * here such files are refused.
 *
 * @throws ImageError `malformed`
 */
export const decodeJpeg = async (bytes: Uint8Array): Promise<Pixels | null> => {
  const { width, height } = readJpegHeader(bytes);
  const allowed = Math.min(maxScans, Math.max(16, Math.floor(maxScannedPixels / (width * height))));
  let scans = 0;
  for (const { marker } of segmentsOf(bytes)) {
    if (marker === startOfScan && ++scans > allowed) throw malformed(`it has more than ${allowed} scans`);
  }
  const warnings: string[] = [];
  const codec = await startCodec(factory, "jpeg", (line) => warnings.push(line));
  const pixels = asImageError("JPEG:", () => codec.decode(bytes, false));
  const truncated = warnings.find((line) => line.includes("remature end"));
  if (truncated !== undefined) throw malformed(`its data is incomplete (${truncated})`);
  return pixels;
};
