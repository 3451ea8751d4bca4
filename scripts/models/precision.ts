/**
 * Is a network more robust for being int8, or does rounding only mask its gradient? Each of a network's two precisions is
 * attacked with its own gradient, and with the other's: a masked gradient shows as an own attack weaker than the other's.
 */

import { paperSteps } from "../../src/attacks/ifgsm.ts";
import { readCamvid } from "../../src/datasets/camvid.ts";
import { attackOf } from "../../src/evaluation/measure.ts";
import { decodeImage } from "../../src/image/decode.ts";
import { decodeLabels } from "../../src/image/labels.ts";
import {
  confusionMatrix,
  emptyConfusion,
  iouRatio,
  mergeConfusions,
  scores,
  type Confusion,
} from "../../src/metrics/confusion.ts";
import type { Image, Labels, Segmenter } from "../../src/segmenter/segmenter.ts";

export const epsilons = [1, 4, 8] as const;

export interface Precision {
  readonly images: number;
  /** From the network whose gradient was used to the one attacked: the IoU ratio at each of `epsilons`. */
  readonly iouRatio: Readonly<Record<string, readonly number[]>>;
}

const maxPixels = 2 ** 26;

/** ifgsm away from the prediction, α = 1, as in the paper. */
const attacked = (segmenter: Segmenter, image: Image, labels: Labels, epsilon: number): Promise<Image> => {
  const plan = { attack: "ifgsm", epsilon, alpha: 1, steps: paperSteps(epsilon), pixelRange: "clip", seed: 0 } as const;
  return attackOf(plan)(segmenter.objective({ kind: "away", labels }), image);
};

/** Every n-th image of the folder, `count` in all. */
export const comparePrecisions = async (
  segmenters: Readonly<Record<string, Segmenter>>,
  folder: string,
  count: number,
): Promise<Precision> => {
  const all = await readCamvid(folder);
  const items = Array.from({ length: count }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / count)]!);
  const counts = new Map<string, Confusion>();
  const entries = Object.entries(segmenters);
  for (const item of items) {
    const image = await decodeImage(await item.image(), { maxPixels });
    const truth = decodeLabels(await item.labels(), { maxPixels });
    const score = async (key: string, { predict, manifest }: Segmenter, x: Image): Promise<Labels> => {
      const { labels } = await predict(x);
      const classes = manifest.classes.length;
      const confusion = confusionMatrix(labels, truth, classes);
      counts.set(key, mergeConfusions(counts.get(key) ?? emptyConfusion(classes), confusion));
      return labels;
    };
    for (const [source, segmenter] of entries) {
      const labels = await score(source, segmenter, image);
      for (const epsilon of epsilons) {
        const adversarial = await attacked(segmenter, image, labels, epsilon);
        for (const [target, other] of entries) await score(`${source} → ${target} ${epsilon}`, other, adversarial);
      }
    }
  }
  const ratio = (key: string, clean: string) => iouRatio(scores(counts.get(key)!), scores(counts.get(clean)!))!;
  const rows = entries.flatMap(([source]) =>
    entries.map(([target]) => {
      const ratios = epsilons.map((epsilon) => Number(ratio(`${source} → ${target} ${epsilon}`, target).toFixed(4)));
      return [`${source} → ${target}`, ratios] as const;
    }),
  );
  return { images: items.length, iouRatio: Object.fromEntries(rows) };
};
