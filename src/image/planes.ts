/** Pictures for networks of any number of channels: grey, red-green-blue, or planes such as near infrared. */
import { sizeOf, tensor, type Tensor } from "../tensor.ts";
import { decodeOverBlack, type DecodeOptions } from "./decode.ts";
import { ImageError } from "./error.ts";
import { greyOf } from "./grey.ts";
import { decodeNpy, readNpyHeader } from "./npy.ts";
import { channelsOf, colourTypes, isPng } from "./png-chunks.ts";
import { decodePng } from "./png-decode.ts";
import { isNpyPicture, npyLayout, probeWithin } from "./probe.ts";

/** Interleaved or planar samples, each divided by `unit`, as planes. */
const separated = (
  samples: ArrayLike<number>,
  [count, height, width]: readonly [number, number, number],
  unit: number,
  isPlanar: boolean,
): Tensor<"float32"> => {
  const size = height * width;
  const data = new Float32Array(count * size);
  for (let c = 0; c < count; c++)
    for (let i = 0; i < size; i++) data[c * size + i] = samples[isPlanar ? c * size + i : i * count + c]! / unit;
  return tensor("float32", [count, height, width], data);
};

const units = { uint8: 1, uint16: 257, float32: 1 } as const;

/** uint8 as it is, uint16 divided by 257, float32 as it is, which must lie within 0..255. */
const fromNpy = (bytes: Uint8Array): Tensor<"float32"> => {
  const { dtype, shape } = readNpyHeader(bytes);
  const { count, width, height, isPlanar } = npyLayout({ dtype, shape });
  const samples = decodeNpy(bytes).data as Uint8Array | Uint16Array | Float32Array;
  if (dtype === "float32") {
    const stray = samples.find((v: number) => !(v >= 0 && v <= 255));
    if (stray !== undefined)
      throw new ImageError("malformed", `NPY: its float32 values must be grey levels from 0 to 255, not ${stray}`);
  }
  return separated(samples, [count, height, width], units[dtype as keyof typeof units], isPlanar);
};

/** The channels of a PNG as they are stored, alpha included; null if it has another number of them or a palette. */
const fromPng = (bytes: Uint8Array, count: number): Tensor<"float32"> | null => {
  const { header, samples } = decodePng(bytes);
  const { width, height, depth, colour } = header;
  if (colour === colourTypes.palette || channelsOf(colour) !== count) return null;
  return separated(samples, [count, height, width], (2 ** depth - 1) / 255, false);
};

/** What a picture of so many channels can be. */
export const acceptedPictures = (count: number): readonly string[] => {
  const array = `NPY [H, W, ${count}] or [${count}, H, W] of uint8, uint16 or float32`;
  if (count === 3) return ["PNG", "JPEG", "WebP", array];
  if (count === 1) return ["PNG", "JPEG", "WebP", "NPY [H, W] of uint8, uint16 or float32"];
  if (count === 2) return ["PNG of grey and alpha", array];
  return count === 4 ? ["PNG of red, green, blue and alpha", array] : [array];
};

/** A picture [`count`,H,W] of grey levels 0..255, and whether some of its pixels were not opaque and were put on black. */
export interface Picture {
  readonly image: Tensor<"float32">;
  readonly isTranslucent: boolean;
}

/**
 * Decodes a picture.
 *
 * Three channels are those of `decodeImage`; one is the luma of these. Other numbers are the channels of a PNG as they are stored
 * (grey and alpha; red, green, blue and alpha), without compositing. An NPY file gives any number of channels.
 *
 * @throws ImageError, and nothing else, on any bytes
 */
export const decodePicture = async (bytes: Uint8Array, count: number, limits: DecodeOptions): Promise<Picture> => {
  const { channels } = probeWithin(bytes, limits);
  const refused = (found: number): ImageError =>
    new ImageError("unsupported-format", `a picture of ${found} channels, where the network takes ${count}`);
  if (isNpyPicture(bytes)) {
    if (channels !== count && !(count === 3 && channels === 1)) throw refused(channels ?? 0);
    const planes = fromNpy(bytes);
    return { image: channels === count ? planes : repeated(planes, count), isTranslucent: false };
  }
  if (count === 3) return decodeOverBlack(bytes, limits);
  if (count === 1) {
    const { image, isTranslucent } = await decodeOverBlack(bytes, limits);
    return { image: greyOf(image), isTranslucent };
  }
  const planes = isPng(bytes) ? fromPng(bytes, count) : null;
  if (!planes) throw refused(channels ?? 3);
  return { image: planes, isTranslucent: false };
};

/** The image of `decodePicture`. @throws ImageError, and nothing else, on any bytes */
export const decodePlanes = async (
  bytes: Uint8Array,
  count: number,
  limits: DecodeOptions,
): Promise<Tensor<"float32">> => (await decodePicture(bytes, count, limits)).image;

/** A grey plane as red, green and blue, as for a grey PNG. */
const repeated = ({ data, shape }: Tensor<"float32">, count: number): Tensor<"float32"> => {
  const out = new Float32Array(count * sizeOf(shape));
  for (let c = 0; c < count; c++) out.set(data, c * data.length);
  return tensor("float32", [count, ...shape.slice(1)], out);
};
