/**
 * The paper's four attacks at its eight radii on a reference network and its images, compared with PyTorch's curves under the same
 * protocol: `npm run bench -- curves [enet_camvid|deeplabv3_mnv2_voc] [images]`. It takes long, and resumes where it stopped.
 */

import { readFileSync } from "node:fs";
import { defaultSteps, type AttackName } from "../src/attacks/catalogue.ts";
import { measure } from "../src/evaluation/measure.ts";
import { decodeImage } from "../src/image/decode.ts";
import { decodeLabels } from "../src/image/labels.ts";
import { emptyCounts, iouRatio, mergeCounts, scoresOf, type ClassCounts } from "../src/metrics/counts.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { createSegmenter } from "../src/segmenter/segmenter.ts";
import { SessionCache } from "../src/segmenter/session-cache.ts";
import { keptIn } from "./kept.ts";
import { hasReference, referenceNetwork, referencePath } from "./networks.ts";

/** Our names, and the curves'. */
const attacks = {
  fgsm: "FGSM",
  "fgsm-ii": "FGSM_II",
  ifgsm: "IterFGSM",
  "ifgsm-ii": "IterFGSM_II",
} as const satisfies Partial<Record<AttackName, string>>;

interface Curves {
  readonly images: readonly string[];
  readonly eps: readonly number[];
  readonly clean_miou: number;
  readonly attacks: Readonly<Record<string, { readonly iou_ratio: readonly number[] }>>;
}

export const curves = async (args: readonly string[]): Promise<void> => {
  if (!hasReference()) return console.log("curves: skipped, the optional folder of reference data is not there");
  const [name = "enet_camvid", count] = args;
  const reference = JSON.parse(readFileSync(referencePath(`curves/${name}.json`), "utf8")) as Curves;
  const network = referenceNetwork(name);
  const classes = network.manifest.classes.length;
  const segmenter = createSegmenter(network, new SessionCache(startWasm(), 2 ** 31));
  const images = reference.images.slice(0, count ? Number(count) : undefined);

  const keep = keptIn<Record<string, ClassCounts>>(`curves-${name}`);
  const countsFor = async (id: string): Promise<Record<string, ClassCounts>> => {
    const read = (kind: string) => readFileSync(referencePath(`images/${network.card.dataset}/${kind}/${id}.png`));
    const image = await decodeImage(read("images"), { maxPixels: 2 ** 24 });
    const truth = decodeLabels(read("labels"), { maxPixels: 2 ** 24 });
    const clean = await segmenter.predict(image);
    const subject = { segmenter, image, item: id, truth, clean };
    const counts: Record<string, ClassCounts> = { clean: (await measure(subject, null)).row.counts.clean };
    for (const attack of Object.keys(attacks) as (keyof typeof attacks)[]) {
      for (const epsilon of reference.eps) {
        const steps = defaultSteps(attack, { epsilon });
        const plan = { attack, epsilon, alpha: 1, steps, pixelRange: "clip", seed: 0 } as const;
        counts[`${attack} ${epsilon}`] = (await measure(subject, plan)).row.counts.float;
      }
    }
    return counts;
  };
  const done: Record<string, ClassCounts>[] = [];
  for (const id of images) {
    done.push(await keep(id, () => countsFor(id)));
    console.log(`${id}: done (${done.length} of ${images.length})`);
  }
  compare(done, reference, classes);
};

const compare = (counts: readonly Record<string, ClassCounts>[], reference: Curves, classes: number): void => {
  const pooled = (key: string) => scoresOf(counts.map((c) => c[key]!).reduce(mergeCounts, emptyCounts(classes)));
  const clean = pooled("clean");
  console.log(
    `clean mIoU ${clean.miou?.toFixed(4)}, reference ${reference.clean_miou.toFixed(4)}, ${counts.length} of ${reference.images.length} images`,
  );
  let worst = 0;
  for (const [ours, theirs] of Object.entries(attacks)) {
    const row = reference.eps.map((epsilon, i) => {
      const ratio = iouRatio(pooled(`${ours} ${epsilon}`), clean)!;
      const expected = reference.attacks[theirs]!.iou_ratio[i]!;
      worst = Math.max(worst, Math.abs(ratio - expected));
      return `${ratio.toFixed(3)} (${expected.toFixed(3)})`;
    });
    console.log(`| ${ours} | ${row.join(" | ")} |`);
  }
  console.log(`largest difference of the IoU ratio: ${worst.toFixed(4)} (aim: at most 0.01, over all images)`);
};
