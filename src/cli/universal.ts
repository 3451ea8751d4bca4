/** `faultline universal`: one perturbation for many pictures. */

import { rm } from "node:fs/promises";
import { readCheckpoint, writeCheckpoint } from "../attacks/checkpoint.ts";
import type { Checkpoint } from "../attacks/run.ts";
import { craftUniversal, radiusOf, universalSteps, type UniversalSettings } from "../evaluation/universal.ts";
import { readItem } from "../evaluation/items.ts";
import { encodeNpy } from "../image/npy.ts";
import { useNodeCodecs } from "../image/node.ts";
import { itemSource } from "../node/evaluation-items.ts";
import { Interrupted, Refusal } from "../node/failure.ts";
import { checkWritable, readBytes, statOf, writeFiles } from "../node/files.ts";
import { wholeNumber, type Options, type Values } from "../node/options.ts";
import { gpuFaults } from "../segmenter/compile.ts";
import { channelCount, type Manifest } from "../segmenter/manifest.ts";
import { createSegmenter, type Image, type Segmenter } from "../segmenter/segmenter.ts";
import { SessionCache } from "../segmenter/session-cache.ts";
import { yieldToEvents } from "../yield.ts";
import { numberIn, radiusFrom, seedFrom } from "./attack-options.ts";
import { backendFlags, BUDGET_BYTES, placeFrom, ranOn, startAt } from "./backend.ts";
import { command, needed, type Io, type Report } from "./command.ts";
import { evaluationItems, type EvaluationItems } from "./evaluate-data.ts";
import { specFlags, specFrom } from "./evaluate-options.ts";
import { interruptible } from "./interrupt.ts";
import { openOperand } from "./open-network.ts";
import { createProgress } from "./progress.ts";

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
pictures are those of a data set, as evaluate takes them, with label maps even where --label
prediction does not use them, and of one size. It goes on where it was stopped: what it takes to
continue is kept in FILE.checkpoint until it is done. To see what it does to pictures:
faultline attack NET IMAGE… --delta FILE.`;

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

/** The one shape of the pictures. @throws Refusal where they have several sizes. */
const shapeOf = ({ checked: { sizes } }: EvaluationItems, { input }: Manifest): readonly [number, number, number] => {
  if (!sizes) throw new Refusal("there is no picture to make a perturbation on");
  const { width, height } = sizes;
  if (width[0] === width[1] && height[0] === height[1]) return [channelCount(input.channels), height[0], width[0]];
  throw new Refusal(
    `the pictures are from ${width[0]}×${height[0]} to ${width[1]}×${height[1]} (width×height); a universal perturbation has one size, and so must they`,
  );
};

/** Where a run that was stopped left off. @throws Refusal where the file is of a run with other settings. */
const continued = async (path: string, run: string): Promise<Checkpoint | undefined> => {
  if (!(await statOf(path))) return undefined;
  const other = `${path}: is not what this run left; delete it, or name another file with -o`;
  let found: Checkpoint;
  try {
    found = readCheckpoint(await readBytes(path));
  } catch (cause) {
    if (cause instanceof RangeError) throw new Refusal(other, { cause });
    throw cause;
  }
  if (found.state === run) return { ...found, state: null };
  throw new Refusal(other);
};

/** Between two writes of a checkpoint. */
const EVERY_MS = 10_000;

interface Job {
  readonly segmenter: Segmenter;
  readonly items: EvaluationItems;
  readonly shape: readonly [number, number, number];
  readonly settings: UniversalSettings;
  readonly isTruth: boolean;
  readonly out: string;
  readonly backend: string;
  /** Where it ran, for people. */
  readonly ranOn: readonly string[];
}

/** What a run is of: a checkpoint of another is refused. */
const identityOf = ({ segmenter, items, shape, settings, isTruth }: Job): string =>
  JSON.stringify({ network: segmenter.manifest, items: items.checked.digest, shape, ...settings, isTruth });

const craft = async (job: Job, io: Io, signal: AbortSignal): Promise<Image> => {
  const { segmenter, items, shape, settings, isTruth, out } = job;
  const source = itemSource(items.roots, items.reading, items.streetSize);
  const count = items.items.length;
  const read = async (index: number) => {
    const { image, truth } = await readItem(items.items[index]!, source, shape[0]);
    return isTruth ? { image, truth } : { image };
  };
  const path = `${out}.checkpoint`;
  const run = identityOf(job);
  const from = await continued(path, run);
  const progress = createProgress(io, { items: 1, steps: universalSteps(count, settings) - (from?.step ?? 0) });
  progress.begin(`${count} pictures${from ? `, continued after step ${from.step}` : ""}`);
  let [last, written] = [from, performance.now()];
  const keep = async (): Promise<void> => {
    if (last) await writeFiles([[path, writeCheckpoint({ ...last, state: run })]]);
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
  { segmenter: { manifest }, items, shape, settings, isTruth, out, backend, ranOn: where }: Job,
  delta: Image,
): Report => {
  const linf = radiusOf(delta);
  const [, height, width] = shape;
  const count = items.items.length;
  const named = { network: manifest.name, networkSha256: manifest.sha256, data: items.name, pictures: count };
  return {
    text: [
      `${out}: ${width}×${height} (width×height), L∞ ${Number(linf.toFixed(4))}, made on ${manifest.name} with ${count} pictures of ${items.name}`,
      ...where,
    ].join("\n"),
    data: { ...named, shape, ...settings, label: isTruth ? "ground-truth" : "prediction", linf, out, backend },
  };
};

const run = async (net: string, values: Given, io: Io): Promise<Report> => {
  const settings = settingsFrom(values);
  const out = needed(values.out, "universal", "-o FILE");
  const runAt = placeFrom(values);
  const { epsilon: _, ...chosen } = values;
  const spec = await specFrom([net], chosen);
  await checkWritable(out, []);
  const network = await openOperand(net, values.manifest);
  useNodeCodecs();
  const items = await evaluationItems(spec, network.manifest, io);
  const shape = shapeOf(items, network.manifest);
  const { runtime, choice, stop } = await startAt(runAt, { missing: () => gpuFaults(network, null) });
  try {
    const segmenter = createSegmenter(network, new SessionCache(runtime, BUDGET_BYTES));
    const isTruth = spec.label === "ground-truth";
    const { backend } = choice;
    const job = { segmenter, items, shape, settings, isTruth, out, backend, ranOn: ranOn(runAt, choice) };
    return reportOf(job, await interruptible((signal) => craft(job, io, signal)));
  } finally {
    await stop();
  }
};

export const makeUniversal = command({ name: "universal", operand: "NET", about, options, run });
