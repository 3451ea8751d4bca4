/** Encodes images [P,H,W] of 1 to 4 planes, grey levels 0..255, as PNG. */
import { spatialSize, tensor, type Size, type Tensor } from "../tensor.ts";
import { colourTypes, type ColourType } from "./png-chunks.ts";
import { writePng } from "./png-encode.ts";

/** The colour types of PNG by the number of an image's planes. */
const colourByPlanes = [colourTypes.grey, colourTypes.greyAlpha, colourTypes.rgb, colourTypes.rgbAlpha] as const;

/** Whether an image of so many planes can be a PNG. */
export const isPngPlanes = (planes: number): boolean => planes >= 1 && planes <= 4;

/** The size and the colour type of an image [P,H,W]. @throws RangeError for another shape, or for an image without pixels. */
const imageHeader = (image: Tensor<"float32">): Size & { readonly planes: number; readonly colour: ColourType } => {
  const planes = image.shape[0] ?? 0;
  const colour = colourByPlanes[planes - 1];
  if (image.shape.length !== 3 || colour === undefined || image.data.length === 0) {
    throw new RangeError(`an image must be [1 to 4, H, W], not [${image.shape.join(", ")}]`);
  }
  return { ...spatialSize(image), planes, colour };
};

/** The nearest integer in 0..max; halves are rounded up. @throws RangeError for NaN. */
export const quantise = (value: number, max: number): number => {
  if (value >= 0 && value < max) return (value + 0.5) | 0;
  if (Number.isNaN(value)) throw new RangeError("an image must not contain NaN");
  return value < 0 ? 0 : max;
};

/** Converts planes to interleaved samples, each round(`scale`·v) clamped to 0..`max`. */
const interleave = <A extends Uint8Array | Uint16Array>(
  { data, shape }: Tensor<"float32">,
  samples: A,
  scale: number,
  max: number,
): A => {
  const planes = shape[0]!;
  const size = data.length / planes;
  for (let c = 0; c < planes; c++) {
    for (let i = 0; i < size; i++) samples[planes * i + c] = quantise(data[c * size + i]! * scale, max);
  }
  return samples;
};

/** Whether all are integers in 0..255, and none is −0. */
const areWhole = (values: Float32Array): boolean => {
  for (let i = 0; i < values.length; i++) if (!Object.is(values[i]! & 255, values[i])) return false;
  return true;
};

/** The values that an 8-bit PNG of the image holds: clamped to 0..255 and rounded, halves up. The image itself where it holds no others. */
export const roundToUint8 = (image: Tensor<"float32">): Tensor<"float32"> => {
  const { data, shape } = image;
  if (areWhole(data)) return image;
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = quantise(data[i]!, 255);
  return tensor("float32", shape, out);
};

/** As `roundToUint8`, as uint8. */
export const bytesOf = ({ data, shape }: Tensor<"float32">): Tensor<"uint8"> => {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = quantise(data[i]!, 255);
  return tensor("uint8", shape, out);
};

/** 8-bit PNG of 1 to 4 planes (grey, grey and alpha, RGB, RGBA); values are clamped to 0..255 and rounded, halves up. */
export const encodePng = (image: Tensor<"float32">): Uint8Array => {
  const { width, height, planes, colour } = imageHeader(image);
  const bytes = interleave(image, new Uint8Array(planes * width * height), 1, 255);
  return writePng({ width, height, depth: 8, colour, bytes });
};

/**
 * 16-bit PNG of round(257·v), of 1 to 4 planes: a resolution of 1/257 grey level, so that `decodeImage` gives v back within 1/514 and
 * integers exactly. Bit-exact floats need `encodeNpy`.
 */
export const encodePng16 = (image: Tensor<"float32">): Uint8Array => {
  const { width, height, planes, colour } = imageHeader(image);
  const samples = interleave(image, new Uint16Array(planes * width * height), 257, 65535);
  const bytes = new Uint8Array(2 * samples.length);
  for (let i = 0; i < samples.length; i++) {
    bytes[2 * i] = samples[i]! >> 8;
    bytes[2 * i + 1] = samples[i]!;
  }
  return writePng({ width, height, depth: 16, colour, bytes });
};
