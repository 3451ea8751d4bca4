/**
 * Why bytes are not the image that was asked for.
 *
 * - `unsupported-format`: not a PNG, JPEG or WebP file, or a variant of one that is not read here;
 * - `malformed`: truncated or corrupt;
 * - `too-large`: more pixels than the caller allows, by the file's header;
 * - `not-labels`: a readable image, but not a map of class indices.
 */
export type ImageErrorKind = "unsupported-format" | "malformed" | "too-large" | "not-labels";

/** The only error that decoding untrusted bytes raises. `message` is fit to be shown to whoever sent them. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly kind: ImageErrorKind;

  constructor(kind: ImageErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Runs a decoder; whatever it throws that is not an `ImageError` already becomes a `malformed` one. */
export const asImageError = <T>(what: string, decode: () => T): T => {
  try {
    return decode();
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    throw new ImageError("malformed", `${what} cannot be decoded: it is truncated or corrupt`, { cause });
  }
};
