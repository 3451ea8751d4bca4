/**
 * The reason why bytes are not the requested image.
 *
 * - `unsupported-format`: not a PNG, JPEG or WebP file, or an unsupported variant of one;
 * - `malformed`: truncated or corrupt;
 * - `too-large`: more pixels than the caller allows, by the file's header;
 * - `not-labels`: a readable image, but not a map of class indices.
 */
export type ImageErrorKind = "unsupported-format" | "malformed" | "too-large" | "not-labels";

/** The only error that decoding untrusted bytes throws. Its message may be shown to the sender. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly kind: ImageErrorKind;

  constructor(kind: ImageErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Runs a decoder; errors other than ImageError become an ImageError `malformed`. */
export const asImageError = <T>(what: string, decode: () => T): T => {
  try {
    return decode();
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    throw new ImageError("malformed", `${what} cannot be decoded: it is truncated or corrupt`, { cause });
  }
};
