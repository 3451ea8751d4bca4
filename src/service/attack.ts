/** /v1/attack's work: decode, attack, score, encode. */

import { encodeNpy } from "../image/npy.ts";
import { encodePng, encodePng16 } from "../image/encode.ts";
import { encodeLabels } from "../image/labels.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import { spatialSize, tensor } from "../tensor.ts";
import { attackImage, goalKind, type AttackedImage } from "../evaluation/measure.ts";
import { receiptOf, type Context } from "./context.ts";
import { FaultlineError } from "../contract/failure.ts";
import { meanOf, voidedBeyond } from "../evaluation/labels.ts";
import { readTruth } from "./pictures.ts";
import { cancellable } from "./queue.ts";
import { attackScores, perturbationFrom, scoresAgainst } from "../evaluation/scores.ts";
import type { AttackRequest, AttackResult, AttackRun, AttackSpec, OutputName } from "../contract/attack.ts";
import type { EncodedImage } from "../contract/files.ts";

type Palette = readonly (readonly [number, number, number])[];

const checkTargetClass = ({ targeted }: AttackSpec, classes: number): void => {
  if (targeted?.kind !== "class" || targeted.class < classes) return;
  const detail = `class ${targeted.class} does not exist; the model has ${classes} classes, 0 to ${classes - 1}`;
  throw new FaultlineError({
    kind: "invalid-spec",
    errors: [{ pointer: "/spec/targeted/class", detail, received: targeted.class }],
  });
};

export const createAttackHandler =
  (context: Context) =>
  async (
    { spec, image: bytes, labels, target, outputs }: AttackRequest,
    { onStep, signal }: AttackRun,
  ): Promise<AttackResult> => {
    const start = performance.now();
    const model = await context.open(spec);
    const { manifest } = model.segmenter;
    checkTargetClass(spec, manifest.classes.length);
    const image = await context.prepare(model, bytes, [goalKind({ attack: spec.attack, target: spec.targeted })]);
    const truth = await readTruth(context, model, image, "labels", labels);
    const targetMap = await readTruth(context, model, image, "target", target);
    const decode = performance.now() - start;
    const plan = {
      ...spec,
      source: spec.label === "ground-truth" ? truth : undefined,
      target: spec.targeted?.kind === "class" ? spec.targeted.class : spec.targeted ? targetMap : undefined,
    };
    const hooks = { ...(onStep ? { onStep } : {}), ...(signal ? { signal } : {}) };
    const attacked = await cancellable(signal, () => attackImage(model.segmenter, image, plan, hooks));

    const names = manifest.classes.map((c) => c.name);
    const reference = truth ?? voidedBeyond(attacked.clean.labels, names.length);
    const scored = performance.now();
    const clean = scoresAgainst(attacked.clean.labels, reference, names.length);
    const scoresOf = (after: Labels) => attackScores(clean, scoresAgainst(after, reference, names.length), names);
    const scores = { float: scoresOf(attacked.float.labels), uint8: scoresOf(attacked.uint8.labels) };
    const perturbation = perturbationFrom(image);
    const moved = { float: perturbation(attacked.float.image), uint8: perturbation(attacked.uint8.image) };
    const measure = performance.now() - scored;
    const images = encodeOutputs(
      outputs,
      image,
      attacked,
      manifest.classes.map((c) => c.color),
      spec.epsilon,
    );
    const total = performance.now() - start;
    const confidence = meanOf(attacked.clean.confidence.data);
    return {
      ...spatialSize(image),
      reference: truth ? "ground-truth" : "prediction",
      scores,
      perturbation: moved,
      steps: attacked.steps.map(({ step, loss, changedPixelShare }) => ({ step, loss, changedPixelShare })),
      masking: { zeroGradientShare: attacked.zeroGradientShare, confidence },
      timings: { decode, ...attacked.timings, measure, encode: total - (scored - start) - measure, total },
      receipt: receiptOf(context, model, spec),
      images,
    };
  };

/** 128 + 127·(adversarial − clean)/ε: grey where nothing changed, so that a small perturbation can be seen. */
const amplified = (clean: Image, adversarial: Image, epsilon: number): Image =>
  tensor(
    "float32",
    clean.shape,
    clean.data.map((v, i) => 128 + (127 * (adversarial.data[i]! - v)) / epsilon),
  );

const encodeOutputs = (
  outputs: readonly OutputName[],
  image: Image,
  { clean, float, uint8 }: AttackedImage,
  palette: Palette,
  epsilon: number,
): Partial<Record<OutputName, EncodedImage>> => {
  const png = (data: Uint8Array): EncodedImage => ({ mediaType: "image/png", data });
  const encoders: Record<OutputName, () => EncodedImage> = {
    adversarial: () => png(encodePng(uint8.image)),
    "adversarial-16bit": () => png(encodePng16(float.image)),
    "adversarial-npy": () => ({ mediaType: "application/x-npy", data: encodeNpy(float.image) }),
    perturbation: () => png(encodePng(amplified(image, float.image, epsilon))),
    "labels-before": () => png(encodeLabels(clean.labels, palette)),
    "labels-after": () => png(encodeLabels(float.labels, palette)),
  };
  return Object.fromEntries(outputs.map((name) => [name, encoders[name]()]));
};
