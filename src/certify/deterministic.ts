/**
 * Certificates of the network itself against every perturbation of at most ε grey levels in each channel (L∞): labels whose margin has a
 * lower bound above 0. Intervals bound all pixels in one run; linear bounds take a run for a few pixels, and are of a sample of them.
 */

import { random } from "../random.ts";
import type { Compiled } from "../segmenter/compile.ts";
import { channelCount } from "../segmenter/manifest.ts";
import { membersOf, type Network } from "../segmenter/network.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";
import { spatialSize, tensor, type Size } from "../tensor.ts";
import { createBoundRuns, type BallAround, type BoundHooks, type Rounding } from "./bound-runs.ts";
import { UnsupportedBoundError } from "./interval-rules/rule.ts";
import { ABSTAINED } from "./smoothing.ts";

export const METHODS = ["interval", "linear"] as const;

export interface Bounding {
  readonly method: (typeof METHODS)[number];
  readonly rounding: Rounding;
  /** Of `linear`: the pixels that it is asked for, chosen by `seed`; what intervals certify is certified anyway. */
  readonly pixels: number;
  readonly seed: number;
  /** [H,W]: only pixels that are not void (255) here are examined; absent: all are. */
  readonly among?: Labels | undefined;
}

export interface BoundCertificate {
  /** [H,W]: the network's labels where they are certified, else `ABSTAINED`. */
  readonly labels: Labels;
  /** The pixels whose margins the method was asked for: all that count, or a sample of them. */
  readonly examined: readonly number[];
}

/** Bounds of one network; its sessions live in the cache. */
export interface Bounder {
  /** Runs that a certificate takes at most. */
  readonly runs: (size: Size, bounding: Bounding) => number;
  /**
   * Runs of intervals and backward passes of linear bounds that a certificate takes at most, and with `largest` the search for the largest ε too. Each
   * costs no more than a prediction.
   *
   * @throws UnsupportedBoundError
   */
  readonly passes: (size: Size, bounding: Bounding, search: { readonly largest: boolean }) => number;
  /** The memory of each of its sessions, of which one is held at a time. @throws UnsupportedBoundError */
  readonly footprints: (size: Size, bounding: Pick<Bounding, "method" | "pixels">) => readonly Compiled["footprint"][];
  /** @throws UnsupportedBoundError, MemoryBudgetError */
  readonly certify: (
    image: Image,
    epsilon: number,
    bounding: Bounding,
    hooks?: BoundHooks,
  ) => Promise<BoundCertificate>;
  /**
   * The largest ε, within 5 %, at which any pixel is certified; 0 where none is at `LEAST_EPSILON`. Of `linear`: any of the sample or
   * the pixel that intervals certify the longest.
   *
   * @throws UnsupportedBoundError, MemoryBudgetError
   */
  readonly largest: (image: Image, bounding: Bounding, hooks?: BoundHooks) => Promise<number>;
}

/** Between which the largest ε is looked for, in grey levels. */
export const LEAST_EPSILON = 2 ** -100;
const MOST_EPSILON = 2 ** 8;
const PRECISION = Math.log2(1.05);

const exponents = { least: Math.log2(LEAST_EPSILON), most: Math.log2(MOST_EPSILON) };
const RANGE = exponents.most - exponents.least;
/** Halvings of the range until it is no longer than the precision. */
const MOST_HALVINGS = Math.ceil(Math.log2(RANGE / PRECISION));
/** Radii that a search by intervals tries at most; and by linear bounds, which first doubles its stride. */
const MOST_TRIES = { interval: 1 + MOST_HALVINGS, linear: 1 + Math.floor(Math.log2(RANGE)) + MOST_HALVINGS };

/** The largest exponent of 2 at which `holds`, from `low`, where it does, to `high`; it is expected to hold below any at which it does. */
const largestExponent = async (low: number, high: number, holds: (exponent: number) => Promise<boolean>) => {
  let [known, broken] = [low, high];
  while (broken - known > PRECISION) {
    const middle = (known + broken) / 2;
    if (await holds(middle)) known = middle;
    else broken = middle;
  }
  return known;
};

/** `count` of the pixels, in order, without any twice (Floyd's algorithm). */
const sampleOf = (pixels: readonly number[], count: number, seed: number): readonly number[] => {
  if (count >= pixels.length) return pixels;
  const next = random(seed);
  const chosen = new Set<number>();
  for (let last = pixels.length - count; last < pixels.length; last++) {
    const drawn = Math.floor(next() * (last + 1));
    chosen.add(chosen.has(drawn) ? last : drawn);
  }
  return [...chosen].toSorted((a, b) => a - b).map((place) => pixels[place]!);
};

const VOID = 255;

/** The pixels that a method is asked for, of so many in all. */
const examinedOf = (area: number, { method, pixels, seed, among }: Bounding): readonly number[] => {
  const all = Array.from({ length: area }, (_, i) => i);
  const counted = among ? all.filter((i) => among.data[i] !== VOID) : all;
  return method === "interval" ? counted : sampleOf(counted, pixels, seed);
};

const indexOfLargest = (values: Float32Array): number => {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
};

const inParts = <T>(items: readonly T[], most: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(items.length / most) }, (_, i) => items.slice(i * most, (i + 1) * most));

/** @throws UnsupportedBoundError where the network is more than its graph, or gives labels alone. */
const requireBare = (network: Network): void => {
  for (const { manifest, source } of membersOf(network)) {
    if (manifest.crf) throw new UnsupportedBoundError("the CRF behind the network", manifest.name);
    if (manifest.transform) throw new UnsupportedBoundError("the transformations before the network", manifest.name);
    if (source.end !== undefined) throw new UnsupportedBoundError(`operator ${source.end}`, source.name);
  }
};

/** @throws UnsupportedBoundError where the network is more than its graph: behind a CRF, or after transformations. */
export const createBounder = (network: Network, cache: SessionCache): Bounder => {
  requireBare(network);
  const { channels } = network.manifest.input;
  const runs = createBoundRuns(network, cache);

  const certify: Bounder["certify"] = async (image, epsilon, bounding, hooks = {}) => {
    const { method, rounding } = bounding;
    if (image.shape[0] !== channelCount(channels))
      throw new RangeError(`the image has ${image.shape[0]} channels, the network takes ${channelCount(channels)}`);
    const size = spatialSize(image);
    const ball: BallAround = { image, epsilon, rounding };
    const { labels, margins } = await runs.margins(ball, hooks);
    const kept = Uint8Array.from(labels, (label, i) => (margins[i]! > 0 ? label : ABSTAINED));
    const examined = examinedOf(labels.length, bounding);
    const open = method === "interval" ? [] : examined.filter((pixel) => kept[pixel] === ABSTAINED);
    if (open.length > 0) {
      const linear = runs.linear(size, examined.length);
      for (const some of inParts(open, linear.perRun))
        for (const pixel of await linear.kept(ball, some, labels, hooks)) kept[pixel] = labels[pixel]!;
    }
    return { labels: tensor("uint8", [size.height, size.width], kept), examined };
  };

  /** By intervals: the labels, the exponent, or null where none holds, and the pixel that holds the longest. */
  const byIntervals = async (around: Omit<BallAround, "epsilon">, hooks: BoundHooks) => {
    const bestAt = async (exponent: number) => {
      const { labels, margins } = await runs.margins({ ...around, epsilon: 2 ** exponent }, hooks);
      const best = indexOfLargest(margins);
      return { labels, best, isHeld: margins[best]! > 0 };
    };
    const { least, most } = exponents;
    const first = await bestAt(least);
    const { labels } = first;
    if (!first.isHeld) return { labels, exponent: null, best: first.best };
    let { best } = first;
    const exponent = await largestExponent(least, most, async (tried) => {
      const found = await bestAt(tried);
      if (found.isHeld) ({ best } = found);
      return found.isHeld;
    });
    return { labels, exponent, best };
  };

  const largest: Bounder["largest"] = async (image, bounding, hooks = {}) => {
    const { method, rounding } = bounding;
    const around = { image, rounding };
    const { labels, exponent: reached, best } = await byIntervals(around, hooks);
    if (method === "interval") return reached === null ? 0 : 2 ** reached;
    const tried = [...new Set([best, ...examinedOf(labels.length, bounding)])];
    const linear = runs.linear(spatialSize(image), tried.length);
    const holds = async (exponent: number): Promise<boolean> => {
      const ball = { ...around, epsilon: 2 ** exponent };
      for (const some of inParts(tried, linear.perRun))
        if ((await linear.kept(ball, some, labels, hooks)).length > 0) return true;
      return false;
    };
    const least = reached ?? exponents.least;
    if (reached === null && !(await holds(least))) return 0;
    // Linear bounds go somewhat further than intervals: the end of the search is looked for from there.
    let [known, step] = [least, 2];
    while (known + step < exponents.most && (await holds(known + step))) [known, step] = [known + step, 2 * step];
    return 2 ** (await largestExponent(known, Math.min(known + step, exponents.most), holds));
  };

  const asked = (size: Size, { pixels }: Bounding): number => Math.min(pixels, size.height * size.width);
  return {
    runs: (size, bounding) => {
      if (bounding.method === "interval") return 1;
      const pixels = asked(size, bounding);
      return 1 + Math.ceil(pixels / runs.linear(size, pixels).perRun);
    },
    passes: (size, bounding, search) => {
      const linear = (pixels: number): number => (bounding.method === "interval" ? 0 : runs.passes(size, pixels));
      const pixels = asked(size, bounding);
      const once = 1 + linear(pixels);
      return search.largest ? once + MOST_TRIES.interval + MOST_TRIES.linear * linear(pixels + 1) : once;
    },
    footprints: (size, { method, pixels }) => {
      const { intervals, linear } = runs.footprints;
      return method === "interval" ? [intervals(size)] : [intervals(size), linear(size, pixels)];
    },
    certify,
    largest,
  };
};
