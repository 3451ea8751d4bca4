/** An attack on an image. */

import type { AttackName } from "../attacks/catalogue.ts";
import type { Norm } from "../attacks/norms.ts";
import type { OptionValues } from "../attacks/options.ts";
import type { Unchecked } from "../evaluation/attack-signs.ts";
import type { Evaluations } from "../evaluation/craft.ts";
import type { Sign } from "../evaluation/signs.ts";
import type { RegionResult } from "../evaluation/region-goal.ts";
import type { StepReport } from "../evaluation/steps.ts";
import type { Target } from "../evaluation/targeted.ts";
import type { AttackScores, Perturbation } from "../evaluation/scores.ts";
import type { Trials } from "../evaluation/trials.ts";
import type { Backend, CrfChoice, TransformChoice } from "./options.ts";
import type { EncodedImage } from "./files.ts";
import type { Label255, Warning } from "./warnings.ts";
import type { FloatAndUint8, Receipt, Reference, Timings } from "./receipt.ts";
import type { Size } from "../tensor.ts";

export type Targeted = Target | { readonly kind: "map" };

/**
 * An attack with nothing left open: every default is filled in. `epsilon` and `alpha` in grey levels. `epsilon` is absent where a
 * minimum-norm attack has no upper bound.
 */
export interface AttackSpec<Name extends string = AttackName> extends OptionValues, TransformChoice {
  readonly model: string;
  /** The networks that the attack climbs in place of the model, several as an ensemble; each name once. */
  readonly sources?: readonly string[] | undefined;
  /** Scales at which what is climbed sees the image, in place of its own; the model is scored at its own. */
  readonly scales?: readonly number[] | undefined;
  /** How the logits of several scales are fused; by their largest where it is absent. */
  readonly fusion?: "max" | "mean" | undefined;
  readonly attack: Name;
  readonly epsilon?: number | undefined;
  readonly norm: Norm;
  /** Step size; equals `epsilon` for the single-step attacks, and is absent where the attack has none. */
  readonly alpha?: number | undefined;
  readonly steps: number;
  readonly label: "prediction" | "ground-truth";
  /** Descend towards these labels instead of leaving (or instead of the least-likely classes, for the II attacks). */
  readonly targeted?: Targeted | undefined;
  readonly pixelRange: "clip" | "none";
  /** Of a class-balanced loss: one for each class, in place of 1/N of each class in the labels at hand. */
  readonly classWeights?: readonly number[] | undefined;
  readonly seed: number;
  /** In place of the model's own. */
  readonly crf?: CrfChoice | undefined;
  /** The service's own where it is absent. */
  readonly backend?: Backend | undefined;
  readonly label255?: Label255 | undefined;
  /** Trials in which the images are predicted anew behind a random transformation. */
  readonly trials?: number | undefined;
}

/** A perturbation that was made beforehand is added in place of an attack, within `epsilon` in L∞; it makes no steps. */
export type UniversalSpec = AttackSpec<"universal">;

export type OutputName =
  | "adversarial"
  | "adversarial-16bit"
  | "adversarial-npy"
  | "perturbation"
  | "labels-before"
  | "labels-after";

export interface AttackRequest {
  readonly spec: AttackSpec | UniversalSpec;
  readonly image: Uint8Array;
  /** Ground truth: then also the reference of the scores. */
  readonly labels?: Uint8Array | undefined;
  /** The label map of `targeted.kind === "map"`, or the pixels of a region whose `mask` is true: all that are not 0. */
  readonly target?: Uint8Array | undefined;
  /** The perturbation of `universal`, NPY of float32 or float64 [C, H, W] in grey levels. */
  readonly delta?: Uint8Array | undefined;
  /** The images to encode; nothing else is encoded. */
  readonly outputs: readonly OutputName[];
}

/**
 * How a run reports and is stopped. Callbacks are awaited: that is where the caller gets to run, send and abort.
 * An aborted run ends with `FaultlineError({ kind: "cancelled" })`.
 */
export interface AttackRun {
  readonly onStep?: (report: StepReport) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

export interface AttackResult extends Size {
  readonly reference: Reference;
  /** Void pixels of the reference, which no score counts. */
  readonly voidPixels: number;
  readonly warnings: readonly Warning[];
  readonly scores: FloatAndUint8<AttackScores>;
  readonly perturbation: FloatAndUint8<Perturbation>;
  /** Of attacks on a region: how much of it has the label to approach, and how much elsewhere is as before. */
  readonly region?: RegionResult | undefined;
  /** The scores over the trials that were asked for. */
  readonly trials?: FloatAndUint8<Trials> | undefined;
  /** Of minimum-norm attacks: whether the attack reached its goal, so that the perturbation is one that suffices. */
  readonly success?: boolean | undefined;
  readonly steps: readonly Omit<StepReport, "steps">[];
  /** Signs of a masked gradient: share of exactly zero components at the first step, of those at pixels that the network reads; mean confidence on the clean image. */
  readonly masking: { readonly zeroGradientShare: number; readonly confidence: number };
  /** Predictions, those of trials among them, and gradients that the measurement took. */
  readonly evaluations: Evaluations;
  /** Signs that the attack is weaker than it could be. */
  readonly signs: readonly Sign[];
  /** Signs that one attack alone cannot show, and what shows them. */
  readonly unchecked: Unchecked;
  readonly timings: Timings;
  /** `sources`: what the networks of `spec.sources` are. */
  readonly receipt: Receipt<AttackSpec<AttackName | "universal">> & {
    readonly sources?: readonly { readonly model: string; readonly modelSha256: string }[] | undefined;
  };
  readonly images: Partial<Readonly<Record<OutputName, EncodedImage>>>;
}
