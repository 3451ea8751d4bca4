/**
 * Is a network more robust for being int8, or does rounding only mask its gradient? Each of a network's two precisions is
 * attacked with its own gradient, and with the other's: a masked gradient shows as an own attack weaker than the other's.
 */

import { paperSteps } from "../../src/attacks/paper-steps.ts";
import { labelledIn } from "../labelled.ts";
import { measure, type Measured } from "../../src/evaluation/measure.ts";
import { decodeImage } from "../../src/image/decode.ts";
import { decodeLabels } from "../../src/image/labels.ts";
import { emptyCounts, iouRatio, mergeCounts, scoresOf, type ClassCounts } from "../../src/metrics/counts.ts";
import type { Segmenter } from "../../src/segmenter/segmenter.ts";

export const epsilons = [1, 4, 8] as const;

export interface Precision {
  readonly images: number;
  /** From the network whose gradient was used to the one attacked: the IoU ratio at each of `epsilons`. */
  readonly iouRatio: Readonly<Record<string, readonly number[]>>;
}

const maxPixels = 2 ** 26;

/** ifgsm away from the prediction, α = 1, as in the paper. */
const planOf = (epsilon: number) =>
  ({ attack: "ifgsm", epsilon, alpha: 1, steps: paperSteps(epsilon), pixelRange: "clip", seed: 0 }) as const;

/** Every n-th image of the folder, `count` in all. */
export const comparePrecisions = async (
  segmenters: Readonly<Record<string, Segmenter>>,
  folder: string,
  count: number,
): Promise<Precision> => {
  const all = await labelledIn(folder);
  const items = Array.from({ length: count }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / count)]!);
  const counts = new Map<string, ClassCounts>();
  const add = (key: string, more: ClassCounts): void => {
    counts.set(key, mergeCounts(counts.get(key) ?? emptyCounts(more.reference.length), more));
  };
  const entries = Object.entries(segmenters);
  for (const item of items) {
    const image = await decodeImage(await item.image(), { maxPixels });
    const truth = decodeLabels(await item.labels(), { maxPixels });
    for (const [name, source] of entries) {
      for (const epsilon of epsilons) {
        let made: Measured | undefined;
        for (const [target, segmenter] of [[name, source] as const, ...entries.filter(([other]) => other !== name)]) {
          const subject = { segmenter, source, image, item: item.name, truth, crafted: made?.crafted };
          const measured = await measure(subject, planOf(epsilon));
          made ??= measured;
          add(`${name} → ${target} ${epsilon}`, measured.row.counts.float);
          if (name === target && epsilon === epsilons[0]) add(name, measured.row.counts.clean);
        }
      }
    }
  }
  const ratio = (key: string, clean: string) => iouRatio(scoresOf(counts.get(key)!), scoresOf(counts.get(clean)!))!;
  const rows = entries.flatMap(([source]) =>
    entries.map(([target]) => {
      const ratios = epsilons.map((epsilon) => Number(ratio(`${source} → ${target} ${epsilon}`, target).toFixed(4)));
      return [`${source} → ${target}`, ratios] as const;
    }),
  );
  return { images: items.length, iouRatio: Object.fromEntries(rows) };
};
