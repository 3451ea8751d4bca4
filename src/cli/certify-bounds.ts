/** `faultline certify --method interval|linear`: labels that no perturbation of at most ε grey levels a channel changes. */

import type { BoundHooks } from "../certify/bound-runs.ts";
import { createBounder, type Bounder, type Bounding } from "../certify/deterministic.ts";
import { treeOf } from "../certify/hierarchy.ts";
import { UnsupportedBoundError } from "../certify/interval-rules/rule.ts";
import { certifiedCounts, ofClasses, onlyAt, type CertifiedCounts } from "../certify/scores.ts";
import { voidedBeyond } from "../evaluation/labels.ts";
import { countsOf } from "../metrics/counts.ts";
import { Interrupted, Refusal } from "../node/failure.ts";
import { writeFiles } from "../node/files.ts";
import type { Network } from "../segmenter/network.ts";
import { createSegmenter } from "../segmenter/segmenter.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";
import { spatialSize } from "../tensor.ts";
import { yieldToEvents } from "../yield.ts";
import { boundReport, boundLines, type BoundPicture } from "./certify-bound-report.ts";
import { writeMaps } from "./certify-maps.ts";
import type { Outs } from "./certify-options.ts";
import type { Io, Report } from "./command.ts";
import { readingWarnings, readWithLabels, type Picture, type ReadPicture } from "./pictures.ts";
import { createProgress, type Progress } from "./progress.ts";

/** What is bounded. */
export interface BoundJob {
  readonly network: Network;
  readonly cache: SessionCache;
  readonly bounding: Bounding;
  readonly epsilons: readonly number[];
  /** Whether the largest ε is looked for too. */
  readonly largest: boolean;
  readonly pictures: readonly Picture[];
  readonly labels: ReadonlyMap<Picture, string>;
  readonly outs: Outs;
}

/** A picture that has been read. */
interface Subject extends ReadPicture {
  readonly picture: Picture;
}

const boundPicture = async (
  job: BoundJob,
  bounder: Bounder,
  { picture, image, item, truth }: Subject,
  hooks: BoundHooks,
): Promise<BoundPicture> => {
  const { network, cache, epsilons, largest, outs } = job;
  const { length } = network.manifest.classes;
  const tree = treeOf(length);
  const { labels: clean } = await createSegmenter(network, cache).predict(image);
  const reference = truth ?? voidedBeyond(clean, length);
  const bounding = { ...job.bounding, among: reference };
  const certified: BoundPicture["certified"][number][] = [];
  for (const epsilon of epsilons) {
    const certificate = await bounder.certify(image, epsilon, bounding, hooks);
    const labels = ofClasses(certificate.labels, length);
    const asked = onlyAt(reference, certificate.examined);
    await writeMaps(outs.maps, picture, `epsilon-${epsilon}`, { labels, reference: asked, tree }, network.manifest);
    const [all, examined] = [reference, asked].map((of) => certifiedCounts(labels, of, tree)) as [
      CertifiedCounts,
      CertifiedCounts,
    ];
    certified.push({ epsilon, all, examined });
  }
  return {
    image: picture.path,
    stem: picture.stem,
    item,
    clean: countsOf(clean, reference, length),
    certified,
    ...(largest && { largest: await bounder.largest(image, bounding, hooks) }),
  };
};

/** Bounds all pictures. @throws Interrupted where the signal is aborted. */
export const boundAll = async (job: BoundJob, io: Io, signal: AbortSignal): Promise<Report> => {
  const { network, cache, bounding, epsilons, pictures, labels, outs } = job;
  const { manifest } = network;
  const bounder = createBounder(network, cache);
  const warn = readingWarnings([network], io);
  const done: BoundPicture[] = [];
  let progress: Progress | undefined;
  try {
    for (const picture of pictures) {
      const read = await readWithLabels(picture, labels, manifest, io);
      warn(picture, read.image);
      const steps = epsilons.length * bounder.runs(spatialSize(read.image), bounding);
      progress ??= createProgress(io, { items: pictures.length, steps });
      progress.begin(picture.path);
      const onRun = async (): Promise<void> => {
        progress?.step("bounded");
        await yieldToEvents();
      };
      done.push(await boundPicture(job, bounder, { picture, ...read }, { onRun, signal }));
      progress.end("bounded");
    }
  } catch (cause) {
    if (cause instanceof UnsupportedBoundError) throw new Refusal(cause.message, { cause });
    if (!signal.aborted) throw cause;
    throw new Interrupted(`interrupted: ${done.length} of ${pictures.length} pictures were bounded`, { cause });
  } finally {
    progress?.clear();
  }
  const result = {
    network: manifest,
    backend: cache.runtime.backend,
    bounding,
    pictures: done,
    truth: labels.size > 0,
  };
  if (outs.certificates !== undefined)
    await writeFiles([[outs.certificates, new TextEncoder().encode(boundLines(result))]]);
  return boundReport(result);
};
