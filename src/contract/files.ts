/** The files of requests and answers. */

/** An encoded file: PNG, or NPY for float images. */
export interface EncodedImage {
  readonly mediaType: "image/png" | "application/x-npy";
  readonly data: Uint8Array;
}

/** The files that a request can carry, by the name of their multipart part or JSON field. */
export type PartName = "image" | "labels" | "target" | "prediction" | "reference" | "adversarial" | "delta";

/** A part, or one of its files where it has several. */
export type FilePlace = PartName | `${PartName}/${number}`;

/** A file with its name, or its path in the folder of another. */
export interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}
