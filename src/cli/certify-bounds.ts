/** `faultline certify --method interval|linear`: labels that no perturbation of at most ε grey levels a channel changes. */

import { treeOf } from "../certify/hierarchy.ts";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { BoundHooks } from "../certify/bound-runs.ts";
import { createBounder, type Bounder, type Bounding } from "../certify/deterministic.ts";
import { UnsupportedBoundError } from "../certify/interval-rules/rule.ts";
import { certifiedCounts, outcomesOf, OUTCOMES, voidWhereAbstained, type CertifiedCounts } from "../certify/scores.ts";
import { ABSTAINED } from "../certify/smoothing.ts";
import { sha256Of } from "../digest.ts";
import { voidedBeyond } from "../evaluation/labels.ts";
import { encodeLabels } from "../image/labels.ts";
import { Interrupted, Refusal } from "../node/failure.ts";
import { checkWritable, writeFiles } from "../node/files.ts";
import type { Network } from "../segmenter/network.ts";
import { createSegmenter, type Image, type Labels } from "../segmenter/segmenter.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";
import { spatialSize, tensor } from "../tensor.ts";
import { yieldToEvents } from "../yield.ts";
import { boundReport, boundLines, type BoundPicture } from "./certify-bound-report.ts";
import type { Outs } from "./certify-options.ts";
import type { Io, Report } from "./command.ts";
import { readLabelMap, readPicture, type Picture } from "./pictures.ts";
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

const mapsOf = ({ stem }: Picture, out: string, epsilon: number) => ({
  labels: join(out, `${stem}.epsilon-${epsilon}.labels.png`),
  outcome: join(out, `${stem}.epsilon-${epsilon}.outcome.png`),
});

/** The reference where it was asked for, else void. */
const among = ({ shape, data }: Labels, pixels: readonly number[]): Labels => {
  const kept = new Uint8Array(data.length).fill(255);
  for (const pixel of pixels) kept[pixel] = data[pixel]!;
  return tensor("uint8", shape, kept);
};

/** Outputs beyond the manifest's classes are none: nothing is certified there. */
const ofClasses = ({ shape, data }: Labels, classes: number): Labels =>
  tensor(
    "uint8",
    shape,
    data.map((label) => (label < classes ? label : ABSTAINED)),
  );

/** A picture that has been read. */
interface Subject {
  readonly picture: Picture;
  readonly image: Image;
  readonly truth: Labels | undefined;
  /** The digest of the picture's file. */
  readonly item: string;
}

const writeMaps = async (
  { network, outs: { maps } }: BoundJob,
  picture: Picture,
  epsilon: number,
  labels: Labels,
  asked: Labels,
) => {
  if (maps === undefined) return;
  const paths = mapsOf(picture, maps, epsilon);
  const colors = (of: readonly { readonly color: readonly [number, number, number] }[]) => of.map(({ color }) => color);
  await writeFiles([
    [paths.labels, encodeLabels(voidWhereAbstained(labels), colors(network.manifest.classes))],
    [paths.outcome, encodeLabels(outcomesOf(labels, asked, treeOf(network.manifest.classes.length)), colors(OUTCOMES))],
  ]);
};

const boundPicture = async (
  job: BoundJob,
  bounder: Bounder,
  { picture, image, item, truth }: Subject,
  hooks: BoundHooks,
): Promise<BoundPicture> => {
  const { network, cache, bounding, epsilons, largest } = job;
  const { length } = network.manifest.classes;
  const tree = treeOf(length);
  const { labels: clean } = await createSegmenter(network, cache).predict(image);
  const reference = truth ?? voidedBeyond(clean, length);
  const certified: BoundPicture["certified"][number][] = [];
  for (const epsilon of epsilons) {
    const certificate = await bounder.certify(image, epsilon, bounding, hooks);
    const labels = ofClasses(certificate.labels, length);
    const asked = among(reference, certificate.examined);
    await writeMaps(job, picture, epsilon, labels, asked);
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
    clean: certifiedCounts(clean, reference, tree).counts,
    certified,
    ...(largest && { largest: await bounder.largest(image, bounding, hooks) }),
  };
};

/** @throws Refusal where a map cannot be written, or would replace one of `inputs`. */
export const checkBoundMaps = async (
  { pictures, epsilons, outs: { maps } }: Pick<BoundJob, "pictures" | "epsilons" | "outs">,
  inputs: readonly string[],
): Promise<void> => {
  if (maps === undefined) return;
  await mkdir(maps, { recursive: true });
  for (const picture of pictures)
    for (const epsilon of epsilons)
      for (const path of Object.values(mapsOf(picture, maps, epsilon))) await checkWritable(path, inputs);
};

/** Bounds all pictures. @throws Interrupted where the signal is aborted. */
export const boundAll = async (job: BoundJob, io: Io, signal: AbortSignal): Promise<Report> => {
  const { network, cache, bounding, epsilons, pictures, labels, outs } = job;
  const { manifest } = network;
  const bounder = createBounder(network, cache);
  const done: BoundPicture[] = [];
  let progress: Progress | undefined;
  try {
    for (const picture of pictures) {
      const { bytes, image } = await readPicture(picture, manifest, io);
      const steps = epsilons.length * bounder.runs(spatialSize(image), bounding);
      progress ??= createProgress(io, { items: pictures.length, steps });
      progress.begin(picture.path);
      const map = labels.get(picture);
      const truth = map === undefined ? undefined : await readLabelMap(map, manifest, image);
      const onRun = async (): Promise<void> => {
        progress?.step("bounded");
        await yieldToEvents();
      };
      const subject = { picture, image, truth, item: await sha256Of(bytes) };
      done.push(await boundPicture(job, bounder, subject, { onRun, signal }));
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
