/** The format and the decoded size of a file, from its header. */
import { asImageError, ImageError } from "./error.ts";
import { isJpeg, readJpegHeader } from "./jpeg.ts";
import type { Orientation } from "./orientation.ts";
import { isPng, readPngHeader } from "./png-chunks.ts";
import { isWebp, readWebpHeader } from "./webp.ts";

export type ImageFormat = "png" | "jpeg" | "webp";

export interface ImageHeader {
  readonly format: ImageFormat;
  /** The width of the upright image. */
  readonly width: number;
  readonly height: number;
  /** The Exif orientation of a JPEG; absent if it is stored upright. */
  readonly orientation?: Orientation;
  /** True for an animation, of which the first frame is decoded. */
  readonly animated?: true;
}

const formatOf = (bytes: Uint8Array): ImageFormat => {
  if (isPng(bytes)) return "png";
  if (isJpeg(bytes)) return "jpeg";
  if (isWebp(bytes)) return "webp";
  if (bytes.length < 12)
    throw new ImageError("malformed", `${bytes.length} bytes are no image; PNG, JPEG and WebP are accepted`);
  throw new ImageError("unsupported-format", "the data is neither PNG, JPEG nor WebP, the formats accepted");
};

/** Whether the file has an accepted format; its variant may still be unsupported. */
export const isAcceptedFormat = (bytes: Uint8Array): boolean => isPng(bytes) || isJpeg(bytes) || isWebp(bytes);

interface Header {
  readonly width: number;
  readonly height: number;
  readonly orientation?: Orientation;
  readonly animated?: boolean;
}

const readers: Readonly<Record<ImageFormat, (bytes: Uint8Array) => Header>> = {
  png: readPngHeader,
  jpeg: readJpegHeader,
  webp: readWebpHeader,
};

/** The format and size from the header; nothing is decoded. @throws ImageError `unsupported-format` or `malformed` */
export const probe = (bytes: Uint8Array): ImageHeader =>
  asImageError("the image's header", () => {
    const format = formatOf(bytes);
    const { width, height, orientation = 1, animated = false }: Header = readers[format](bytes);
    return {
      format,
      width,
      height,
      ...(orientation === 1 ? {} : { orientation }),
      ...(animated ? { animated } : {}),
    };
  });

/** Limits on the size in the header. */
export interface SizeLimits {
  /** Maximum width × height. */
  readonly maxPixels: number;
  /** Maximum width and maximum height; unlimited by default. */
  readonly maxSide?: number | undefined;
}

/** As `probe`, with the size checked against the limits. @throws ImageError, also `too-large` */
export const probeWithin = (bytes: Uint8Array, { maxPixels, maxSide = Infinity }: SizeLimits): ImageHeader => {
  const header = probe(bytes);
  const { width, height } = header;
  if (width * height > maxPixels) {
    throw new ImageError(
      "too-large",
      `the image has ${width} x ${height} = ${width * height} pixels (width x height); at most ${maxPixels} are allowed`,
    );
  }
  if (Math.max(width, height) > maxSide) {
    throw new ImageError(
      "too-large",
      `the image has ${width} x ${height} pixels (width x height); at most ${maxSide} a side are allowed`,
    );
  }
  return header;
};
