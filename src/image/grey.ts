/** Colour pictures made grey. */
import { spatialSize, tensor, type Tensor } from "../tensor.ts";

/** Luma of RGB (ITU-R BT.601), by which most libraries make a colour picture grey. */
const LUMA = [0.299, 0.587, 0.114] as const;

/** An image [3,H,W] as [1,H,W]: its luma; exactly the common value where red, green and blue are equal. */
export const greyOf = (image: Tensor<"float32">): Tensor<"float32"> => {
  const { height, width } = spatialSize(image);
  const size = height * width;
  const { data } = image;
  const grey = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const [r, g, b] = [data[i]!, data[size + i]!, data[2 * size + i]!];
    grey[i] = r === g && g === b ? r : LUMA[0] * r + LUMA[1] * g + LUMA[2] * b;
  }
  return tensor("float32", [1, height, width], grey);
};
