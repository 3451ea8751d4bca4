/** Images [3,H,W], grey levels 0..255, to PNG. */
import { tensor, type Tensor } from "../tensor.ts";
import { viewOf } from "./bytes.ts";
import { colourTypes } from "./png-chunks.ts";
import { writePng } from "./png-encode.ts";

const sizeOfImage = ({ shape }: Tensor<"float32">): { width: number; height: number } => {
  const [channels, height, width] = shape;
  if (shape.length !== 3 || channels !== 3 || !height || !width) {
    throw new RangeError(`an image must be [3, H, W], not [${shape.join(", ")}]`);
  }
  return { width, height };
};

/** The nearest integer of 0..max; halves go up. @throws RangeError for NaN, which no picture can show */
const quantise = (value: number, max: number): number => {
  if (Number.isNaN(value)) throw new RangeError("an image must not contain NaN");
  return Math.min(max, Math.max(0, Math.floor(value + 0.5)));
};

/** Planes to interleaved samples: `put(sample number, value)`. */
const interleave = (image: Tensor<"float32">, put: (sample: number, value: number) => void): void => {
  const size = image.data.length / 3;
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < size; i++) put(3 * i + c, image.data[c * size + i]!);
  }
};

/** The image as an 8-bit PNG holds it: clamped to 0..255 and rounded, halves up. */
export const roundToUint8 = (image: Tensor<"float32">): Tensor<"float32"> =>
  tensor(
    "float32",
    image.shape,
    image.data.map((v) => quantise(v, 255)),
  );

/** 8-bit RGB PNG; values are clamped to 0..255 and rounded, halves up. */
export const encodePng = (image: Tensor<"float32">): Uint8Array => {
  const { width, height } = sizeOfImage(image);
  const bytes = new Uint8Array(3 * width * height);
  interleave(image, (sample, value) => (bytes[sample] = quantise(value, 255)));
  return writePng({ width, height, depth: 8, colour: colourTypes.rgb, bytes });
};

/**
 * 16-bit RGB PNG of round(257·v): a resolution of 1/257 grey level, so that `decodeImage` gives v back within 1/514 and
 * integers exactly. Bit-exact floats need `encodeNpy`.
 */
export const encodePng16 = (image: Tensor<"float32">): Uint8Array => {
  const { width, height } = sizeOfImage(image);
  const bytes = new Uint8Array(6 * width * height);
  const view = viewOf(bytes);
  interleave(image, (sample, value) => view.setUint16(2 * sample, quantise(value * 257, 65535)));
  return writePng({ width, height, depth: 16, colour: colourTypes.rgb, bytes });
};
