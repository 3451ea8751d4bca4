/** The sizes of images: those that a user sends, and those that a network is run on. */

import type { Size } from "../tensor.ts";
import type { Manifest } from "./manifest.ts";

const sides = (side: (of: "height" | "width") => number): Size => ({ height: side("height"), width: side("width") });

/**
 * The size of the network's input for an image of `size`: the fixed size, or that of the image rounded to the nearest multiple, or rounded up
 * where the image is padded.
 */
export const networkSize = ({ input }: Manifest, size: Size): Size => {
  const { multipleOf = 1, fit = "resize" } = input;
  const multiples = (of: number) => (fit === "pad" ? Math.ceil(of / multipleOf) : Math.round(of / multipleOf));
  return sides((side) => {
    const fixed = input[side];
    return fixed === "dynamic" ? multipleOf * Math.max(1, multiples(size[side])) : fixed;
  });
};

/** The size closest to `size` of an image that is neither resized nor padded on its way to the network. */
export const nativeSize = (manifest: Manifest, size: Size): Size => {
  const own = networkSize(manifest, size);
  return manifest.input.fit === "tile" ? sides((side) => Math.max(own[side], Math.round(size[side]))) : own;
};

/** The size times the scale, rounded, with at least one pixel on each side. */
export const scaledSize = (size: Size, scale: number): Size =>
  sides((side) => Math.max(1, Math.round(scale * size[side])));
