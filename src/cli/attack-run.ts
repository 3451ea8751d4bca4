/** The pictures of an attack, one after another: attacked, scored, written. */

import { join } from "node:path";
import { measure, type Measured, type MeasureHooks, type Plan } from "../evaluation/measure.ts";
import { stepsOf } from "../evaluation/plan.ts";
import { regionAim, RegionError } from "../evaluation/region-goal.ts";
import { perturbationFrom } from "../evaluation/scores.ts";
import { evaluationsWith, runTrials } from "../evaluation/trials.ts";
import { isUniversal } from "../evaluation/universal.ts";
import { bytesOf, encodePng } from "../image/encode.ts";
import { encodeLabels } from "../image/labels.ts";
import { encodeNpy } from "../image/npy.ts";
import { Interrupted, Refusal } from "../node/failure.ts";
import { writeFiles } from "../node/files.ts";
import type { Image, Labels, Segmenter } from "../segmenter/segmenter.ts";
import { bothScores, type AttackedPicture } from "./attack-report.ts";
import type { Io } from "./command.ts";
import { yieldToEvents } from "../yield.ts";
import { readWithLabels, type Picture } from "./pictures.ts";
import { createProgress } from "./progress.ts";
import { goalOn, type WrittenTarget } from "./region-options.ts";
import { counted } from "../counted.ts";

export interface Job {
  readonly segmenter: Segmenter;
  readonly source: Segmenter;
  readonly plan: Plan;
  readonly label: "prediction" | "ground-truth";
  readonly pictures: readonly Picture[];
  readonly labels: ReadonlyMap<Picture, string>;
  /** Warns of what networks leave out of a picture. */
  readonly warn: (picture: Picture, image: Image) => void;
  /** What is hidden or swapped, where that is a region. */
  readonly goal: WrittenTarget | undefined;
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

/** The region of a job on a picture. @param left the ground truth, where it is what is left. */
const aimIn = async ({ goal, segmenter: { manifest } }: Job, image: Image, left: Labels | undefined) =>
  goal && regionAim(await goalOn(goal, manifest, image), manifest.classes.length, left);

/** Attacks one picture, and writes what comes of it. @throws RegionError where it has not the region. */
const attackOne = async (picture: Picture, job: Job, io: Io, hooks: MeasureHooks): Promise<AttackedPicture> => {
  const { segmenter, source, plan, label } = job;
  const { manifest } = segmenter;
  const names = manifest.classes.map(({ name }) => name);
  const { image, item, truth } = await readWithLabels(picture, job.labels, manifest, io);
  job.warn(picture, image);
  const left = label === "ground-truth" ? truth : undefined;
  const aim = await aimIn(job, image, left);
  const subject = { segmenter, source, image, item, truth };
  const planFor = (clean: Labels): Plan =>
    isUniversal(plan) ? plan : { ...plan, source: left, target: aim?.given(clean) ?? plan.target };
  const measured = await measure(subject, planFor, hooks);
  const { float, uint8, row, signs, covered } = measured;
  const again = { seed: plan.seed, onTrial: yieldToEvents, signal: hooks.signal };
  const attacked = { clean: image, float: float.image, uint8: uint8.image, truth, covered };
  const trials =
    job.trials === undefined ? undefined : await runTrials(segmenter, attacked, { ...again, trials: job.trials });
  const distances = perturbationFrom(image);
  return {
    image: picture.path,
    files: await write(picture, job, measured),
    scores: bothScores(row.counts, names),
    perturbation: { float: distances(float.image), uint8: distances(uint8.image) },
    row: { ...row, evaluations: evaluationsWith(row.evaluations, trials ?? []) },
    signs,
    ...(aim ? { region: aim.reached(measured) } : {}),
    ...(trials ? { trials } : {}),
  };
};

/**
 * Attacks one picture after another; those that have not the region are left out, and said.
 *
 * @throws Interrupted that says how many are done; Refusal where no picture has the region.
 */
export const attackAll = async (job: Job, io: Io, signal: AbortSignal): Promise<readonly AttackedPicture[]> => {
  const { plan, pictures } = job;
  const progress = createProgress(io, { items: pictures.length, steps: isUniversal(plan) ? 0 : stepsOf(plan) });
  const done: AttackedPicture[] = [];
  const onStep = async ({ changedPixelShare }: { readonly changedPixelShare: number }): Promise<void> => {
    progress.step(`${(100 * changedPixelShare).toFixed(1)} % of the pixels changed`);
    await yieldToEvents();
    signal.throwIfAborted();
  };
  let lacking: RegionError | undefined;
  try {
    for (const picture of pictures) {
      progress.begin(picture.path);
      try {
        const result = await attackOne(picture, job, io, { signal, onStep });
        done.push(result);
        progress.end(`IoU ratio ${result.scores.uint8.iouRatio?.toFixed(4) ?? "undefined"}`);
      } catch (cause) {
        if (!(cause instanceof RegionError)) throw cause;
        lacking = cause;
        progress.end(`left out: ${cause.message}`);
      }
    }
  } catch (cause) {
    if (!signal.aborted) throw cause;
    const written = done.length === 0 ? "nothing is written" : `the results of ${done.length} are in ${job.out}`;
    throw new Interrupted(`interrupted: of ${counted(pictures.length, "picture")} ${written}`, { cause });
  } finally {
    progress.clear();
  }
  if (lacking && done.length === 0) throw new Refusal(`no picture is attacked: ${lacking.message}`, { cause: lacking });
  return done;
};
