/** What runs need of the memory budget, and the largest image whose run fits it. */

import { nativeSize, type Size } from "../segmenter/size.ts";
import { OnnxError } from "../onnx/graph.ts";
import type { Objective } from "../objectives/objective.ts";
import type { Footprint } from "../runtime/memory/memory.ts";
import type { Segmenter } from "../segmenter/segmenter.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";

/** In pixels. Each size that is tried compiles its graphs, and plans what they recompute: a second where an image is seen in tiles. */
const STEP = 8;

/**
 * The search starts this part of what is guessed beyond it, and takes as long strides: what is recomputed leaves room for more
 * than the line tells, up to a third in the networks shipped here.
 */
const STRIDES = 8;

/** Between the two sizes from which memory is estimated: less may be what is the same at any size, or one tile for both. */
const GROWTH = 1.25;

/** What attacks of these objectives hold together, one set of sessions for each; without objectives, what a prediction holds. */
export const footprintsOf = (
  segmenter: Segmenter,
  size: Size,
  objectives: readonly Objective[],
): readonly (readonly Footprint[])[] =>
  objectives.length === 0
    ? [[segmenter.forwardFootprint(size)]]
    : objectives.map((objective) => segmenter.attackFootprints(size, objective));

/**
 * The largest of the sizes that the network takes, of the aspect of `wanted` and not beyond it, at which attacks of these
 * objectives (without objectives: predictions) are predicted to fit the budget; what is STEP pixels longer, or by the next multiple where
 * that is more, does not. null where none does. A network of fixed size has that one only.
 */
export const largestFit = (
  segmenter: Segmenter,
  cache: SessionCache,
  wanted: Size,
  objectives: readonly Objective[],
): Size | null => {
  const { manifest } = segmenter;
  const longer = Math.max(wanted.height, wanted.width);
  const multiple = manifest.input.multipleOf ?? 1;
  const most = Math.max(1, Math.floor(longer / multiple));
  /** Whose longer side is `count` multiples. */
  const sized = (count: number): Size => {
    const scale = (count * multiple) / longer;
    return nativeSize(manifest, { height: wanted.height * scale, width: wanted.width * scale });
  };
  const footprints = (count: number, of: readonly Objective[]) => footprintsOf(segmenter, sized(count), of);
  const fit = (count: number, of: readonly Objective[]): boolean =>
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
  const reached = attempt(() => reachedBy(cache.room(), need(small), need(large)), 0);
  const guess = Math.min(most, Math.floor(most * Math.sqrt(reached / area(most))));
  const stride = Math.max(step, Math.round(guess / STRIDES));
  const found = lastThat((n) => fit(n, first), most, {
    step,
    first: guess + stride,
    stride,
    within: fit(large, first) ? [large, most + 1] : [0, large],
  });
  const count = others.reduce(
    (last, objective) => lastThat((n) => fit(n, objective), last, { step, first: last, stride: step }),
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
  /** For the one the test is known to hold (0 where for none), for the other not to hold. */
  readonly within?: readonly [number, number];
}

/**
 * Among 1 … most, to within `step`, the last for which a test that holds up to some point holds, or 0: from `first` on by
 * strides that double until they go too far, then by halving.
 */
const lastThat = (
  holds: (count: number) => boolean,
  most: number,
  { step, first, stride, within: [least, beyond] = [0, most + 1] }: Search,
): number => {
  let [low, high] = [least, beyond];
  const clamped = (count: number): number => Math.min(Math.max(count, low + 1), high - 1);
  const isFound = () => high - low <= (low === 0 || high === most + 1 ? 1 : step);
  let next = clamped(first);
  let rising: boolean | undefined;
  for (let length = stride; !isFound(); length *= 2) {
    const held = holds(next);
    if (held) low = next;
    else high = next;
    rising = rising ?? held;
    const further = held ? low + length : high - length;
    next = held === rising && further > low && further < high ? further : Math.floor((low + high) / 2);
  }
  return low;
};
