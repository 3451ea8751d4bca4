/** What runs need of the memory budget, and the largest image whose run fits it. */

import { nativeSize, type Size } from "../segmenter/size.ts";
import { OnnxError } from "../onnx/graph.ts";
import type { Footprint } from "../runtime/memory.ts";
import type { Goal, Segmenter } from "../segmenter/segmenter.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";

/** In pixels. Each size that is tried compiles its graphs, and plans what they recompute: seconds where an image is seen in tiles. */
const STEP = 8;

/** What attacks of these goals hold together, one set of sessions for each; without goals, what a prediction holds. */
export const footprintsOf = (
  segmenter: Segmenter,
  size: Size,
  goals: readonly Goal["kind"][],
): readonly (readonly Footprint[])[] =>
  goals.length === 0
    ? [[segmenter.forwardFootprint(size)]]
    : goals.map((goal) => segmenter.attackFootprints(size, goal));

/**
 * The largest of the sizes that the network takes, of the aspect of `wanted` and not beyond it, at which attacks of these
 * goals (without goals: predictions) are predicted to fit the budget; what is STEP pixels longer, or by the next multiple where
 * that is more, does not. null where none does. A network of fixed size has that one only.
 */
export const largestFit = (
  segmenter: Segmenter,
  cache: SessionCache,
  wanted: Size,
  goals: readonly Goal["kind"][],
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
  const footprints = (count: number, of: readonly Goal["kind"][]) => footprintsOf(segmenter, sized(count), of);
  const fit = (count: number, of: readonly Goal["kind"][]): boolean =>
    attempt(() => footprints(count, of).every((f) => cache.predict(f) <= cache.budgetBytes), false);

  if (pixels(sized(1)) === pixels(sized(most))) return fit(1, goals) ? sized(1) : null;
  // One goal after another, each from where the one before it ended: most often it fits there too.
  const [first = [], ...others] = goals.map((goal) => [goal]);
  const step = Math.max(1, Math.round(STEP / multiple));
  const guess = () =>
    estimate(
      cache.room(),
      most,
      (n) => pixels(sized(n)),
      (n) => footprints(n, first),
    );
  const start = lastThat((n) => fit(n, first), most, attempt(guess, 1), step);
  const count = others.reduce((last, goal) => lastThat((n) => fit(n, goal), last, last, step), start);
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

/** Memory grows linearly with the number of pixels: where the line through two small sizes reaches the room there is. */
const estimate = (
  room: number,
  most: number,
  pixelsOf: (count: number) => number,
  footprints: (count: number) => ReturnType<typeof footprintsOf>,
): number => {
  const needOf = (sessions: readonly Footprint[]): number =>
    sessions.reduce((sum, s) => sum + s.staticBytes, 0) + Math.max(...sessions.map((s) => s.runBytes));
  const need = (count: number): number => Math.max(...footprints(count).map(needOf));
  const [small, large] = [Math.ceil(most / 16), Math.ceil(most / 4)];
  const slope = (need(large) - need(small)) / (pixelsOf(large) - pixelsOf(small));
  const reached = pixelsOf(small) + (room - need(small)) / slope;
  const guess = Math.floor(most * Math.sqrt(Math.max(reached, 0) / pixelsOf(most)));
  return Number.isFinite(guess) ? guess : most;
};

/** Among 1 … most, to within `step`, the last for which a test that holds up to some point holds, or 0: found from a guess outwards. */
const lastThat = (holds: (count: number) => boolean, most: number, guess: number, step: number): number => {
  let [low, high] = [0, most + 1];
  let next = guess;
  for (let stride = step; high - low > (low === 0 || high === most + 1 ? 1 : step); stride *= 2) {
    next = Math.min(Math.max(next, low + 1), high - 1);
    if (holds(next)) low = next;
    else high = next;
    const [rising, falling] = [high === most + 1, low === 0];
    next = rising ? low + stride : falling ? high - stride : Math.floor((low + high) / 2);
  }
  return low;
};
