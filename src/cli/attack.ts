/** `faultline attack`: adversarial pictures, and the scores of a network on them. */

import { mkdir } from "node:fs/promises";
import { gradientFaults } from "../api/attack-faults.ts";
import { attackEntry, type AttackName } from "../attacks/catalogue.ts";
import { MAX_TRIALS } from "../contract/limits.ts";
import { uncheckedBy } from "../evaluation/attack-signs.ts";
import type { Plan } from "../evaluation/measure.ts";
import { isUniversal } from "../evaluation/universal.ts";
import { isPngPlanes } from "../image/encode.ts";
import { useNodeCodecs } from "../image/node.ts";
import { UsageError } from "../node/failure.ts";
import { checkFolder, checkWritable } from "../node/files.ts";
import { wholeNumber, type Options, type Values } from "../node/options.ts";
import { drawsAnew } from "../segmenter/front.ts";
import { channelCount, type Manifest } from "../segmenter/manifest.ts";
import { notesOf } from "../segmenter/network.ts";
import { createSegmenter } from "../segmenter/segmenter.ts";
import { attackFlags, attackLines, planFrom } from "./attack-options.ts";
import { aroundFlags, aroundFrom, gpuFaultsOf, type Around } from "./around-options.ts";
import { attackCsv } from "./attack-csv.ts";
import {
  attackReport,
  attackTable,
  normOf,
  regionLines,
  roundingLine,
  signLines,
  trialLines,
} from "./attack-report.ts";
import { attackAll, filesOf, type Job } from "./attack-run.ts";
import { backendFlags, cacheOn, placeFrom, ranOn, startAt } from "./backend.ts";
import { classWeightsFlag, weightsFrom } from "./class-weights.ts";
import { checkClimbed, climbedFlags, climbedFrom } from "./climbed.ts";
import { deltaFlag, deltaPlan, requireSizes } from "./delta.ts";
import { command, type Io, type Report } from "./command.ts";
import { interruptible } from "./interrupt.ts";
import { openOperand } from "./open-network.ts";
import { labelFiles, picturesOf, readingWarnings, requireReadable } from "./pictures.ts";
import { regionFlags, requireTarget, targetFrom } from "./region-options.ts";

const options = {
  ...attackFlags,
  ...deltaFlag,
  out: { type: "string", short: "o", value: "DIR", default: "adversarial", help: "where the pictures are written" },
  npy: { type: "boolean", help: "also write the adversarial image as exact floats, float32 [C, H, W]" },
  manifest: { type: "string", value: "FILE", help: "the manifest of NET where NET is a file without one beside it" },
  ...climbedFlags,
  labels: { type: "string", value: "FILE|DIR", help: "ground truth: one PNG, or a folder of NAME.png" },
  label: { type: "string", value: "WHICH", default: "prediction", help: "labels to leave: prediction or ground-truth" },
  ...classWeightsFlag,
  target: { type: "string", value: "CLASS", help: "approach this class, by its index, instead of leaving labels" },
  ...regionFlags,
  ...aroundFlags,
  trials: { type: "string", value: "N", help: "predict anew N times behind random transformations; the paper has 9" },
  ...backendFlags,
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

/** @throws UsageError for options about a gradient that is not taken, or not of NET. */
const requireGradientOf = (values: Given, attack: AttackName): void => {
  const { source, through, draws } = values;
  if (source !== undefined && (through !== undefined || draws !== undefined))
    throw new UsageError(
      "--through and --draws are about the gradient of NET; with --source another network's is taken",
    );
  const given = { through, draws: draws === undefined ? undefined : Number(draws) };
  for (const { pointer, detail } of gradientFaults([attack], given))
    throw new UsageError(`--${pointer.replace("/spec/", "")} ${detail}`);
};

/** @throws UsageError for trials that could not differ. */
const trialsOf = (text: string | undefined, { defence }: Around): number | undefined => {
  if (text === undefined) return undefined;
  const trials = wholeNumber("trials", text, 1, MAX_TRIALS);
  if (drawsAnew(defence)) return trials;
  throw new UsageError("--trials goes with random transformations, as in --transform noise:sigma=4");
};

const run = async (net: string, values: Given, io: Io, operands: readonly string[]): Promise<Report> => {
  const { out } = values;
  const asked = (await deltaPlan(values)) ?? planFrom(values);
  const label = labelOf(values.label, values.labels);
  if (!isUniversal(asked)) requireGradientOf(values, asked.attack);
  const runAt = placeFrom(values);
  checkClimbed(values);
  const pictures = await picturesOf(operands);
  const labels = await labelFiles(pictures, values.labels);
  await checkFolder(out);
  const network = await openOperand(net, values.manifest);
  const other = await climbedFrom(values, network);
  const goal = targetFrom(values);
  if (goal && !isUniversal(asked)) requireTarget(goal, network.manifest, asked.attack);
  const target = targetOf(values.target, network.manifest);
  if (goal && target !== undefined) throw new UsageError("--target goes without --hide and --swap");
  const plan: Plan = isUniversal(asked)
    ? asked
    : { ...asked, target, classWeights: weightsFrom(values, asked.attack, network.manifest) };
  const around = aroundFrom(values, network.manifest, plan.seed);
  const trials = trialsOf(values.trials, around);
  const aroundSource = values.source === undefined ? around : aroundFrom({}, other.manifest, plan.seed);
  if (isUniversal(plan)) await requireSizes(plan, pictures, network.manifest);
  await mkdir(out, { recursive: true });
  const planes = channelCount(network.manifest.input.channels);
  const place = { out, npy: values.npy === true, isPng: isPngPlanes(planes) };
  const inputs = [...pictures.map(({ path }) => path), ...labels.values()];
  for (const picture of pictures)
    for (const path of Object.values(filesOf(picture, place))) await checkWritable(path, inputs);

  useNodeCodecs();
  await requireReadable(pictures, labels, network.manifest, io);
  const missing = () => [
    ...gpuFaultsOf(network, around),
    ...(other === network ? [] : gpuFaultsOf(other, aroundSource)),
  ];
  const { runtime, choice, stop } = await startAt(runAt, { missing });
  try {
    const cache = cacheOn(runtime);
    const segmenter = createSegmenter(network, cache, around.crf, around.defence);
    const source =
      other === network ? segmenter : createSegmenter(other, cache, aroundSource.crf, aroundSource.defence);
    const warn = readingWarnings([...new Set([network, other])], io);
    const job = { segmenter, source, plan, label, pictures, labels, warn, goal, trials, ...place };
    const report = attackReport(
      await interruptible((signal) => attackAll(job, io, signal)),
      network.manifest.classes.map(({ name }) => name),
      [...new Set([...notesOf(network), ...notesOf(other)])],
      isUniversal(plan) ? uncheckedBy(null) : uncheckedBy(plan, label === "ground-truth"),
    );
    const where = ranOn(runAt, choice).map((text) => `\n${text}`);
    const against = report.reference === "ground-truth" ? "the ground truth" : "the clean prediction";
    const part = !isUniversal(plan) && attackEntry(plan.attack).covers ? " outside of the patch" : "";
    const by = other === network ? "" : ` by the gradients of ${other.manifest.name}`;
    const radius = plan.epsilon === undefined ? "" : ` at ε = ${plan.epsilon}`;
    const within = `${radius}${normOf(report) === "l2" ? " in L2" : ""}`;
    const head = `${report.name}, ${plan.attack}${by}${within}, 8-bit pictures in ${out}, against ${against}${part}; evaluations forward + backward`;
    const notes = report.notes.map((note) => `\nnote: ${note}`).join("");
    return {
      text: `${head}${where.join("")}${notes}
${attackTable(report)}${roundingLine(report)}${regionLines(report)}${trialLines(report)}${signLines(report)}`,
      data: report,
      csv: attackCsv(report),
    };
  } finally {
    await stop();
  }
};

export const attackPictures = command({ name: "attack", operand: "NET", others: "IMAGE…", about, options, run });
