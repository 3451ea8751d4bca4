/** What a segmenter is, by its definition in float64: the network interpreted, everything around it by loops. */

import type { Network } from "../../src/segmenter/network.ts";
import type { Labels } from "../../src/segmenter/segmenter.ts";
import { numbersOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";

/** [C,H,W] in float64. */
export interface Planes {
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly data: readonly number[];
}

export const planesOf = ({ shape, data }: Tensor): Planes => ({
  shape: shape as unknown as Planes["shape"],
  data: Array.from(data, Number),
});

const planes = (shape: Planes["shape"], at: (c: number, y: number, x: number) => number): Planes => {
  const [channels, height, width] = shape;
  const data: number[] = [];
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.push(at(c, y, x));
  return { shape, data };
};

const get = ({ shape: [, h, w], data }: Planes, c: number, y: number, x: number): number => data[(c * h + y) * w + x]!;

/** Bilinear with half-pixel centres; the border is repeated. */
export const resize = (image: Planes, height: number, width: number): Planes => {
  const [channels, h, w] = image.shape;
  const along = (i: number, from: number, to: number) => {
    const s = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    const low = Math.floor(s);
    return { low, high: Math.min(low + 1, from - 1), t: s - low };
  };
  return planes([channels, height, width], (c, y, x) => {
    const [v, u] = [along(y, h, height), along(x, w, width)];
    const row = (r: number) => (1 - u.t) * get(image, c, r, u.low) + u.t * get(image, c, r, u.high);
    return (1 - v.t) * row(v.low) + v.t * row(v.high);
  });
};

/** Where the network sees the image: at its own size, or the nearest multiple. */
const sizeSeen = ({ manifest: { input } }: Network, height: number, width: number) => {
  const seen = (fixed: number | "dynamic", own: number) => {
    const m = input.multipleOf ?? 1;
    return fixed === "dynamic" ? Math.max(m, Math.floor(own / m + 0.5) * m) : fixed;
  };
  return [seen(input.height, height), seen(input.width, width)] as const;
};

/** Logits [C,H,W] at the image's size; of probabilities their logarithm. */
export const logitsByHand = (network: Network, image: Planes): Planes => {
  const { input, output } = network.manifest;
  const [, height, width] = image.shape;
  const [h, w] = sizeSeen(network, height, width);
  const resized = resize(image, h, w);
  const prepared = planes([3, h, w], (c, y, x) => {
    const grey = get(resized, input.channels === "RGB" ? c : 2 - c, y, x);
    return (input.scale * grey - input.mean[c]!) / input.std[c]!;
  });
  const fed = tensorOf("float64", [1, 3, h, w], prepared.data);
  const result = interpret(network.model.graph, { [input.name]: fed })[output.name]!;
  const raw = numbersOf(result);
  const data = output.kind === "probabilities" ? raw.map((p) => Math.log(p)) : raw;
  const [, c, oh, ow] = result.shape as [number, number, number, number];
  return resize({ shape: [c, oh, ow], data }, height, width);
};

/** The logits of each pixel. */
export const pixelsOf = ({ shape: [c, h, w], data }: Planes): number[][] =>
  Array.from({ length: h * w }, (_, i) => Array.from({ length: c }, (_x, k) => data[k * h * w + i]!));

export const argmax = (z: readonly number[]): number => z.indexOf(Math.max(...z));

export const logSumExp = (z: readonly number[]): number => {
  const top = Math.max(...z);
  return top + Math.log(z.reduce((sum, v) => sum + Math.exp(v - top), 0));
};

/** Σ over the pixels whose label is not void of ln Σ exp z − z[y]. */
export const lossByHand = (network: Network, image: Planes, labels: Labels): number =>
  pixelsOf(logitsByHand(network, image)).reduce((sum, z, i) => {
    const y = labels.data[i]!;
    return y === 255 ? sum : sum + logSumExp(z) - z[y]!;
  }, 0);
