/** The files of requests and answers, and the sizes of images. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** An encoded file: PNG, or NPY for float images. */
export interface EncodedImage {
  readonly mediaType: "image/png" | "application/x-npy";
  readonly data: Uint8Array;
}

/** The files that a request can carry, by the name of their multipart part or JSON field. */
export type PartName = "image" | "labels" | "target" | "prediction" | "reference" | "adversarial";
