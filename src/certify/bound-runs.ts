/** Runs of a network's bounds: one for the margins of all pixels by intervals, and one for those of a few pixels by linear bounds. */

import { writeModel } from "../onnx/write.ts";
import type { Compiled } from "../segmenter/compile.ts";
import { identityOf, type Network } from "../segmenter/network.ts";
import type { Image } from "../segmenter/segmenter.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";
import { scalar, spatialSize, tensor, type Size, type Tensor } from "../tensor.ts";
import { compileIntervals, compileLinear } from "./bound-graphs.ts";

/** Whether float32 rounding, of the network's run and of the bounds, is bounded too, or left out as in exact arithmetic. */
export const ROUNDINGS = ["bounded", "ignored"] as const;
export type Rounding = (typeof ROUNDINGS)[number];

/** Half a unit in the last place of 1. */
const UNIT = 2 ** -24;

/** Bytes of the coefficients of all logits, for as many pixels as a run takes. */
const SEED_BYTES = 2 ** 26;
/** Pixels of a run at most: more would hardly be faster. */
const MOST_PIXELS = 16;

/** Pixels of a run at most, of so many in all. */
const mostPerRun = ({ height, width }: Size, channels: number, pixels: number): number => {
  const bytes = 4 * height * width * channels * (channels - 1);
  return Math.max(1, Math.min(MOST_PIXELS, pixels, Math.floor(SEED_BYTES / bytes)));
};

/** What happens between two runs. */
export interface BoundHooks {
  /** Awaited after each run. */
  readonly onRun?: (() => void | Promise<void>) | undefined;
  /** Once aborted, the next run rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** An image with the ball around it. */
export interface BallAround {
  readonly image: Image;
  /** Grey levels. */
  readonly epsilon: number;
  readonly rounding: Rounding;
}

/** Runs of linear bounds, each of the same number of pixels. */
export interface LinearRuns {
  readonly perRun: number;
  /** Those of the pixels, at most `perRun`, that keep their labels in the ball. @throws MemoryBudgetError */
  readonly kept: (
    ball: BallAround,
    pixels: readonly number[],
    labels: Uint8Array,
    hooks: BoundHooks,
  ) => Promise<readonly number[]>;
}

export interface BoundRuns {
  /** The labels of all pixels at the image, and lower bounds of their margins over the ball. @throws MemoryBudgetError */
  readonly margins: (
    ball: BallAround,
    hooks: BoundHooks,
  ) => Promise<{ readonly labels: Uint8Array; readonly margins: Float32Array }>;
  /** For so many pixels in all: a run has as many as the memory budget takes, and one at least. */
  readonly linear: (size: Size, pixels: number) => LinearRuns;
  /** The backward passes, one for each other class of each pixel, that runs for so many pixels take at most. */
  readonly passes: (size: Size, pixels: number) => number;
  /** The memory of a run of intervals, and of one of linear bounds for so many pixels in all. */
  readonly footprints: {
    readonly intervals: (size: Size) => Compiled["footprint"];
    readonly linear: (size: Size, pixels: number) => Compiled["footprint"];
  };
}

const feedsOf = ({ image, epsilon, rounding }: BallAround): Readonly<Record<string, Tensor>> => ({
  image: tensor("float32", [1, ...image.shape], image.data),
  epsilon: scalar("float32", epsilon),
  unit: scalar("float32", rounding === "bounded" ? UNIT : 0),
});

const places = (values: readonly number[]): Tensor =>
  tensor(
    "int64",
    [values.length],
    BigInt64Array.from(values, (value) => BigInt(value)),
  );

type Run = (feeds: Readonly<Record<string, Tensor>>, hooks: BoundHooks) => Promise<Readonly<Record<string, Tensor>>>;

const keptBy =
  ({ channels, perRun }: { readonly channels: number; readonly perRun: number }, run: Run): LinearRuns["kept"] =>
  async (ball, pixels, labels, hooks) => {
    const { height, width } = spatialSize(ball.image);
    const area = height * width;
    const others = channels - 1;
    // A run has a fixed number of pixels; it is filled up with its first.
    const pairs = Array.from({ length: perRun }, (_, i) => pixels[i] ?? pixels[0]!).flatMap((pixel) =>
      Array.from({ length: channels }, (_, c) => [labels[pixel]! * area + pixel, c * area + pixel] as const).filter(
        ([own, other]) => own !== other,
      ),
    );
    const [plus, minus] = [pairs.map(([own]) => own), pairs.map(([, other]) => other)];
    const { margin } = await run({ ...feedsOf(ball), plus: places(plus), minus: places(minus) }, hooks);
    const margins = margin!.data as Float32Array;
    return pixels.filter((_, i) => margins.subarray(i * others, (i + 1) * others).every((m) => m > 0));
  };

/** @throws UnsupportedBoundError, when it is run, where an operator has no rule. */
export const createBoundRuns = (network: Network, cache: SessionCache): BoundRuns => {
  const { backend } = cache.runtime;
  const identity = identityOf(network);
  /** Of the last size alone: a graph holds the network's weights. */
  let graphs: {
    readonly key: string;
    readonly intervals: ReturnType<typeof compileIntervals>;
    linear?: { readonly most: number; readonly perRun: number; readonly graph: Compiled };
  };
  const graphsOf = (size: Size) => {
    const key = `${identity} ${size.height}×${size.width}`;
    if (graphs?.key !== key) graphs = { key, intervals: compileIntervals(network, size, backend) };
    return graphs;
  };
  const othersOf = (size: Size): number => graphsOf(size).intervals.channels - 1;
  const mostOf = (size: Size, pixels: number): number => mostPerRun(size, graphsOf(size).intervals.channels, pixels);
  const fits = ({ footprint }: Compiled): boolean => cache.predict([footprint]) <= cache.budgetBytes;
  const linearGraph = (size: Size, pixels: number) => {
    const of = graphsOf(size);
    const most = mostOf(size, pixels);
    const { linear } = of;
    if (linear?.most === most) return linear;
    const graphFor = (perRun: number): Compiled =>
      linear?.perRun === perRun ? linear.graph : compileLinear(network, size, perRun * othersOf(size), backend);
    let [perRun, graph] = [most, graphFor(most)];
    while (perRun > 1 && !fits(graph)) {
      perRun = Math.floor(perRun / 2);
      graph = graphFor(perRun);
    }
    return (of.linear = { most, perRun, graph });
  };
  const run = async (
    key: string,
    { footprint, model }: Compiled,
    feeds: Readonly<Record<string, Tensor>>,
    hooks: BoundHooks,
  ) => {
    hooks.signal?.throwIfAborted();
    const session = await cache.session({ key, footprint, bytes: () => writeModel(model) });
    const outputs = await session.run(feeds);
    await hooks.onRun?.();
    return outputs;
  };
  return {
    margins: async (ball, hooks) => {
      const { key, intervals } = graphsOf(spatialSize(ball.image));
      const { labels, margin } = await run(`intervals ${key}`, intervals, feedsOf(ball), hooks);
      return { labels: labels!.data as Uint8Array, margins: margin!.data as Float32Array };
    },
    linear: (size, pixels) => {
      const { key, intervals } = graphsOf(size);
      const { perRun, graph } = linearGraph(size, pixels);
      return {
        perRun,
        kept: keptBy({ channels: intervals.channels, perRun }, (feeds, hooks) =>
          run(`linear ${perRun} ${key}`, graph, feeds, hooks),
        ),
      };
    },
    // The last run is filled up.
    passes: (size, pixels) => (pixels + mostOf(size, pixels) - 1) * othersOf(size),
    footprints: {
      intervals: (size) => graphsOf(size).intervals.footprint,
      linear: (size, pixels) => linearGraph(size, pixels).graph.footprint,
    },
  };
};
