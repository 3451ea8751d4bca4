/** The files of a request, decoded; an ImageError becomes a FaultlineError. */

import { ImageError } from "../image/error.ts";
import { decodeLabels } from "../image/labels.ts";
import { acceptedPictures, decodePicture, decodePlanes } from "../image/planes.ts";
import { isAcceptedFormat, probe, probeWithin } from "../image/probe.ts";
import { roundingFault, type Rounded } from "../evaluation/rounding.ts";
import type { Network } from "../segmenter/network.ts";
import { readingNotes } from "../segmenter/reads.ts";
import type { Image, Labels, Segmenter } from "../segmenter/segmenter.ts";
import { FaultlineError, type Failure } from "../contract/failure.ts";
import type { PartName } from "../contract/files.ts";
import { type Size, spatialSize } from "../tensor.ts";
import type { Label255, Warning } from "../contract/warnings.ts";
import { read255 } from "./label-reading.ts";

export interface PictureLimits {
  /** Maximum width × height of an image, checked against its header before it is decoded. */
  readonly maxPixels: number;
  /** Maximum width and maximum height. */
  readonly maxSide: number;
}

const failureOf = (
  error: ImageError,
  part: PartName,
  bytes: Uint8Array,
  { maxPixels, maxSide, planes = 3 }: PictureLimits & { readonly planes?: number },
): Failure => {
  switch (error.kind) {
    case "unsupported-format":
      return {
        kind: "image-unsupported-format",
        part,
        received: receivedOf(error, bytes),
        accepted: part === "image" ? acceptedPictures(planes) : ["PNG"],
      };
    case "too-large": {
      const { width, height } = probe(bytes);
      return { kind: "image-too-large", part, size: { width, height }, maxPixels, maxSide };
    }
    case "not-labels":
      return { kind: "labels-malformed", part, reason: error.message };
    case "malformed":
      return { kind: part === "image" ? "image-malformed" : "labels-malformed", part, reason: error.message };
    default:
      return error.kind satisfies never;
  }
};

/** The decoder's reason for a variant of an accepted format, else the file's signature. */
const receivedOf = (error: ImageError, bytes: Uint8Array): string =>
  isAcceptedFormat(bytes) ? error.message : signature(bytes);

/** The first bytes in hexadecimal, by which a file's format can be recognised. */
const signature = (bytes: Uint8Array): string =>
  bytes.length === 0
    ? "no bytes"
    : `bytes ${Array.from(bytes.slice(0, 8), (b) => b.toString(16).padStart(2, "0")).join(" ")} …`;

const rethrown = (
  cause: unknown,
  part: PartName,
  bytes: Uint8Array,
  limits: PictureLimits & { readonly planes?: number },
): unknown =>
  cause instanceof ImageError ? new FaultlineError(failureOf(cause, part, bytes, limits), { cause }) : cause;

/** The size of the part `image`, from its header. */
export const imageSize = (bytes: Uint8Array, limits: PictureLimits): Size => {
  try {
    const { width, height } = probeWithin(bytes, limits);
    return { width, height };
  } catch (cause) {
    throw rethrown(cause, "image", bytes, limits);
  }
};

const translated = async <T>(
  part: PartName,
  bytes: Uint8Array,
  limits: PictureLimits & { readonly planes?: number },
  decode: () => T | Promise<T>,
): Promise<T> => {
  try {
    return await decode();
  } catch (cause) {
    throw rethrown(cause, part, bytes, limits);
  }
};

/** float32 [`planes`,H,W] of the part `image`. */
export const readImage = (bytes: Uint8Array, planes: number, limits: PictureLimits): Promise<Image> =>
  translated("image", bytes, { ...limits, planes }, () => decodePlanes(bytes, planes, limits));

/** Whether pixels of an accepted image were put on black. Decodes again what can have pixels that are not opaque. */
const isTranslucent = async (bytes: Uint8Array, planes: number): Promise<boolean> => {
  const { format, channels } = probe(bytes);
  const isOpaque = format === "jpeg" || format === "npy" || channels === 1 || channels === 3;
  return !isOpaque && (await decodePicture(bytes, planes, { maxPixels: Infinity })).isTranslucent;
};

/** What was done to the part `image`, which was decoded to this image, and what these networks leave out of it. */
export const pictureWarnings = async (
  bytes: Uint8Array,
  image: Image,
  ...networks: readonly Network[]
): Promise<Warning[]> => {
  const { orientation, animated } = probe(bytes);
  const warning = (kind: Warning["kind"], detail: string): Warning => ({
    kind,
    part: "image",
    detail: `/image: ${detail}`,
  });
  return [
    ...(orientation === undefined ? [] : [warning("turned", `turned upright by its Exif orientation, ${orientation}`)]),
    ...((await isTranslucent(bytes, image.shape[0]!))
      ? [warning("translucent", "has pixels that are not opaque, which were put on black (value × opacity)")]
      : []),
    ...(animated ? [warning("first-frame", "an animation, of which the first frame is used")] : []),
    ...readingNotes(networks, image).map((note) => warning("resized", note)),
  ];
};

/** That the 8-bit form of an attacked image does not do what the float one does. @param whose the network that was attacked, where there may be several. */
export const roundingWarnings = (rounded: Rounded, whose = ""): Warning[] => {
  const fault = roundingFault(rounded);
  return fault === null ? [] : [{ kind: "rounded-away", part: "image", detail: `/image: ${whose}${fault}` }];
};

export interface LabelRules extends PictureLimits {
  readonly classes: number;
  /** Colours of the classes, to read a label map stored as an RGB picture. */
  readonly palette?: readonly (readonly [number, number, number])[] | undefined;
  /** The size it must have. */
  readonly expected?: Size | undefined;
  readonly label255?: Label255 | undefined;
}

/** uint8 [H,W]: class indices below `classes`, or 255. */
export const readLabels = async (part: PartName, bytes: Uint8Array, rules: LabelRules): Promise<Labels> => {
  const { maxPixels, maxSide, palette, classes, expected, label255 } = rules;
  const decoded = await translated(part, bytes, rules, () =>
    decodeLabels(bytes, { maxPixels, maxSide, ...(palette ? { palette } : {}) }),
  );
  const size = spatialSize(decoded);
  if (expected && (expected.width !== size.width || expected.height !== size.height)) {
    throw new FaultlineError({ kind: "labels-size-mismatch", part, size, expected });
  }
  const labels = read255(part, decoded, classes, label255);
  const stray = labels.data.find((v) => v >= classes && v !== 255);
  if (stray !== undefined) throw new FaultlineError({ kind: "labels-class-out-of-range", part, value: stray, classes });
  return labels;
};

/** A label map of the request, decoded and checked against the image; undefined where the request has none. */
export const readTruth = async (
  { maxPixels, maxSide }: PictureLimits,
  { segmenter }: { readonly segmenter: Segmenter },
  image: Image,
  part: "labels" | "target",
  bytes: Uint8Array | undefined,
  label255?: Label255,
): Promise<Labels | undefined> => {
  const { classes } = segmenter.manifest;
  const rules = {
    maxPixels,
    maxSide,
    classes: classes.length,
    palette: classes.map((c) => c.color),
    expected: spatialSize(image),
    label255,
  };
  return bytes && readLabels(part, bytes, rules);
};
