/** The pictures of an attack, one after another: attacked, scored, written. */

import { join } from "node:path";
import { measure, type Measured } from "../evaluation/measure.ts";
import { stepsOf, type AttackPlan } from "../evaluation/plan.ts";
import { perturbationFrom } from "../evaluation/scores.ts";
import { runTrials } from "../evaluation/trials.ts";
import { bytesOf, encodePng } from "../image/encode.ts";
import { encodeLabels } from "../image/labels.ts";
import { encodeNpy } from "../image/npy.ts";
import { sha256Of } from "../digest.ts";
import { Interrupted } from "../node/failure.ts";
import { writeFiles } from "../node/files.ts";
import type { Image, Segmenter } from "../segmenter/segmenter.ts";
import { bothScores, type AttackedPicture } from "./attack-report.ts";
import type { Io } from "./command.ts";
import { yieldToEvents } from "../yield.ts";
import { readLabelMap, readPicture, type Picture } from "./pictures.ts";
import { createProgress } from "./progress.ts";

export interface Job {
  readonly segmenter: Segmenter;
  readonly source: Segmenter;
  readonly plan: AttackPlan;
  readonly label: "prediction" | "ground-truth";
  readonly pictures: readonly Picture[];
  readonly labels: ReadonlyMap<Picture, string>;
  /** Trials behind random transformations. */
  readonly trials: number | undefined;
  readonly out: string;
  readonly npy: boolean;
  /** Whether the adversarial picture can be a PNG; else it is NPY of uint8. */
  readonly isPng: boolean;
}

/** The paths of what is written of a picture. */
export const filesOf = ({ stem }: Picture, { out, npy, isPng }: Pick<Job, "out" | "npy" | "isPng">) => ({
  adversarial: join(out, `${stem}.adversarial.${isPng ? "png" : "uint8.npy"}`),
  ...(npy ? { npy: join(out, `${stem}.adversarial.npy`) } : {}),
  labelsBefore: join(out, `${stem}.labels-before.png`),
  labelsAfter: join(out, `${stem}.labels-after.png`),
});

const write = async (
  picture: Picture,
  job: Job,
  { clean, float, uint8 }: Measured,
): Promise<AttackedPicture["files"]> => {
  const files = filesOf(picture, job);
  const palette = job.segmenter.manifest.classes.map(({ color }) => color);
  await writeFiles([
    [files.adversarial, job.isPng ? encodePng(uint8.image) : encodeNpy(bytesOf(uint8.image))],
    ...(files.npy === undefined ? [] : [[files.npy, encodeNpy(float.image)] as const]),
    [files.labelsBefore, encodeLabels(clean.labels, palette)],
    [files.labelsAfter, encodeLabels(uint8.labels, palette)],
  ]);
  return files;
};

const resultOf = (
  picture: Picture,
  image: Image,
  files: AttackedPicture["files"],
  measured: Measured,
  names: readonly string[],
) => {
  const distances = perturbationFrom(image);
  return {
    image: picture.path,
    files,
    scores: bothScores(measured.row.counts, names),
    perturbation: { float: distances(measured.float.image), uint8: distances(measured.uint8.image) },
    row: measured.row,
  };
};

/** Attacks one picture after another. @throws Interrupted that says how many are done. */
export const attackAll = async (job: Job, io: Io, signal: AbortSignal): Promise<readonly AttackedPicture[]> => {
  const { segmenter, source, plan, pictures, labels, label } = job;
  const { manifest } = segmenter;
  const names = manifest.classes.map(({ name }) => name);
  const progress = createProgress(io, { items: pictures.length, steps: stepsOf(plan) });
  const done: AttackedPicture[] = [];
  const again = { seed: plan.seed, onTrial: yieldToEvents, signal };
  try {
    for (const picture of pictures) {
      progress.begin(picture.path);
      const { bytes, image } = await readPicture(picture, manifest);
      const map = labels.get(picture);
      const truth = map === undefined ? undefined : await readLabelMap(map, manifest, image);
      const subject = { segmenter, source, image, item: await sha256Of(bytes), truth };
      const own = { ...plan, source: label === "ground-truth" ? truth : undefined };
      const onStep = async ({ changedPixelShare }: { readonly changedPixelShare: number }): Promise<void> => {
        progress.step(`${(100 * changedPixelShare).toFixed(1)} % of the pixels changed`);
        await yieldToEvents();
        signal.throwIfAborted();
      };
      const measured = await measure(subject, own, { signal, onStep });
      const attacked = { clean: image, float: measured.float.image, uint8: measured.uint8.image, truth };
      const trials = job.trials && (await runTrials(segmenter, attacked, { ...again, trials: job.trials }));
      const files = await write(picture, job, measured);
      const result = { ...resultOf(picture, image, files, measured, names), ...(trials ? { trials } : {}) };
      done.push(result);
      progress.end(`IoU ratio ${result.scores.uint8.iouRatio?.toFixed(4) ?? "undefined"}`);
    }
  } catch (cause) {
    if (!signal.aborted) throw cause;
    const written = done.length === 0 ? "nothing is written" : `the results of ${done.length} are in ${job.out}`;
    throw new Interrupted(`interrupted: of ${pictures.length} pictures ${written}`, { cause });
  } finally {
    progress.clear();
  }
  return done;
};
