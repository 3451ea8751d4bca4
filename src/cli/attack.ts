/** `faultline attack`: adversarial pictures, and the scores of a network on them. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { measure, type Measured } from "../evaluation/measure.ts";
import { stepsOf, type AttackPlan } from "../evaluation/plan.ts";
import { perturbationFrom } from "../evaluation/scores.ts";
import { bytesOf, encodePng, isPngPlanes } from "../image/encode.ts";
import { encodeLabels } from "../image/labels.ts";
import { useNodeCodecs } from "../image/node.ts";
import { encodeNpy } from "../image/npy.ts";
import { sha256Of } from "../digest.ts";
import { Interrupted, UsageError } from "../node/failure.ts";
import { checkFolder, checkWritable, writeFiles } from "../node/files.ts";
import { wantedBackend, type Options, type Values } from "../node/options.ts";
import { gpuFaults } from "../segmenter/compile.ts";
import { channelCount, type Manifest } from "../segmenter/manifest.ts";
import { notesOf } from "../segmenter/network.ts";
import { createSegmenter, type Image, type Segmenter } from "../segmenter/segmenter.ts";
import { SessionCache } from "../segmenter/session-cache.ts";
import { attackFlags, attackLines, planFrom } from "./attack-options.ts";
import { attackCsv, attackReport, attackTable, bothScores, type AttackedPicture } from "./attack-report.ts";
import { runtimeFor } from "../node/runtime-for.ts";
import { backendOption, WASM_BUDGET_BYTES } from "./backend.ts";
import { command, type Io, type Report } from "./command.ts";
import { yieldToEvents } from "../yield.ts";
import { interruptible } from "./interrupt.ts";
import { openOperand } from "./open-network.ts";
import { labelFiles, picturesOf, readLabelMap, readPicture, type Picture } from "./pictures.ts";
import { createProgress } from "./progress.ts";

const options = {
  ...attackFlags,
  out: { type: "string", short: "o", value: "DIR", default: "adversarial", help: "where the pictures are written" },
  npy: { type: "boolean", help: "also write the adversarial image as exact floats, float32 [C, H, W]" },
  manifest: { type: "string", value: "FILE", help: "the manifest of NET where NET is a file without one beside it" },
  source: { type: "string", value: "NET", help: "attack this network instead, and transfer the pictures to NET" },
  labels: { type: "string", value: "FILE|DIR", help: "ground truth: one PNG, or a folder of NAME.png" },
  label: { type: "string", value: "WHICH", default: "prediction", help: "labels to leave: prediction or ground-truth" },
  target: { type: "string", value: "CLASS", help: "approach this class, by its index, instead of leaving labels" },
  backend: backendOption,
  csv: { type: "boolean", help: "print the scores as CSV" },
} as const satisfies Options;

const about = `
Attacks pictures (PNG, JPEG, WebP, NPY; files, or folders of them) and scores the network before and
after. NET is a folder with manifest.json, a file with --manifest, or the name of a network that
ships. For each picture NAME it writes NAME.adversarial.png (8 bits), NAME.labels-before.png and
NAME.labels-after.png (of the 8-bit picture). Scores compare with the ground truth of --labels, or
else with the clean prediction, whose mIoU is 1; those of all pictures are pooled by pixel counts.

${attackLines()}`;

type Given = Values<typeof options>;

interface Job {
  readonly segmenter: Segmenter;
  readonly source: Segmenter;
  readonly plan: AttackPlan;
  readonly label: "prediction" | "ground-truth";
  readonly pictures: readonly Picture[];
  readonly labels: ReadonlyMap<Picture, string>;
  readonly out: string;
  readonly npy: boolean;
  /** Whether the adversarial picture can be a PNG; else it is NPY of uint8. */
  readonly isPng: boolean;
}

/** The paths of what is written of a picture. */
const filesOf = ({ stem }: Picture, { out, npy, isPng }: Pick<Job, "out" | "npy" | "isPng">) => ({
  adversarial: join(out, `${stem}.adversarial.${isPng ? "png" : "uint8.npy"}`),
  ...(npy ? { npy: join(out, `${stem}.adversarial.npy`) } : {}),
  labelsBefore: join(out, `${stem}.labels-before.png`),
  labelsAfter: join(out, `${stem}.labels-after.png`),
});

const labelOf = (text: string, labels: string | undefined): Job["label"] => {
  if (text !== "prediction" && text !== "ground-truth")
    throw new UsageError(`--label must be prediction or ground-truth, not "${text}"`);
  if (text === "ground-truth" && labels === undefined) throw new UsageError("--label ground-truth goes with --labels");
  return text;
};

const targetOf = (text: string | undefined, { classes }: Manifest): number | undefined => {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value < classes.length) return value;
  throw new UsageError(`--target must be a class from 0 to ${classes.length - 1}, not "${text}"`);
};

/** @throws UsageError where a picture of one network is none of the other's. */
const requireSameChannels = (target: Manifest, source: Manifest): void => {
  const [own, other] = [target, source].map(({ input }) => channelCount(input.channels));
  if (own !== other)
    throw new UsageError(`--source ${source.name} takes pictures of ${other} channels, and ${target.name} of ${own}`);
};

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
const attackAll = async (job: Job, io: Io, signal: AbortSignal): Promise<readonly AttackedPicture[]> => {
  const { segmenter, source, plan, pictures, labels, label } = job;
  const { manifest } = segmenter;
  const names = manifest.classes.map(({ name }) => name);
  const progress = createProgress(io, { items: pictures.length, steps: stepsOf(plan) });
  const done: AttackedPicture[] = [];
  try {
    for (const picture of pictures) {
      progress.begin(picture.path);
      const { bytes, image } = await readPicture(picture, manifest, io);
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
      const result = resultOf(picture, image, await write(picture, job, measured), measured, names);
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

const run = async (net: string, values: Given, io: Io, operands: readonly string[]): Promise<Report> => {
  const { out } = values;
  const plan = planFrom(values);
  const label = labelOf(values.label, values.labels);
  const wanted = wantedBackend(values.backend);
  const pictures = await picturesOf(operands);
  const labels = await labelFiles(pictures, values.labels);
  await checkFolder(out);
  const network = await openOperand(net, values.manifest);
  const other = values.source === undefined ? network : await openOperand(values.source);
  const target = targetOf(values.target, network.manifest);
  await mkdir(out, { recursive: true });
  const planes = channelCount(network.manifest.input.channels);
  requireSameChannels(network.manifest, other.manifest);
  const place = { out, npy: values.npy === true, isPng: isPngPlanes(planes) };
  const inputs = [...pictures.map(({ path }) => path), ...labels.values()];
  for (const picture of pictures)
    for (const path of Object.values(filesOf(picture, place))) await checkWritable(path, inputs);

  useNodeCodecs();
  const missing = () => [network, other].flatMap((each) => gpuFaults(each, null));
  const { runtime, choice, stop } = await runtimeFor(wanted, missing);
  try {
    const cache = new SessionCache(runtime, WASM_BUDGET_BYTES);
    const segmenter = createSegmenter(network, cache);
    const source = other === network ? segmenter : createSegmenter(other, cache);
    const job = { segmenter, source, plan: { ...plan, target }, label, pictures, labels, ...place };
    const report = attackReport(
      await interruptible((signal) => attackAll(job, io, signal)),
      network.manifest.classes.map(({ name }) => name),
      notesOf(network),
    );
    const where = wanted === "wasm" ? "" : `\non ${choice.backend}: ${choice.why}`;
    const against = report.reference === "ground-truth" ? "the ground truth" : "the clean prediction";
    const head = `${report.network}, ${plan.attack} at ε = ${plan.epsilon}, 8-bit pictures in ${out}, against ${against}; evaluations forward + backward`;
    const notes = report.notes.map((note) => `\nnote: ${note}`).join("");
    return { text: `${head}${where}${notes}\n${attackTable(report)}`, data: report, csv: attackCsv(report) };
  } finally {
    await stop();
  }
};

export const attackPictures = command({ name: "attack", operand: "NET", others: "IMAGE…", about, options, run });
