/**
 * Gaussian noise fast enough to cost little beside a prediction: the ziggurat of Marsaglia and Tsang ("The Ziggurat Method for Generating Random
 * Variables", Journal of Statistical Software 5, 2000) with 256 layers. One word of 32 bits gives a layer, by 8 of its bits, and a
 * place in it, by the other 24 and the sign among them, so that the two do not depend on each other (Doornik, 2005).
 */

import { random, words, type Random } from "../random.ts";
import { tensor, type Tensor } from "../tensor.ts";

const LAYERS = 256;

/** Where the tail begins, and the area of each layer under exp(−x²/2). */
const [TAIL, AREA] = [3.6541528853610088, 0.004928673233974658];

const density = (x: number): number => Math.exp(-0.5 * x * x);

/** The right ends of the layers, from the lowest, whose end stands for the tail too, to 0. */
const ends = ((): Float64Array => {
  const x = Float64Array.of(AREA / density(TAIL), TAIL, ...new Float64Array(LAYERS - 1));
  for (let i = 2; i < LAYERS; i++) x[i] = Math.sqrt(-2 * Math.log(AREA / x[i - 1]! + density(x[i - 1]!)));
  return x;
})();

/** Places are whole numbers of −2²³ … 2²³ − 1. */
const UNIT = 2 ** 23;
const scales = ends.map((end) => end / UNIT);
/** Places nearer to 0 than this lie under the curve whatever their height in the layer. */
const inner = Int32Array.from({ length: LAYERS }, (_, i) => Math.floor((ends[i + 1]! / ends[i]!) * UNIT));

/** Beyond TAIL (Marsaglia, 1964). */
const beyond = (next: Random): number => {
  for (;;) {
    const past = -Math.log(1 - next()) / TAIL;
    if (-2 * Math.log(1 - next()) >= past * past) return TAIL + past;
  }
};

/** Values whose place is at the edge of its layer, one in about a hundred: those above the curve are drawn anew. */
const atEdge = (bits: number, next: Random): number => {
  for (let word = bits; ; word = Math.floor(next() * 2 ** 32) | 0) {
    const layer = word & 0xff;
    const place = word >> 8;
    const x = place * scales[layer]!;
    if (Math.abs(place) < inner[layer]!) return x;
    if (layer === 0) return x < 0 ? -beyond(next) : beyond(next);
    const [low, high] = [density(ends[layer]!), density(ends[layer + 1]!)];
    if (low + next() * (high - low) < density(x)) return x;
  }
};

/** Words drawn at once. */
const BLOCK = 4096;

/** `data` with independent noise N(0, sigma²) added. The same seed gives the same noise. */
export const addNoise = (data: Float32Array, sigma: number, seed: number): Float32Array<ArrayBuffer> => {
  const fill = words(seed);
  const edge = random(-1 - seed);
  const block = new Uint32Array(BLOCK);
  const noisy = new Float32Array(data.length);
  for (let from = 0; from < data.length; from += BLOCK) {
    fill(block);
    const length = Math.min(BLOCK, data.length - from);
    for (let i = 0; i < length; i++) {
      const bits = block[i]! | 0;
      const layer = bits & 0xff;
      const place = bits >> 8;
      const value = Math.abs(place) < inner[layer]! ? place * scales[layer]! : atEdge(bits, edge);
      noisy[from + i] = data[from + i]! + sigma * value;
    }
  }
  return noisy;
};

/** The image with Gaussian noise, which leaves the range 0..255 as the theorem requires. */
export const withNoise = (image: Tensor<"float32">, sigma: number, seed: number): Tensor<"float32"> =>
  tensor("float32", image.shape, addNoise(image.data, sigma, seed));
