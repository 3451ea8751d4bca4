/** `faultline universal`: one perturbation for many pictures. */

import { rm } from "node:fs/promises";
import { readCheckpoint, writeCheckpoint } from "../attacks/checkpoint.ts";
import type { Checkpoint } from "../attacks/run.ts";
import { craftUniversal, radiusOf, universalSteps, type UniversalSettings } from "../evaluation/universal.ts";
import { limits } from "../evaluation/items.ts";
import { encodeNpy } from "../image/npy.ts";
import { useNodeCodecs } from "../image/node.ts";
import { Interrupted, Refusal, UsageError } from "../node/failure.ts";
import { checkWritable, readBytes, statOf, writeFiles } from "../node/files.ts";
import { wholeNumber, type Options, type Values } from "../node/options.ts";
import { gpuFaults } from "../segmenter/compile.ts";
import { readingNotes } from "../segmenter/reads.ts";
import { createSegmenter, type Image, type Segmenter } from "../segmenter/segmenter.ts";
import type { Size } from "../tensor.ts";
import { yieldToEvents } from "../yield.ts";
import { numberIn, radiusFrom, seedFrom } from "./attack-options.ts";
import { backendFlags, cacheOn, placeFrom, ranOn, startAt } from "./backend.ts";
import { command, needed, type Io, type Report } from "./command.ts";
import { specFlags, specFrom } from "./evaluate-options.ts";
import { interruptible } from "./interrupt.ts";
import { openOperand } from "./open-network.ts";
import { ifGiven } from "./notation.ts";
import { createProgress } from "./progress.ts";
import { parseSize } from "./sizes.ts";
import { differenceOf, type RunOf } from "./universal-identity.ts";
import { resized, shapeOf, universalPictures, type UniversalPictures } from "./universal-pictures.ts";
import { counted } from "../counted.ts";

const { data, labels, dataset, split, images, remap, palette, size } = specFlags;

const options = {
  out: { type: "string", short: "o", value: "FILE", help: "where the perturbation is written, NPY float32 [C, H, W]" },
  data,
  labels,
  dataset,
  split,
  images,
  remap,
  palette,
  size,
  resize: { type: "string", value: "HxW", help: "bring each picture to this size, where they have several" },
  epsilon: { type: "string", value: "E", default: "8", help: "radius of the perturbation in grey levels of 0..255" },
  alpha: { type: "string", value: "A", help: "size of a step in grey levels; a tenth of epsilon if absent" },
  epochs: { type: "string", value: "N", default: "10", help: "passes through the pictures" },
  batch: { type: "string", value: "N", default: "8", help: "pictures whose gradients are averaged for a step" },
  label: { type: "string", value: "WHICH", default: "prediction", help: "labels to leave: prediction or ground-truth" },
  seed: { type: "string", value: "N", default: "0", help: "of the choice of pictures and of their order" },
  manifest: { type: "string", value: "FILE", help: "the manifest of NET where NET is a file without one beside it" },
  ...backendFlags,
} as const satisfies Options;

const about = `
Makes one perturbation that changes the labels of many pictures (Metzen et al. 2017): steps by the
sign of the gradient averaged over a few pictures, in a new order in each epoch, within ε in L∞. The
pictures are files, folders of them, or those of a data set, as evaluate takes them (--data), whose
label maps --label ground-truth needs; all of one size, or brought to one by --resize. It goes on
where it was stopped: what it takes to continue is kept in FILE.checkpoint until it is done. To see
what it does to pictures: faultline attack NET IMAGE… --delta FILE.`;

type Given = Values<typeof options>;

const settingsFrom = (values: Given): UniversalSettings => {
  const epsilon = radiusFrom(values.epsilon);
  const range = { minimum: 0, exclusive: true, maximum: 255 } as const;
  return {
    epsilon,
    alpha: values.alpha === undefined ? epsilon / 10 : numberIn("alpha", values.alpha, range),
    epochs: wholeNumber("epochs", values.epochs, 1, 10_000),
    batch: wholeNumber("batch", values.batch, 1, 10_000),
    seed: seedFrom(values.seed),
  };
};

/** Where a run that was stopped left off. @throws Refusal where the file is of a run with other settings, which it names. */
const continued = async (path: string, run: RunOf): Promise<Checkpoint | undefined> => {
  if (!(await statOf(path))) return undefined;
  const advice = "delete it, or name another file with -o";
  let found: Checkpoint;
  try {
    found = readCheckpoint(await readBytes(path));
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new Refusal(`${path}: is no checkpoint: ${cause.message}; ${advice}`, { cause });
    throw cause;
  }
  const other = differenceOf(found.state, run);
  if (other === null) return { ...found, state: null };
  throw new Refusal(`${path}: was left by another run: ${other}; give what it was, or ${advice}`);
};

/** Between two writes of a checkpoint. */
const EVERY_MS = 10_000;

interface Job {
  readonly segmenter: Segmenter;
  readonly pictures: UniversalPictures;
  readonly shape: readonly [number, number, number];
  readonly settings: UniversalSettings;
  readonly isTruth: boolean;
  readonly out: string;
  readonly backend: string;
  /** Where it ran, for people. */
  readonly ranOn: readonly string[];
}

const runOf = ({ segmenter, pictures, shape, settings, isTruth, backend }: Job): RunOf => ({
  network: segmenter.manifest,
  items: pictures.digest,
  shape,
  ...settings,
  isTruth,
  backend,
});

const craft = async (job: Job, io: Io, signal: AbortSignal): Promise<Image> => {
  const { segmenter, pictures, shape, settings, out } = job;
  const { count, read } = pictures;
  const path = `${out}.checkpoint`;
  const run = runOf(job);
  const from = await continued(path, run);
  const progress = createProgress(io, { items: 1, steps: universalSteps(count, settings) - (from?.step ?? 0) });
  progress.begin(`${counted(count, "picture")}${from ? `, continued after step ${from.step}` : ""}`);
  let [last, written] = [from, performance.now()];
  const keep = async (): Promise<void> => {
    if (last) await writeFiles([[path, writeCheckpoint({ ...last, state: JSON.stringify(run) })]]);
    written = performance.now();
  };
  try {
    const delta = await craftUniversal(segmenter, shape, { count, read }, settings, {
      signal,
      from,
      onStep: async ({ loss, changedPixelShare }, checkpoint) => {
        last = checkpoint;
        progress.step(`loss ${loss.toFixed(4)}, ${(100 * changedPixelShare).toFixed(1)} % of the pixels changed`);
        if (performance.now() - written > EVERY_MS) await keep();
        await yieldToEvents();
      },
    });
    await writeFiles([[out, encodeNpy(delta)]]);
    await rm(path, { force: true });
    return delta;
  } catch (cause) {
    await keep();
    if (!signal.aborted) throw cause;
    throw new Interrupted(`interrupted after step ${last?.step ?? 0}; the same command goes on from there`, { cause });
  } finally {
    progress.clear();
  }
};

const reportOf = (
  { segmenter: { manifest }, pictures, shape, settings, isTruth, out, backend, ranOn: where }: Job,
  delta: Image,
): Report => {
  const linf = radiusOf(delta);
  const [, height, width] = shape;
  const { name, count } = pictures;
  const named = { network: manifest.name, networkSha256: manifest.sha256, data: name, pictures: count };
  return {
    text: [
      `${out}: ${width}×${height} (width×height), L∞ ${Number(linf.toFixed(4))}, made on ${manifest.name} with ${counted(count, "picture")} of ${name}`,
      ...where,
    ].join("\n"),
    data: { ...named, shape, ...settings, label: isTruth ? "ground-truth" : "prediction", linf, out, backend },
  };
};

const resizeFrom = ({ resize, label }: Given): Size | undefined => {
  if (resize !== undefined && label === "ground-truth")
    throw new UsageError("--resize goes with --label prediction: label maps are not resampled");
  const size = ifGiven(resize, (text) => parseSize(text, "resize"));
  if (size && size.height * size.width > limits.maxPixels)
    throw new UsageError(`--resize ${resize}: a picture has at most ${limits.maxPixels} pixels`);
  return size;
};

const run = async (net: string, values: Given, io: Io, operands: readonly string[]): Promise<Report> => {
  const settings = settingsFrom(values);
  const out = needed(values.out, "universal", "-o FILE");
  const runAt = placeFrom(values);
  const { epsilon: _, ...given } = values;
  const spec = await specFrom([net], given);
  const size = resizeFrom(values);
  await checkWritable(out, []);
  const network = await openOperand(net, values.manifest);
  useNodeCodecs();
  const found = await universalPictures(operands, spec, network.manifest, io);
  const pictures = size ? resized(found, size) : found;
  const shape = shapeOf(pictures, network.manifest);
  for (const note of readingNotes([network], { shape })) io.stderr(`warning: each picture ${note}\n`);
  const { runtime, choice, stop } = await startAt(runAt, { missing: () => gpuFaults(network, null) });
  try {
    const segmenter = createSegmenter(network, cacheOn(runtime));
    const isTruth = spec.label === "ground-truth";
    const { backend } = choice;
    const job = { segmenter, pictures, shape, settings, isTruth, out, backend, ranOn: ranOn(runAt, choice) };
    return reportOf(job, await interruptible((signal) => craft(job, io, signal)));
  } finally {
    await stop();
  }
};

export const makeUniversal = command({
  name: "universal",
  operand: "NET",
  others: "IMAGE…",
  othersOptional: true,
  about,
  options,
  run,
});
