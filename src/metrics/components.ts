/** Connected components of label maps, by which small objects are told from large ones. */

import { dimensionsOf, tensor, type Tensor } from "../tensor.ts";

/** The label of pixels that are ignored. */
const VOID = 255;

/** The root of a pixel's tree; paths are halved on the way (Tarjan and van Leeuwen 1984). */
const rootOf = (parents: Int32Array, pixel: number): number => {
  let at = pixel;
  while (parents[at] !== at) {
    parents[at] = parents[parents[at]!]!;
    at = parents[at]!;
  }
  return at;
};

/** The first pixel of the component that each pixel belongs to: pixels of one label that touch at a side. */
const componentsOf = (data: Uint8Array, width: number): Int32Array => {
  const parents = Int32Array.from(data, (_, i) => i);
  const join = (a: number, b: number): void => {
    const [left, right] = [rootOf(parents, a), rootOf(parents, b)];
    if (left !== right) parents[Math.max(left, right)] = Math.min(left, right);
  };
  for (let i = 0; i < data.length; i++) {
    if (i % width > 0 && data[i] === data[i - 1]) join(i, i - 1);
    if (i >= width && data[i] === data[i - width]) join(i, i - width);
  }
  for (let i = 0; i < data.length; i++) parents[i] = rootOf(parents, i);
  return parents;
};

/**
 * The map with everything void but the small objects: the 4-connected components of a class with less than `share` of the pixels of the
 * image.
 *
 * @param labels uint8 [H,W], 255 = void.
 * @param share 0..1.
 */
export const smallObjects = (labels: Tensor<"uint8">, share: number): Tensor<"uint8"> => {
  const [, width] = dimensionsOf(labels, 2);
  const { data } = labels;
  const components = componentsOf(data, width);
  const areas = new Int32Array(data.length);
  for (let i = 0; i < data.length; i++) areas[components[i]!]! += 1;
  const limit = share * data.length;
  const kept = data.map((label, i) => (areas[components[i]!]! < limit ? label : VOID));
  return tensor("uint8", labels.shape, kept);
};
