/** Small pictures for requests: street scenes drawn when the tests run. */
import { camvidClasses } from "../../src/datasets/camvid-classes.ts";
import { renderStreet } from "../../src/datasets/street/render.ts";
import { rasterise } from "../../src/datasets/street/resvg.ts";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { tensor, type Tensor } from "../../src/tensor.ts";
import type { Rgba } from "../image/encoders.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export interface Scene {
  readonly width: number;
  readonly height: number;
  /** float32 [3,H,W], whole grey levels. */
  readonly image: Tensor<"float32">;
  readonly labels: Tensor<"uint8">;
  readonly png: Bytes;
  readonly labelsPng: Bytes;
}

export const palette = camvidClasses.map(({ color }) => color);

export const labelPng = (data: Uint8Array, width: number, height: number): Bytes =>
  new Uint8Array(encodeLabels(tensor("uint8", [height, width], new Uint8Array(data)), palette));

export const makeScene = (seed: number, width: number, height: number): Scene => {
  const { image, labels } = renderStreet(seed, { width, height }, rasterise);
  return {
    width,
    height,
    image,
    labels,
    png: new Uint8Array(encodePng(image)),
    labelsPng: labelPng(labels.data, width, height),
  };
};

/** A picture of any size, quickly. */
export const gradientPng = (width: number, height: number): Bytes => {
  const data = Float32Array.from({ length: 3 * width * height }, (_, i) => (i * 7 + Math.floor(i / width) * 3) % 256);
  return new Uint8Array(encodePng(tensor("float32", [3, height, width], data)));
};

export const rgbaOf = ({ image, width, height }: Scene): Rgba => {
  const area = width * height;
  const data = Uint8Array.from({ length: 4 * area }, (_, i) =>
    i % 4 === 3 ? 255 : image.data[(i % 4) * area + Math.floor(i / 4)]!,
  );
  return { data, width, height };
};
