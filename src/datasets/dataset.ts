/** The common form of data sets: named pairs of files, which are read on demand. */

/** One image and its ground truth, as the bytes of their files. */
export interface DatasetItem {
  /** The file's name without its extension; unique in the data set. */
  readonly name: string;
  /** The image file: PNG, JPEG or WebP. */
  readonly image: () => Promise<Uint8Array>;
  /** The label map: a PNG of class indices, 255 = void, of the image's size. */
  readonly labels: () => Promise<Uint8Array>;
}
