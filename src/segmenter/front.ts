/** Input transformations before a network: as a defence, and as an attack meets them. */

import { gradient } from "../autodiff/gradient.ts";
import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import type { Clock } from "../objectives/objective.ts";
import { MAX_DRAWS, type Defence, type Through } from "./defence.ts";
import { spatialSize, type Tensor } from "../tensor.ts";
import { createPipeline, type Pipeline } from "../transforms/pipeline.ts";
import { digestOf, seedOf } from "../transforms/seed.ts";
import type { Drawn } from "../transforms/transform.ts";

/** Transformations as a graph has them before the network. */
export interface Front {
  readonly pipeline: Pipeline;
  readonly through: Exclude<Through, "naive">;
}

/** An image behind the transformations. */
export interface Transformed {
  readonly image: Value;
  /** Logits [1,C,h,w] of the transformed image to those of the image, [1,C,H,W]. */
  readonly undo: (logits: Value) => Value;
  /** ∂⟨cotangent, target⟩/∂ image, as the attack takes it. */
  readonly back: (target: Value, cotangent: Value) => Value;
}

/** Red, green and blue, on which transformations are defined, of a grey image; its gradient is their sum. */
const inColour = (op: Builder, image: Value): Value =>
  image.shape[1] === 1 ? op.Concat(image, image, image, { axis: 1 }) : image;

/**
 * Appends the transformations to the image. BPDA's identity stands for those that change values; those that move pixels have
 * an exact gradient, and without it the rest would lie at other pixels.
 */
export const transformed = (op: Builder, front: Front | undefined, image: Value): Transformed => {
  const first = front ? inColour(op, image) : image;
  const stages = front?.pipeline.build(op, first) ?? [];
  const last = stages.at(-1)?.to ?? first;
  return {
    image: last,
    undo: (logits) =>
      stages.reduceRight((z, { transform, inputs }) => transform.geometry?.undo(op, z, inputs) ?? z, logits),
    back: (target, cotangent) => {
      if (front?.through !== "bpda") return gradient(op, target, [image], cotangent)[0]!;
      const d = stages.reduceRight(
        (dy, { transform, from, to }) => (transform.geometry ? gradient(op, to, [from], dy)[0]! : dy),
        gradient(op, target, [last], cotangent)[0]!,
      );
      return first === image ? d : gradient(op, first, [image], d)[0]!;
    },
  };
};

/** A defence at work: what graphs have before the network, and what they are fed. */
export interface Fronts {
  /** Of predictions and of values, which are scores. */
  readonly scored: Front;
  /** Of gradients; undefined for a naive attack. */
  readonly climbed: Front | undefined;
  /** Runs of the network for each gradient. Where two draws do not differ, one is enough. */
  readonly draws: number;
  /** Whether two gradients of the same image differ. */
  readonly random: boolean;
  /** The draw of a prediction: it depends on the seed and on the image, so that a prediction is a function of both. */
  readonly ofPrediction: (image: Tensor<"float32">) => Drawn;
  /** A draw of a step of an attack, from the defence's seed and the step's own; `sample` counts from 0. */
  readonly ofStep: (image: Tensor<"float32">, at: Clock, sample: number) => Drawn;
}

const [PREDICTION, STEP] = [0, 1];

/** @throws TransformError for a transformation out of range; RangeError for a number of draws that is. */
export const createFronts = ({ transform, seed, through, draws }: Defence): Fronts => {
  if (!(Number.isInteger(draws) && draws >= 1 && draws <= MAX_DRAWS))
    throw new RangeError(`draws is ${draws}; it must be an integer from 1 to ${MAX_DRAWS}`);
  const pipeline = createPipeline(transform);
  const random = pipeline.random && through !== "naive";
  return {
    scored: { pipeline, through: "differentiable" },
    climbed: through === "naive" ? undefined : { pipeline, through },
    draws: random ? draws : 1,
    random,
    ofPrediction: (image) => pipeline.draw(seedOf(seed, PREDICTION, digestOf(image.data)), spatialSize(image)),
    ofStep: (image, at, sample) => pipeline.draw(seedOf(seed, STEP, at.seed ?? at.step, sample), spatialSize(image)),
  };
};

/** Whether predictions behind these transformations, or gradients through them, depend on the seed. */
export const drawsAnew = (defence: Defence | null): boolean =>
  defence !== null && createFronts(defence).scored.pipeline.random;
