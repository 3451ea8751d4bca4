/** The format and the decoded size of a file, from its header. */
import { asImageError, ImageError } from "./error.ts";
import { isJpeg, readJpegHeader } from "./jpeg.ts";
import { isNpy, readNpyHeader, type NpyHeader } from "./npy.ts";
import type { Orientation } from "./orientation.ts";
import { channelsOf, colourTypes, isPng, readPngHeader } from "./png-chunks.ts";
import { isWebp, readWebpHeader } from "./webp.ts";

export type ImageFormat = "png" | "jpeg" | "webp" | "npy";

export interface ImageHeader {
  readonly format: ImageFormat;
  /** The width of the upright image. */
  readonly width: number;
  readonly height: number;
  /** The Exif orientation of a JPEG; absent if it is stored upright. */
  readonly orientation?: Orientation;
  /** True for an animation, of which the first frame is decoded. */
  readonly animated?: true;
  /** Channels of a PNG without a palette, or of an NPY file. */
  readonly channels?: number;
}

const formatOf = (bytes: Uint8Array): ImageFormat => {
  if (isPng(bytes)) return "png";
  if (isJpeg(bytes)) return "jpeg";
  if (isWebp(bytes)) return "webp";
  if (isNpy(bytes)) return "npy";
  if (bytes.length < 12)
    throw new ImageError("malformed", `${bytes.length} bytes are no image; PNG, JPEG, WebP and NPY are accepted`);
  throw new ImageError("unsupported-format", "the data is neither PNG, JPEG, WebP nor NPY, the formats accepted");
};

/** Whether the file has an accepted format; its variant may still be unsupported. */
export const isAcceptedFormat = (bytes: Uint8Array): boolean =>
  isPng(bytes) || isJpeg(bytes) || isWebp(bytes) || isNpy(bytes);

/** Whether the file is an array rather than a compressed image. */
export const isNpyPicture = isNpy;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly orientation?: Orientation;
  readonly animated?: boolean;
  readonly channels?: number;
}

/** How an array is read as a picture. */
export interface NpyLayout {
  readonly count: number;
  readonly width: number;
  readonly height: number;
  /** Whether the channels come first, [C,H,W]. */
  readonly isPlanar: boolean;
}

/**
 * [H,W]; or [C,H,W] if the first axis is shorter than the last; else [H,W,C]. A picture has more columns than channels.
 *
 * @throws ImageError for another rank or type, or without pixels.
 */
export const npyLayout = ({ dtype, shape }: Pick<NpyHeader, "dtype" | "shape">): NpyLayout => {
  const [a = 0, b = 0, c = 0] = shape;
  if (!["uint8", "uint16", "float32"].includes(dtype))
    throw new ImageError("unsupported-format", `NPY: a picture of ${dtype}; uint8, uint16 and float32 are accepted`);
  if ((shape.length !== 2 && shape.length !== 3) || shape.includes(0))
    throw new ImageError(
      "unsupported-format",
      `NPY: a picture of shape [${shape.join(", ")}]; [H, W], [H, W, C] and [C, H, W] are accepted`,
    );
  if (shape.length === 2) return { count: 1, height: a, width: b, isPlanar: true };
  return a < c ? { count: a, height: b, width: c, isPlanar: true } : { count: c, height: a, width: b, isPlanar: false };
};

const npyPictureHeader = (bytes: Uint8Array): Header => {
  const { count, width, height } = npyLayout(readNpyHeader(bytes));
  return { channels: count, width, height };
};

const pngHeader = (bytes: Uint8Array): Header => {
  const { width, height, colour } = readPngHeader(bytes);
  return { width, height, ...(colour === colourTypes.palette ? {} : { channels: channelsOf(colour) }) };
};

const readers: Readonly<Record<ImageFormat, (bytes: Uint8Array) => Header>> = {
  npy: npyPictureHeader,
  png: pngHeader,
  jpeg: readJpegHeader,
  webp: readWebpHeader,
};

/** The format and size from the header; nothing is decoded. @throws ImageError `unsupported-format` or `malformed` */
export const probe = (bytes: Uint8Array): ImageHeader =>
  asImageError("the image's header", () => {
    const format = formatOf(bytes);
    const { width, height, orientation = 1, animated = false, channels }: Header = readers[format](bytes);
    return {
      format,
      width,
      height,
      ...(orientation === 1 ? {} : { orientation }),
      ...(animated ? { animated } : {}),
      ...(channels === undefined ? {} : { channels }),
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
