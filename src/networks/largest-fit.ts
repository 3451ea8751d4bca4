/** The footprints of runs, and the largest image whose run fits in the memory budget. */

import { nativeSize } from "../segmenter/size.ts";
import { OnnxError } from "../onnx/graph.ts";
import type { Footprint } from "../runtime/memory/memory.ts";
import { leastBytes } from "./least-bytes.ts";
import type { Evaluated, Segmenter } from "../segmenter/segmenter.ts";
import { membersOf, type Network } from "../segmenter/network.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";
import type { Size } from "../tensor.ts";

/** Resolution of the search, in pixels of the longer side. Each size that is tried compiles and plans its graphs. */
const STEP = 8;

/**
 * The search compiles graphs of at most about this many nodes of the network in all, so that a large network gets a coarser answer
 * and not a longer search. A network of 500 nodes has 32 tries, and needs about 10.
 */
const SEARCHED_NODES = 2 ** 14;
const FEWEST_TRIES = 3;

/**
 * The search starts an eighth above the size that linear interpolation gives, and its first stride is as long: recomputation leaves
 * room for more than the line says, up to a third for the networks shipped here.
 */
const STRIDES = 8;

/** Least ratio of the needs of the two sizes between which memory is interpolated: both may consist of one tile. */
const GROWTH = 1.25;

/** The sessions that attacks with these objectives hold together, one set for each; without objectives, those of a prediction. */
export const footprintsOf = (
  segmenter: Segmenter,
  size: Size,
  objectives: readonly Evaluated[],
): readonly (readonly Footprint[])[] =>
  objectives.length === 0
    ? [[segmenter.forwardFootprint(size)]]
    : objectives.map((objective) => segmenter.attackFootprints(size, objective));

/** What is searched. */
export interface Searched {
  readonly segmenter: Segmenter;
  readonly cache: SessionCache;
  /** Nodes of the network's graph, which bound the number of sizes that are tried; default 0. */
  readonly nodes?: number | undefined;
  /** Other runs than predictions and attacks: the sessions of each, which are held together. */
  readonly runs?:
    | { readonly name: string; readonly footprints: (size: Size) => readonly (readonly Footprint[])[] }
    | undefined;
}

/** As `footprintsOf`, of the runs that are searched. */
export const footprintsIn = (
  { segmenter, runs }: Searched,
  size: Size,
  objectives: readonly Evaluated[],
): readonly (readonly Footprint[])[] => runs?.footprints(size) ?? footprintsOf(segmenter, size, objectives);

export const nodesOf = (network: Network): number =>
  membersOf(network).reduce((sum, { model }) => sum + model.graph.nodes.length, 0);

/**
 * The largest size of the aspect of `wanted`, and not beyond it, that the network takes and at which attacks with these
 * objectives (without objectives: predictions) are predicted to fit in the budget; null if there is none. A size that is STEP pixels longer, or by
 * one multiple if that is more, does not fit, unless the network is so large that the number of tries ran out. A network of fixed
 * size has only that size.
 */
export const largestFit = (searched: Searched, wanted: Size, objectives: readonly Evaluated[]): Size | null => {
  const { segmenter, cache, nodes = 0 } = searched;
  const { manifest } = segmenter;
  /** For each objective. */
  const tries = Math.max(FEWEST_TRIES, Math.floor(SEARCHED_NODES / Math.max(1, nodes * objectives.length)));
  const longer = Math.max(wanted.height, wanted.width);
  const multiple = manifest.input.multipleOf ?? 1;
  const wantedCount = Math.max(1, Math.floor(longer / multiple));
  /** The size whose longer side has `count` multiples. */
  const sized = (count: number): Size => {
    const scale = (count * multiple) / longer;
    return nativeSize(manifest, { height: wanted.height * scale, width: wanted.width * scale });
  };
  // Sizes that the lower bound already rules out are not compiled.
  const isPossible = (count: number): boolean => leastBytes(segmenter, sized(count), objectives) <= cache.budgetBytes;
  const most = lastThat(isPossible, wantedCount, { step: 1, first: wantedCount, stride: 1, tries: Infinity });
  if (most === 0) return null;
  const footprints = (count: number, of: readonly Evaluated[]) => footprintsIn(searched, sized(count), of);
  const fit = (count: number, of: readonly Evaluated[]): boolean =>
    attempt(() => footprints(count, of).every((f) => cache.predict(f) <= cache.budgetBytes), false);

  const area = (count: number): number => pixels(sized(count));
  if (area(1) === area(most)) return fit(1, objectives) ? sized(1) : null;
  // One objective after another, each from where the one before it ended: most often it fits there too.
  const [first = [], ...others] = objectives.map((objective) => [objective]);
  const step = Math.max(1, Math.round(STEP / multiple));
  const small = Math.ceil(most / 16);
  const need = (count: number) => ({ pixels: area(count), bytes: Math.max(...footprints(count, first).map(needOf)) });
  const grows = (count: number): boolean => need(count).bytes > GROWTH * need(small).bytes;
  const large = [8, 4, 2].map((part) => Math.ceil(most / part)).find((n) => attempt(() => grows(n), true)) ?? most;
  const reached = attempt(() => reachedBy(cache.roomBeside([]), need(small), need(large)), 0);
  const guess = Math.min(most, Math.floor(most * Math.sqrt(reached / area(most))));
  const stride = Math.max(step, Math.round(guess / STRIDES));
  const found = lastThat((n) => fit(n, first), most, {
    step,
    first: guess + stride,
    stride,
    tries,
    within: fit(large, first) ? [large, most + 1] : [0, large],
  });
  const count = others.reduce(
    (last, objective) => lastThat((n) => fit(n, objective), last, { step, first: last, stride: step, tries }),
    found,
  );
  return count === 0 ? null : sized(count);
};

/** `absent` where the network cannot take such a size. */
export const attempt = <T>(run: () => T, absent: T): T => {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof OnnxError) return absent;
    throw cause;
  }
};

const pixels = ({ height, width }: Size): number => height * width;

/** Of sessions that are held together. */
const needOf = (sessions: readonly Footprint[]): number =>
  sessions.reduce((sum, s) => sum + s.staticBytes, 0) + Math.max(...sessions.map((s) => s.runBytes));

interface Need {
  readonly pixels: number;
  readonly bytes: number;
}

/** Memory grows linearly with the number of pixels: where the line through two sizes reaches the room there is. */
const reachedBy = (room: number, small: Need, large: Need): number => {
  const slope = (large.bytes - small.bytes) / (large.pixels - small.pixels);
  return slope > 0 ? Math.max(0, small.pixels + (room - small.bytes) / slope) : Infinity;
};

interface Search {
  readonly step: number;
  readonly first: number;
  readonly stride: number;
  /** The test is known to hold for the one (0: for none), and not to hold for the other. */
  readonly within?: readonly [number, number];
  /** Maximum number of tests. The search then ends with the last count that held, or, if none did, with a test of 1. */
  readonly tries: number;
}

/**
 * Of 1 … `most`, to within `step`, the last count for which a monotone test holds, or 0: first in strides from `first` on, which
 * double until they go too far, then by bisection.
 */
const lastThat = (
  holds: (count: number) => boolean,
  most: number,
  { step, first, stride, within: [least, beyond] = [0, most + 1], tries }: Search,
): number => {
  let [low, high] = [least, beyond];
  const clamped = (count: number): number => Math.min(Math.max(count, low + 1), high - 1);
  const isFound = () => high - low <= (low === 0 || high === most + 1 ? 1 : step);
  let next = clamped(first);
  let rising: boolean | undefined;
  let left = tries;
  for (let length = stride; !isFound() && left > 0; length *= 2, left--) {
    const held = holds(next);
    if (held) low = next;
    else high = next;
    rising = rising ?? held;
    const further = held ? low + length : high - length;
    next = held === rising && further > low && further < high ? further : Math.floor((low + high) / 2);
  }
  if (low === 0 && high > 1) return holds(1) ? 1 : 0;
  return low;
};
