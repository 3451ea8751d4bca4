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

/** What the network's input makes of an image. */
const prepare = ({ manifest: { input } }: Network, image: Planes): Planes =>
  planes(image.shape, (c, y, x) => {
    const grey = get(image, input.channels === "RGB" ? c : 2 - c, y, x);
    return (input.scale * grey - input.mean[c]!) / input.std[c]!;
  });

/** The network's output; of probabilities their logarithm. */
const run = ({ manifest: { input, output }, model }: Network, x: Planes): Planes => {
  const result = interpret(model.graph, { [input.name]: tensorOf("float64", [1, ...x.shape], x.data) })[output.name]!;
  const raw = numbersOf(result);
  const [, c, h, w] = result.shape as [number, number, number, number];
  return { shape: [c, h, w], data: output.kind === "probabilities" ? raw.map((p) => Math.log(p)) : raw };
};

/** The first rows and columns; zeros where there are no more. */
const corner = (image: Planes, height: number, width: number): Planes => {
  const [channels, h, w] = image.shape;
  return planes([channels, height, width], (c, y, x) => (y < h && x < w ? get(image, c, y, x) : 0));
};

/** Where tiles begin: step after step until one reaches the end, which it does not pass. */
const beginnings = (length: number, side: number, step: number): number[] => {
  const starts: number[] = [];
  for (let at = 0; starts.length === 0 || starts.at(-1)! + side < length; at += step)
    starts.push(Math.min(at, length - side));
  return starts;
};

/** The mean over all tiles that cover a pixel, each by how deep the pixel lies in it, along both axes. */
const tileByTile = (network: Network, x: Planes, [height, width]: readonly [number, number]): Planes => {
  const overlap = network.manifest.input.overlap ?? 0;
  const [, h, w] = x.shape;
  const tiles = beginnings(h, height, height - overlap).flatMap((top) =>
    beginnings(w, width, width - overlap).map((left) => {
      const cut = planes([3, height, width], (c, v, u) => get(x, c, top + v, left + u));
      return { top, left, logits: resize(run(network, cut), height, width) };
    }),
  );
  const depth = (at: number, side: number) => Math.min(at + 1, side - at, overlap + 1);
  return planes([tiles[0]!.logits.shape[0], h, w], (c, v, u) => {
    let [sum, weight] = [0, 0];
    for (const { top, left, logits } of tiles) {
      const [row, column] = [v - top, u - left];
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      const share = depth(row, height) * depth(column, width);
      sum += share * get(logits, c, row, column);
      weight += share;
    }
    return sum / weight;
  });
};

/** Logits at the size at which the image is seen. */
const view = (network: Network, image: Planes, height: number, width: number): Planes => {
  const { input } = network.manifest;
  const m = input.multipleOf ?? 1;
  if (input.fit === "pad") {
    const [h, w] = [height, width].map((side) => m * Math.ceil(side / m)) as [number, number];
    const x = corner(prepare(network, resize(image, height, width)), h, w);
    return corner(resize(run(network, x), h, w), height, width);
  }
  if (input.fit === "tile") {
    const tile = [input.height as number, input.width as number] as const;
    const prepared = prepare(network, resize(image, height, width));
    const x = corner(prepared, Math.max(height, tile[0]), Math.max(width, tile[1]));
    return corner(tileByTile(network, x, tile), height, width);
  }
  const seen = (fixed: number | "dynamic", own: number) =>
    fixed === "dynamic" ? Math.max(m, Math.floor(own / m + 0.5) * m) : fixed;
  return run(network, prepare(network, resize(image, seen(input.height, height), seen(input.width, width))));
};

/** Logits [C,H,W] at the image's size, at each scale. */
const views = (network: Network, image: Planes): Planes[] => {
  const [, height, width] = image.shape;
  return (network.manifest.scales ?? [1]).map((s) => {
    const side = (own: number) => Math.max(1, Math.floor(s * own + 0.5));
    return resize(view(network, image, side(height), side(width)), height, width);
  });
};

/**
 * Logits [C,H,W] at the image's size: of the one view, or the mean over the scales, or that of the scale that is largest at
 * `centre`: differences around it then see no kink.
 */
export const logitsByHand = (network: Network, image: Planes, centre = image): Planes => {
  const all = views(network, image);
  if (all.length === 1) return all[0]!;
  const mean = network.manifest.fusion === "mean";
  const deciding = mean || centre === image ? all : views(network, centre);
  return planes(all[0]!.shape, (c, y, x) => {
    const values = all.map((v) => get(v, c, y, x));
    return mean
      ? values.reduce((a, b) => a + b) / values.length
      : values[argmax(deciding.map((v) => get(v, c, y, x)))]!;
  });
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
export const lossByHand = (network: Network, image: Planes, labels: Labels, centre = image): number =>
  pixelsOf(logitsByHand(network, image, centre)).reduce((sum, z, i) => {
    const y = labels.data[i]!;
    return y === 255 ? sum : sum + logSumExp(z) - z[y]!;
  }, 0);
