/** Conversion between pictures that the browser decodes and images as tensors. */

import type { Image } from "../segmenter/segmenter.ts";
import { type Size, tensor } from "../tensor.ts";

/** A picture that the browser has decoded, at its own size. */
export interface Picture {
  readonly name: string;
  readonly bitmap: ImageBitmap;
}

/** Decodes with the browser, which supports more formats than Faultline and applies the Exif orientation. */
export const readPicture = async (name: string, file: Blob): Promise<Picture> => {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", imageOrientation: "from-image" });
  return { name, bitmap };
};

/** The picture's size, reduced in its aspect ratio such that no side is longer than `longest`. */
export const sizeWithin = ({ width, height }: Size, longest: number): Size => {
  const scale = Math.min(1, longest / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
};

/** The drawing context. @throws Error if the context is lost or the canvas is too large. */
const contextOf = (canvas: HTMLCanvasElement, { width, height }: Size, alpha = false) => {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { alpha, willReadFrequently: true });
  if (!context) throw new Error(`the browser gives no canvas of ${width} × ${height} pixels`);
  return context;
};

/** The image [3,H,W] at the given size, composited over black; at the picture's own size its pixels are unchanged. */
export const imageOf = ({ bitmap }: Picture, size: Size): Image => {
  const context = contextOf(document.createElement("canvas"), size);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, size.width, size.height);
  const { data } = context.getImageData(0, 0, size.width, size.height);
  const area = size.width * size.height;
  const planes = new Float32Array(3 * area);
  for (let i = 0; i < area; i++) for (let c = 0; c < 3; c++) planes[c * area + i] = data[4 * i + c]!;
  return tensor("float32", [3, size.height, size.width], planes);
};

/** Writes red, green and blue of pixel `i` to `rgba` from `4·i` on, and its opacity where that is not full. */
export type Colour = (i: number, rgba: Uint8ClampedArray) => void;

/** @param alpha whether what lies below shows through. */
export const paint = (canvas: HTMLCanvasElement, size: Size, colour: Colour, alpha = false): void => {
  const context = contextOf(canvas, size, alpha);
  const picture = context.createImageData(size.width, size.height);
  picture.data.fill(255);
  for (let i = 0; i < size.width * size.height; i++) colour(i, picture.data);
  context.putImageData(picture, 0, 0);
};

/** What a canvas shows, as PNG. */
export const pngOf = (canvas: HTMLCanvasElement): Promise<Blob> =>
  new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the browser made no PNG"))), "image/png"),
  );
