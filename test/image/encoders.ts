/** The other side of the lossy codecs, and a picture for them. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import jpegFactory from "@jsquash/jpeg/codec/enc/mozjpeg_enc.js";
import { defaultOptions as jpegDefaults } from "@jsquash/jpeg/meta.js";
import webpFactory from "@jsquash/webp/codec/enc/webp_enc.js";
import { defaultOptions as webpDefaults } from "@jsquash/webp/meta.js";

type Encoder = { encode: (rgba: Uint8Array, width: number, height: number, options: object) => Uint8Array };
type Factory = (options: object) => Promise<Encoder>;

const wasm = (file: string): Promise<Buffer> => readFile(createRequire(import.meta.url).resolve(file));

const start = async (factory: Factory, file: string): Promise<Encoder> =>
  factory({ noInitialRun: true, locateFile: (path: string) => path, wasmBinary: await wasm(file) });

export interface Rgba {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

const jpegEncoder = start(jpegFactory as Factory, "@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm");
const webpEncoder = start(webpFactory as Factory, "@jsquash/webp/codec/enc/webp_enc.wasm");

export const encodeJpeg = async ({ data, width, height }: Rgba, options: object = {}): Promise<Uint8Array> =>
  (await jpegEncoder).encode(data, width, height, Object.assign({}, jpegDefaults, options)).slice();

export const encodeWebp = async ({ data, width, height }: Rgba, options: object = {}): Promise<Uint8Array> =>
  (await webpEncoder).encode(data, width, height, Object.assign({}, webpDefaults, options)).slice();

/** A smooth picture with edges: what lossy codecs are made for. */
export const scene = (width: number, height: number): Rgba => {
  const data = new Uint8Array(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (Math.min(width, height) / 3) ** 2;
      const rgb = inside ? [200, 60, 40] : [(255 * x) / width, (255 * y) / height, 128];
      data.set([...rgb, 255], 4 * (y * width + x));
    }
  }
  return { data, width, height };
};
