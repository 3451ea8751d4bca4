/** Runs of a network's bounds: one for the margins of all pixels by intervals, and one for those of a few pixels by linear bounds. */

import { writeModel } from "../onnx/write.ts";
import type { Compiled } from "../segmenter/compile.ts";
import { membersOf, type Network } from "../segmenter/network.ts";
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

const pixelsPerRun = ({ height, width }: Size, channels: number): number => {
  const bytes = 4 * height * width * channels * (channels - 1);
  return Math.max(1, Math.min(MOST_PIXELS, Math.floor(SEED_BYTES / bytes)));
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

export interface BoundRuns {
  /** The labels of all pixels at the image, and lower bounds of their margins over the ball. @throws MemoryBudgetError */
  readonly margins: (
    ball: BallAround,
    hooks: BoundHooks,
  ) => Promise<{ readonly labels: Uint8Array; readonly margins: Float32Array }>;
  /** Those of the pixels that keep their labels in the ball, by linear bounds; no more than `perRun` pixels. @throws MemoryBudgetError */
  readonly kept: (
    ball: BallAround,
    pixels: readonly number[],
    labels: Uint8Array,
    hooks: BoundHooks,
  ) => Promise<readonly number[]>;
  /** Pixels that a run of linear bounds takes. */
  readonly perRun: (size: Size) => number;
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

/** @throws UnsupportedBoundError, when it is run, where an operator has no rule. */
export const createBoundRuns = (network: Network, cache: SessionCache): BoundRuns => {
  const { backend } = cache.runtime;
  const identity = JSON.stringify(membersOf(network).map((member) => member.manifest));
  /** Of the last size alone: a graph holds the network's weights. */
  let graphs: { readonly key: string; readonly intervals: ReturnType<typeof compileIntervals>; linear?: Compiled };
  const graphsOf = (size: Size) => {
    const key = `${identity} ${size.height}×${size.width}`;
    if (graphs?.key !== key) graphs = { key, intervals: compileIntervals(network, size, backend) };
    return graphs;
  };
  const perRun = (size: Size): number => pixelsPerRun(size, graphsOf(size).intervals.channels);
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
    perRun,
    margins: async (ball, hooks) => {
      const { key, intervals } = graphsOf(spatialSize(ball.image));
      const { labels, margin } = await run(`intervals ${key}`, intervals, feedsOf(ball), hooks);
      return { labels: labels!.data as Uint8Array, margins: margin!.data as Float32Array };
    },
    kept: async (ball, pixels, labels, hooks) => {
      const size = spatialSize(ball.image);
      const area = size.height * size.width;
      const graph = graphsOf(size);
      const { channels } = graph.intervals;
      const others = channels - 1;
      const most = perRun(size);
      graph.linear ??= compileLinear(network, size, most * others, backend);
      // A run has a fixed number of pixels; it is filled up with its first.
      const pairs = Array.from({ length: most }, (_, i) => pixels[i] ?? pixels[0]!).flatMap((pixel) =>
        Array.from({ length: channels }, (_, c) => [labels[pixel]! * area + pixel, c * area + pixel] as const).filter(
          ([own, other]) => own !== other,
        ),
      );
      const [plus, minus] = [pairs.map(([own]) => own), pairs.map(([, other]) => other)];
      const feeds = { ...feedsOf(ball), plus: places(plus), minus: places(minus) };
      const { margin } = await run(`linear ${graph.key}`, graph.linear, feeds, hooks);
      const margins = margin!.data as Float32Array;
      return pixels.filter((_, i) => margins.subarray(i * others, (i + 1) * others).every((m) => m > 0));
    },
  };
};
