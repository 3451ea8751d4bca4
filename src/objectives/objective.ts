/**
 * What an attack climbs, at the logits: its value and its cotangent ∂ value / ∂ logits. Since the cotangent is part of the
 * definition, detached weights (of SegPGD, CosPGD, the masked losses) need no operator that stops a gradient.
 */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import type { Tensor } from "../tensor.ts";

/** An input of an objective's graph. */
export interface InputType {
  readonly dtype: "float32" | "int32";
  /** `pixel`: [1,H,W], a value for each pixel of the image; `scalar`: [1]. */
  readonly per: "pixel" | "scalar";
  /** What stands where a pixel of the logits is no pixel of the image (cropped away); default 255 for int32 and 0 for float32. */
  readonly padding?: number;
}

/** What an objective is built from. Pixels are in the order of the logits, [N,h,w], which need not be the image's. */
export interface Given {
  readonly inputs: Readonly<Record<string, Value>>;
  /** How many of the C channels are scored classes; the others are predicted but never chosen. */
  readonly classes: number;
  /** Labels [N,h,w] with void (255) where a pixel of the logits is no pixel of the image. */
  readonly visible: (labels: Value) => Value;
}

export interface Built {
  /** A scalar: the sum over the pixels that count. */
  readonly value: Value;
  /** ∂ value / ∂ logits, shaped as the logits [N,C,h,w]. */
  readonly cotangent: Value;
  /** float32 [N,h,w]: the terms of that sum, 0 where a pixel does not count. */
  readonly terms: Value;
  /** float32 [N,h,w]: what the attack's rule needs to see of each pixel, where it does; it is read back at each step. */
  readonly perPixel?: Value | undefined;
}

/** Where the attack that climbs stands; `step` counts from 1, and `seed` is that of the evaluation's draws. */
export interface Clock {
  readonly step: number;
  readonly steps: number;
  readonly seed?: number | undefined;
}

/** An objective: a fragment of a graph on the logits [N,C,h,w], and how attacks climb it. */
export interface Objective {
  /** Distinguishes the compiled graph from those of other objectives. */
  readonly key: string;
  /** 1 where the value is climbed, −1 where it is descended. */
  readonly sense: 1 | -1;
  /** Inputs of the graph beside the image. An int32 input `target` of labels is fed by the segmenter. */
  readonly inputs: Readonly<Record<string, InputType>>;
  /** Whether what a pixel adds depends on other pixels: then images cannot be built in one. Default no. */
  readonly mixesPixels?: boolean;
  readonly build: (op: Builder, logits: Value, given: Given) => Built;
  /** The inputs that follow from the clock, such as λ = (t − 1)/2T of SegPGD. */
  readonly feeds?: (at: Clock) => Readonly<Record<string, Tensor>>;
}
