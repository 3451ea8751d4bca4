/** /v1/attack's work: decode, attack, score, encode. */

import { optionValues } from "../attacks/options.ts";
import type { AttackRequest, AttackResult, AttackRun, AttackSpec, OutputName } from "../contract/attack.ts";
import { FaultlineError } from "../contract/failure.ts";
import type { EncodedImage } from "../contract/files.ts";
import { measure, type Measured } from "../evaluation/measure.ts";
import { evaluatedBy, type AttackPlan, stepsOf } from "../evaluation/plan.ts";
import { attackScores, perturbationFrom } from "../evaluation/scores.ts";
import { amplified } from "../image/amplify.ts";
import { bytesOf, encodePng, encodePng16, isPngPlanes } from "../image/encode.ts";
import { encodeLabels } from "../image/labels.ts";
import { encodeNpy } from "../image/npy.ts";
import { scoresOf, sum } from "../metrics/counts.ts";
import { sha256Of } from "../digest.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import { spatialSize } from "../tensor.ts";
import { transformsThatRan } from "../networks/with-transform.ts";
import { receiptOf, type Context } from "./context.ts";
import { labelWarnings } from "./label-reading.ts";
import { pictureWarnings, readTruth } from "./pictures.ts";
import { cancellable } from "./queue.ts";

type Palette = readonly (readonly [number, number, number])[];

const checkTargetClass = ({ targeted }: AttackSpec, classes: number): void => {
  if (targeted?.kind !== "class" || targeted.class < classes) return;
  const detail = `class ${targeted.class} does not exist; the model has ${classes} classes, 0 to ${classes - 1}`;
  throw new FaultlineError({
    kind: "invalid-spec",
    errors: [{ pointer: "/spec/targeted/class", detail, received: targeted.class }],
  });
};

/** The plan of a request: its label maps decoded, everything else as it stands in the spec. */
const planOf = (spec: AttackSpec, truth: Labels | undefined, map: Labels | undefined): AttackPlan => {
  const { attack, epsilon, norm, alpha = 1, steps, pixelRange, seed, label, targeted } = spec;
  return {
    ...optionValues(spec),
    attack,
    epsilon,
    norm,
    alpha,
    steps,
    pixelRange,
    seed,
    source: label === "ground-truth" ? truth : undefined,
    target: targeted?.kind === "class" ? targeted.class : targeted ? map : undefined,
  };
};

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
    { spec, image: bytes, labels, target, outputs }: AttackRequest,
    { onStep, signal }: AttackRun,
  ): Promise<AttackResult> => {
    const start = performance.now();
    const model = await context.open(spec);
    const { segmenter } = model;
    const { classes } = segmenter.manifest;
    checkTargetClass(spec, classes.length);
    context.requireWork(bytes, (spec.draws ?? 1) * stepsOf(planOf(spec, undefined, undefined)));
    const image = await context.prepare(model, bytes, evaluatedBy([spec.attack], spec.targeted !== undefined));
    const truth = await readTruth(context, model, image, "labels", labels, spec.label255);
    const map = await readTruth(context, model, image, "target", target, spec.label255);
    const plan = planOf(spec, truth, map);
    const item = await sha256Of(bytes);
    const decode = performance.now() - start;
    const subject = { segmenter, image, item, truth };
    const attacked = await cancellable(signal, () => measure(subject, plan, { onStep, signal }));

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
        ...(await pictureWarnings(bytes, image)),
        ...(truth ? labelWarnings("labels", truth) : []),
        ...(map ? labelWarnings("target", map) : []),
      ],
      ...comparison,
      ...(attacked.row.success === undefined ? {} : { success: attacked.row.success }),
      steps: attacked.steps.map(({ step, loss, changedPixelShare }) => ({ step, loss, changedPixelShare })),
      masking: attacked.row.masking,
      evaluations: attacked.row.evaluations,
      signs: attacked.signs,
      timings: {
        decode,
        ...attacked.timings,
        measure: measured,
        encode: total - (scored - start) - measured,
        total,
      },
      receipt: receiptOf(context, model, { ...spec, ...transformsThatRan(model) }),
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
