/** The pictures of `faultline certify`, one after another, with counts that are kept. */

import { certifiedCounts } from "../certify/scores.ts";
import { treeOf, type Tree } from "../certify/hierarchy.ts";
import { certify, fewestSamples, type Smoothing } from "../certify/smoothing.ts";
import { sha256Of } from "../digest.ts";
import { voidedBeyond } from "../evaluation/labels.ts";
import { Interrupted, UsageError } from "../node/failure.ts";
import type { Image, Labels, Segmenter } from "../segmenter/segmenter.ts";
import { yieldToEvents } from "../yield.ts";
import { writeMaps } from "./certify-maps.ts";
import type { CertifiedPicture } from "./certify-report.ts";
import type { StateFile } from "./certify-state.ts";
import type { Io } from "./command.ts";
import { readWithLabels, type Picture, type ReadPicture } from "./pictures.ts";
import { createProgress } from "./progress.ts";

/** What is certified. */
export interface Job {
  readonly segmenter: Segmenter;
  readonly smoothings: readonly Smoothing[];
  /** The classes and groups of the hierarchy, which is the same at each σ. */
  readonly tree: Tree;
  readonly pictures: readonly Picture[];
  readonly labels: ReadonlyMap<Picture, string>;
  /** Warns of what the network leaves out of a picture. */
  readonly warn: (picture: Picture, image: Image) => void;
  /** A folder for maps. */
  readonly maps: string | undefined;
  readonly state: StateFile;
}

/** A picture that has been read. */
interface Subject extends ReadPicture {
  readonly index: number;
  readonly picture: Picture;
}

/** How often the counts are kept while draws are made, in milliseconds. */
const KEEP_EVERY = 60_000;

/** Certifies at each σ that the state has not finished; on abort it keeps the counts and rejects. */
const certifyPicture = async (
  job: Job,
  { index, picture, image, truth, item }: Subject,
  { onDraw, signal }: { readonly onDraw: () => Promise<void>; readonly signal: AbortSignal },
): Promise<CertifiedPicture> => {
  const { segmenter, smoothings, state: file } = job;
  const { classes } = segmenter.manifest;
  const { labels: clean } = await segmenter.predict(image);
  const reference = truth ?? voidedBeyond(clean, classes.length);
  const predict = async (noisy: Image): Promise<Labels> => (await segmenter.predict(noisy)).labels;
  const digest = `${item} ${await sha256Of(Uint8Array.from(reference.data))}`;
  const certified = [...file.finished(index, digest)];
  for (const smoothing of smoothings.slice(certified.length)) {
    const at = { picture: index, smoothing: certified.length, digest };
    let kept = performance.now();
    const { labels, drawn } = await certify(predict, image, classes.length, smoothing, {
      state: file.begun(at, image.shape, classes.length),
      onDraw: async (_, state) => {
        await onDraw();
        if (!signal.aborted && performance.now() - kept < KEEP_EVERY) return;
        await file.keep(at, state);
        kept = performance.now();
        signal.throwIfAborted();
      },
    });
    const { sigma } = smoothing;
    await writeMaps(job.maps, picture, `sigma-${sigma}`, { labels, reference, tree: job.tree }, segmenter.manifest);
    certified.push({ sigma, drawn, ...certifiedCounts(labels, reference, job.tree) });
    await file.finish(at, certified);
  }
  const counts = certifiedCounts(clean, reference, treeOf(classes.length));
  return { image: picture.path, stem: picture.stem, item, clean: counts, certified };
};

const requireEnoughDraws = (picture: Picture, image: Image, smoothings: readonly Smoothing[]): void => {
  const pixels = image.shape[1]! * image.shape[2]!;
  const needed = Math.max(...smoothings.map((smoothing) => fewestSamples(smoothing, pixels)));
  if (smoothings[0]!.samples < needed)
    throw new UsageError(
      `${picture.path}: --samples: ${pixels} pixels need at least ${needed} draws to test any of them`,
    );
};

/** Certifies all pictures. @throws Interrupted where the signal is aborted. */
export const certifyAll = async (job: Job, io: Io, signal: AbortSignal): Promise<readonly CertifiedPicture[]> => {
  const { segmenter, smoothings, pictures, labels } = job;
  const steps = smoothings.reduce((all, { selection, samples }) => all + selection + samples, 0);
  const progress = createProgress(io, { items: pictures.length, steps });
  const done: CertifiedPicture[] = [];
  const onDraw = async (): Promise<void> => {
    progress.step("drawn");
    await yieldToEvents();
  };
  try {
    for (const [index, picture] of pictures.entries()) {
      progress.begin(picture.path);
      const read = await readWithLabels(picture, labels, segmenter.manifest, io);
      job.warn(picture, read.image);
      requireEnoughDraws(picture, read.image, smoothings);
      done.push(await certifyPicture(job, { index, picture, ...read }, { onDraw, signal }));
      progress.end("certified");
    }
  } catch (cause) {
    if (!signal.aborted) throw cause;
    const kept = job.state.path === undefined ? "" : `; the same command continues from ${job.state.path}`;
    throw new Interrupted(`interrupted: ${done.length} of ${pictures.length} pictures were certified${kept}`, {
      cause,
    });
  } finally {
    progress.clear();
  }
  return done;
};
