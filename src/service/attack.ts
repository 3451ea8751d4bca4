/** /v1/attack's work: decode, attack, score, encode. */

import { optionValues } from "../attacks/options.ts";
import type {
  AttackRequest,
  AttackResult,
  AttackRun,
  AttackSpec,
  OutputName,
  UniversalSpec,
} from "../contract/attack.ts";
import { invalidSpec } from "../contract/failure.ts";
import type { EncodedImage } from "../contract/files.ts";
import { measure, type Measured, type Plan, type Subject } from "../evaluation/measure.ts";
import { weightsFault } from "../evaluation/class-weights.ts";
import { evaluatedBy, type AttackPlan, stepsOf } from "../evaluation/plan.ts";
import { isUniversal } from "../evaluation/universal.ts";
import { attackScores, perturbationFrom } from "../evaluation/scores.ts";
import {
  evaluationsWith,
  PREDICTIONS_OF_A_TRIAL,
  runTrials,
  trialScores,
  type CountedTrial,
} from "../evaluation/trials.ts";
import { amplified } from "../image/amplify.ts";
import { bytesOf, encodePng, encodePng16, isPngPlanes } from "../image/encode.ts";
import { encodeLabels } from "../image/labels.ts";
import { encodeNpy } from "../image/npy.ts";
import { scoresOf, sum } from "../metrics/counts.ts";
import { sha256Of } from "../digest.ts";
import { drawsAnew } from "../segmenter/front.ts";
import type { Image, Labels, Segmenter } from "../segmenter/segmenter.ts";
import { spatialSize } from "../tensor.ts";
import { transformsThatRan } from "../networks/with-transform.ts";
import { openClimbed, sourcesOf } from "./climbed.ts";
import { universalPlan } from "./universal.ts";
import { receiptOf, type Context } from "./context.ts";
import { labelWarnings } from "./label-reading.ts";
import { pictureWarnings, readTruth, roundingWarnings } from "./pictures.ts";
import { cancellable } from "./queue.ts";
import { targetOf } from "./target.ts";
import { yieldToEvents } from "../yield.ts";

type Palette = readonly (readonly [number, number, number])[];

/** Runs of networks for each evaluation. */
const runsOfStep = ({ draws = 1, sources = [""], scales = [1] }: AttackSpec): number =>
  draws * sources.length * scales.length;

/** The plan of a request as it stands in the spec, without label maps. */
const planOf = (spec: AttackSpec): AttackPlan => {
  const { attack, epsilon, norm, alpha = 1, steps, pixelRange, classWeights, seed } = spec;
  return {
    ...optionValues(spec),
    attack,
    epsilon,
    norm,
    alpha,
    steps,
    pixelRange,
    classWeights,
    seed,
  };
};

/** Runs of networks that a request takes: those of its attack, and the predictions of its trials. */
const runsOf = (spec: AttackSpec | UniversalSpec): number =>
  (isUniversal(spec) ? 1 : runsOfStep(spec) * stepsOf(planOf(spec))) + PREDICTIONS_OF_A_TRIAL * (spec.trials ?? 0);

/** @throws FaultlineError invalid-spec for trials that could not differ. */
const requireRandom = ({ trials }: Pick<AttackSpec, "trials">, { defence }: Segmenter): void => {
  if (trials === undefined || drawsAnew(defence)) return;
  const detail = "must be absent: no transformation before the network is random, so that all trials are the same";
  throw invalidSpec({ pointer: "/spec/trials", detail, received: trials });
};

/** @throws FaultlineError invalid-spec for weights that are not those of the model's classes. */
const requireWeights = ({ classWeights }: Pick<AttackSpec, "classWeights">, classes: readonly unknown[]): void => {
  const detail = classWeights && weightsFault(classWeights, classes);
  if (detail) throw invalidSpec({ pointer: "/spec/classWeights", detail });
};

/** Both forms of the adversarial image in the trials that the spec asks for. */
const trialsOf = async (
  { segmenter, image, truth }: Subject,
  { float, uint8, covered }: Measured,
  { trials, seed }: Pick<AttackSpec, "trials" | "seed">,
  signal: AbortSignal | undefined,
): Promise<readonly CountedTrial[]> => {
  if (trials === undefined) return [];
  const attacked = { clean: image, float: float.image, uint8: uint8.image, truth, covered };
  return runTrials(segmenter, attacked, { trials, seed, signal, onTrial: yieldToEvents });
};

/** The scores over the trials; absent where there were none. */
const trialsScored = (counted: readonly CountedTrial[]): Pick<AttackResult, "trials"> =>
  counted.length === 0
    ? {}
    : { trials: { float: trialScores([counted], "float"), uint8: trialScores([counted], "uint8") } };

/** Scores and distances of the adversarial image, as computed and rounded to 8 bits. */
const compared = ({ row: { counts }, float, uint8 }: Measured, image: Image, names: readonly string[]) => {
  const clean = scoresOf(counts.clean);
  const perturbation = perturbationFrom(image);
  return {
    scores: {
      float: attackScores(clean, scoresOf(counts.float), names),
      uint8: attackScores(clean, scoresOf(counts.uint8), names),
    },
    perturbation: { float: perturbation(float.image), uint8: perturbation(uint8.image) },
  };
};

export const createAttackHandler =
  (context: Context) =>
  async (
    { spec, image: bytes, labels, target, delta, outputs }: AttackRequest,
    { onStep, signal }: AttackRun,
  ): Promise<AttackResult> => {
    const start = performance.now();
    const model = await context.open(spec);
    const { segmenter } = model;
    const { classes } = segmenter.manifest;
    requireRandom(spec, segmenter);
    requireWeights(spec, classes);
    context.requireWork(bytes, runsOf(spec));
    const climbed = await openClimbed(context, spec, model);
    const evaluated = isUniversal(spec)
      ? []
      : evaluatedBy([spec.attack], spec.targeted !== undefined, spec.classWeights);
    const image = await context.prepare(climbed, bytes, evaluated);
    if (climbed !== model) await context.prepare(model, bytes, []);
    const truth = await readTruth(context, model, image, "labels", labels, spec.label255);
    const map = await readTruth(context, model, image, "target", target, spec.label255);
    const source = spec.label === "ground-truth" ? truth : undefined;
    const aim = targetOf(spec, classes, source, map);
    const plan: Plan | ((clean: Labels) => Plan) = isUniversal(spec)
      ? universalPlan(spec, delta, image)
      : (clean) => ({ ...planOf(spec), source, target: aim.given(clean) });
    const item = await sha256Of(bytes);
    const decode = performance.now() - start;
    const subject = { segmenter, source: climbed.segmenter, image, item, truth };
    const attacked = await cancellable(signal, () => measure(subject, plan, { onStep, signal }));
    const region = aim.reached(attacked);
    const trials = await cancellable(signal, () => trialsOf(subject, attacked, spec, signal));

    const scored = performance.now();
    const names = classes.map((c) => c.name);
    const comparison = compared(attacked, image, names);
    const measured = performance.now() - scored;
    const palette = classes.map((c) => c.color);
    const largest = spec.norm === "linf" ? spec.epsilon : undefined;
    const shown = largest ?? (comparison.perturbation.float.linf || 1);
    const images = encodeOutputs(outputs, image, attacked, palette, shown);
    const total = performance.now() - start;
    return {
      ...spatialSize(image),
      reference: attacked.row.reference,
      voidPixels: image.shape[1]! * image.shape[2]! - sum(attacked.row.counts.clean.reference),
      warnings: [
        ...(await pictureWarnings(bytes, image, model.network, climbed.network)),
        ...(truth ? labelWarnings("labels", truth) : []),
        ...(map && spec.targeted?.kind === "map" ? labelWarnings("target", map) : []),
        ...roundingWarnings(comparison),
      ],
      ...comparison,
      ...(region ? { region } : {}),
      ...trialsScored(trials),
      ...(attacked.row.success === undefined ? {} : { success: attacked.row.success }),
      steps: attacked.steps.map(({ step, loss, changedPixelShare }) => ({ step, loss, changedPixelShare })),
      masking: attacked.row.masking,
      evaluations: evaluationsWith(attacked.row.evaluations, trials),
      signs: attacked.signs,
      unchecked: attacked.unchecked,
      timings: {
        decode,
        ...attacked.timings,
        measure: measured,
        encode: total - (scored - start) - measured,
        total,
      },
      receipt: {
        ...receiptOf(context, model, { ...spec, ...transformsThatRan(model) }, climbed),
        ...(spec.sources ? { sources: sourcesOf(climbed) } : {}),
      },
      images,
    };
  };

/** Images of up to four planes are PNG, and others NPY: of uint8, or of float32 in place of 16 bits. */
const encodeOutputs = (
  outputs: readonly OutputName[],
  image: Image,
  { clean, float, uint8 }: Measured,
  palette: Palette,
  epsilon: number,
): Partial<Record<OutputName, EncodedImage>> => {
  const png = (data: Uint8Array): EncodedImage => ({ mediaType: "image/png", data });
  const npy = (of: Image, dtype: "float32" | "uint8"): EncodedImage => ({
    mediaType: "application/x-npy",
    data: encodeNpy(dtype === "float32" ? of : bytesOf(of)),
  });
  const isPng = isPngPlanes(image.shape[0]!);
  const eightBits = (of: Image): EncodedImage => (isPng ? png(encodePng(of)) : npy(of, "uint8"));
  const encoders: Record<OutputName, () => EncodedImage> = {
    adversarial: () => eightBits(uint8.image),
    "adversarial-16bit": () => (isPng ? png(encodePng16(float.image)) : npy(float.image, "float32")),
    "adversarial-npy": () => npy(float.image, "float32"),
    perturbation: () => eightBits(amplified(image, float.image, epsilon)),
    "labels-before": () => png(encodeLabels(clean.labels, palette)),
    "labels-after": () => png(encodeLabels(float.labels, palette)),
  };
  return Object.fromEntries(outputs.map((name) => [name, encoders[name]()]));
};
