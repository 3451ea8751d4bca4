/** `faultline certify`: labels that no perturbation up to a radius changes, by randomised smoothing. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { certifiedCounts, outcomesOf, OUTCOMES, voidWhereAbstained } from "../certify/scores.ts";
import { certify, fewestSamples, type Smoothing } from "../certify/smoothing.ts";
import { sha256Of } from "../digest.ts";
import { voidedBeyond } from "../evaluation/labels.ts";
import { encodeLabels } from "../image/labels.ts";
import { useNodeCodecs } from "../image/node.ts";
import { Interrupted, Refusal, UsageError } from "../node/failure.ts";
import { checkFolder, checkWritable, writeFiles } from "../node/files.ts";
import { wholeNumber, type Options, type Values } from "../node/options.ts";
import { createSegmenter, type Image, type Labels, type Segmenter } from "../segmenter/segmenter.ts";
import { SessionCache } from "../segmenter/session-cache.ts";
import { yieldToEvents } from "../yield.ts";
import { backendFlags, BUDGET_BYTES, placeFrom, startAt } from "./backend.ts";
import { certifyReport, type CertifiedPicture } from "./certify-report.ts";
import { command, type Io, type Report } from "./command.ts";
import { interruptible } from "./interrupt.ts";
import { openOperand } from "./open-network.ts";
import { labelFiles, picturesOf, readLabelMap, readPicture, type Picture } from "./pictures.ts";
import { createProgress } from "./progress.ts";

const options = {
  sigma: { type: "string", value: "S,…", default: "8,16,32", help: "standard deviations of the noise in grey levels" },
  tau: { type: "string", value: "P", default: "0.75", help: "probability that a label must exceed, 0.5 to below 1" },
  alpha: {
    type: "string",
    value: "P",
    default: "0.001",
    help: "probability with which a picture's labels may be wrong",
  },
  samples: {
    type: "string",
    value: "N0/N",
    default: "100/1000",
    help: "draws that choose each label, and that test it",
  },
  correction: { type: "string", value: "WHICH", default: "holm", help: "for many pixels: holm or bonferroni" },
  seed: { type: "string", value: "N", default: "0", help: "of the noise" },
  out: {
    type: "string",
    short: "o",
    value: "DIR",
    help: "where maps of certified, wrong and abstained pixels are written",
  },
  manifest: { type: "string", value: "FILE", help: "the manifest of NET where NET is a file without one beside it" },
  labels: { type: "string", value: "FILE|DIR", help: "ground truth: one PNG, or a folder of NAME.png" },
  ...backendFlags,
  csv: { type: "boolean", help: "print the scores as CSV" },
} as const satisfies Options;

const about = `
An attack that fails proves nothing; a certificate does. Each picture is labelled many times under
Gaussian noise. Where one label is significantly more frequent than --tau, the network that takes
the most frequent label keeps it under every perturbation of L2 norm below sigma · Φ⁻¹(tau) grey
levels; elsewhere nothing is certified. With probability 1 - alpha all labels certified on a picture
are right in this sense (SegCertify, ICML 2021). The certificate is one of the smoothed network, not
of the network alone. Scores compare with the ground truth of --labels, or else with the network's
prediction without noise; a pixel that is not certified counts as wrong. With -o DIR it writes
NAME.sigma-S.labels.png (255 where nothing is certified) and NAME.sigma-S.outcome.png.`;

type Given = Values<typeof options>;

const numberIn = (option: string, text: string, valid: (value: number) => boolean, range: string): number => {
  const value = Number(text);
  if (/^[\d.]+(e-?\d+)?$/i.test(text) && valid(value)) return value;
  throw new UsageError(`--${option} must be a number ${range}, not "${text}"`);
};

const smoothingsOf = ({ sigma, tau, alpha, samples, correction, seed }: Given): readonly Smoothing[] => {
  const sigmas = sigma
    .split(",")
    .map((text) => numberIn("sigma", text.trim(), (s) => s > 0 && s <= 255, "greater than 0 and at most 255"));
  const [selection = "", tests = "", ...more] = samples.split("/");
  if (more.length > 0 || tests === "")
    throw new UsageError(`--samples must be two numbers such as 100/1000, not "${samples}"`);
  if (correction !== "holm" && correction !== "bonferroni")
    throw new UsageError(`--correction must be holm or bonferroni, not "${correction}"`);
  const shared = {
    tau: numberIn("tau", tau, (p) => p >= 0.5 && p < 1, "from 0.5 to below 1"),
    alpha: numberIn("alpha", alpha, (p) => p > 0 && p < 1, "between 0 and 1"),
    selection: wholeNumber("samples", selection, 1, 10_000),
    samples: wholeNumber("samples", tests, 1, 1_000_000),
    correction,
    seed: wholeNumber("seed", seed, 0, 0xffff_ffff),
  } as const;
  return sigmas.map((each) => ({ ...shared, sigma: each }));
};

interface Job {
  readonly segmenter: Segmenter;
  readonly smoothings: readonly Smoothing[];
  readonly pictures: readonly Picture[];
  readonly labels: ReadonlyMap<Picture, string>;
  readonly out: string | undefined;
}

const mapsOf = ({ stem }: Picture, out: string, sigma: number) => ({
  labels: join(out, `${stem}.sigma-${sigma}.labels.png`),
  outcome: join(out, `${stem}.sigma-${sigma}.outcome.png`),
});

const certifyPicture = async (
  { segmenter, smoothings, out }: Job,
  picture: Picture,
  { image, truth, item }: { readonly image: Image; readonly truth: Labels | undefined; readonly item: string },
  onDraw: () => Promise<void>,
): Promise<CertifiedPicture> => {
  const { classes } = segmenter.manifest;
  const { labels: clean } = await segmenter.predict(image);
  const reference = truth ?? voidedBeyond(clean, classes.length);
  const predict = async (noisy: Image): Promise<Labels> => (await segmenter.predict(noisy)).labels;
  const certified: CertifiedPicture["certified"][number][] = [];
  for (const smoothing of smoothings) {
    const { labels, drawn } = await certify(predict, image, classes.length, smoothing, { onDraw });
    const { sigma } = smoothing;
    certified.push({ sigma, drawn, ...certifiedCounts(labels, reference, classes.length) });
    if (out === undefined) continue;
    const paths = mapsOf(picture, out, sigma);
    await writeFiles([
      [
        paths.labels,
        encodeLabels(
          voidWhereAbstained(labels),
          classes.map(({ color }) => color),
        ),
      ],
      [
        paths.outcome,
        encodeLabels(
          outcomesOf(labels, reference),
          OUTCOMES.map(({ color }) => color),
        ),
      ],
    ]);
  }
  const counts = certifiedCounts(clean, reference, classes.length);
  return { image: picture.path, item, clean: counts, certified };
};

const certifyAll = async (job: Job, io: Io, signal: AbortSignal): Promise<readonly CertifiedPicture[]> => {
  const { segmenter, smoothings, pictures, labels } = job;
  const steps = smoothings.reduce((all, { selection, samples }) => all + selection + samples, 0);
  const progress = createProgress(io, { items: pictures.length, steps });
  const done: CertifiedPicture[] = [];
  try {
    for (const picture of pictures) {
      progress.begin(picture.path);
      const { bytes, image } = await readPicture(picture, segmenter.manifest, io);
      const pixels = image.shape[1]! * image.shape[2]!;
      const needed = Math.max(...smoothings.map((smoothing) => fewestSamples(smoothing, pixels)));
      if (smoothings[0]!.samples < needed)
        throw new Refusal(
          `${picture.path}: --samples: ${pixels} pixels need at least ${needed} draws to test any of them`,
        );
      const map = labels.get(picture);
      const truth = map === undefined ? undefined : await readLabelMap(map, segmenter.manifest, image);
      const subject = { image, truth, item: await sha256Of(bytes) };
      const onDraw = async (): Promise<void> => {
        progress.step("drawn");
        await yieldToEvents();
        signal.throwIfAborted();
      };
      done.push(await certifyPicture(job, picture, subject, onDraw));
      progress.end("certified");
    }
  } catch (cause) {
    if (!signal.aborted) throw cause;
    throw new Interrupted(`interrupted: ${done.length} of ${pictures.length} pictures were certified`, { cause });
  } finally {
    progress.clear();
  }
  return done;
};

const run = async (net: string, values: Given, io: Io, operands: readonly string[]): Promise<Report> => {
  const smoothings = smoothingsOf(values);
  const runAt = placeFrom(values);
  const pictures = await picturesOf(operands);
  const labels = await labelFiles(pictures, values.labels);
  const { out } = values;
  if (out !== undefined) await checkFolder(out);
  const network = await openOperand(net, values.manifest);
  if (out !== undefined) {
    await mkdir(out, { recursive: true });
    const inputs = [...pictures.map(({ path }) => path), ...labels.values()];
    for (const picture of pictures)
      for (const { sigma } of smoothings)
        for (const path of Object.values(mapsOf(picture, out, sigma))) await checkWritable(path, inputs);
  }
  useNodeCodecs();
  const { runtime, choice, stop } = await startAt(runAt);
  try {
    const segmenter = createSegmenter(network, new SessionCache(runtime, BUDGET_BYTES));
    const job = { segmenter, smoothings, pictures, labels, out };
    const done = await interruptible((signal) => certifyAll(job, io, signal));
    return certifyReport({
      network: network.manifest,
      backend: choice.backend,
      smoothings,
      pictures: done,
      truth: labels.size > 0,
    });
  } finally {
    await stop();
  }
};

export const certifyPictures = command({ name: "certify", operand: "NET", others: "IMAGE…", about, options, run });
