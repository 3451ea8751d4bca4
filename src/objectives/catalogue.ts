/** Every objective by its name. */

import { steeredByCrossEntropy, weighted } from "./combine.ts";
import { cospgdObjective } from "./cospgd.ts";
import { cosineObjective, maskedSphericalObjective } from "./cosine.ts";
import { crossEntropyObjective } from "./cross-entropy.ts";
import { dagObjective } from "./dag.ts";
import { dlrObjective } from "./dlr.ts";
import { hingeObjective, softplusMarginObjective } from "./hinge.ts";
import { jensenShannonObjective } from "./jensen-shannon.ts";
import { leastLikelyObjective } from "./least-likely.ts";
import { marginObjective } from "./margin.ts";
import { balancedCrossEntropyObjective, maskedCrossEntropyObjective } from "./masked.ts";
import type { Objective } from "./objective.ts";
import { patchObjective } from "./patch.ts";
import { penalisedDlrObjective } from "./penalised-dlr.ts";
import { segpgdObjective } from "./segpgd.ts";
import { tsallisObjective } from "./tsallis.ts";

export interface ObjectiveEntry {
  readonly title: string;
  readonly summary: string;
  /** Whether it is taken against labels that are given: the prediction, the ground truth, or a target. */
  readonly labels: boolean;
  /** Inputs that neither the labels nor the clock give: an attack's rule feeds them, or who makes the objective (`fed`). */
  readonly given?: readonly string[];
  /** Whether the value at one image changes from step to step, so that a course of values tells no progress. */
  readonly drifts?: true;
  /** Whether its first gradient leaves out pixels that have labels: those that are done already, or that have no weight. */
  readonly masks?: true;
  /** @param targeted whether the labels are approached, in place of being left. */
  readonly make: (targeted: boolean) => Objective;
}

export const objectives = {
  "cross-entropy": {
    title: "Cross-entropy",
    summary: "−Σ ln softmax(z)[y] over the pixels that are not void, away from the labels y or towards them.",
    labels: true,
    make: crossEntropyObjective,
  },
  "least-likely": {
    title: "Least-likely cross-entropy",
    summary: "Cross-entropy to each pixel's least likely class, chosen anew at each evaluation; it is descended.",
    labels: false,
    make: leastLikelyObjective,
  },
  "masked-cross-entropy": {
    title: "Masked cross-entropy",
    summary: "Climbs cross-entropy on the pixels that are still right; its value is cross-entropy over all pixels.",
    labels: true,
    masks: true,
    make: maskedCrossEntropyObjective,
  },
  "balanced-cross-entropy": {
    title: "Class-balanced masked cross-entropy",
    summary: "Masked cross-entropy where each pixel weighs 1/N of its class, which N pixels of the labels have.",
    labels: true,
    masks: true,
    make: balancedCrossEntropyObjective,
  },
  "class-weighted-cross-entropy": {
    title: "Masked cross-entropy with given weights",
    summary:
      "Masked cross-entropy where each pixel has a weight that is given, such as 1/N of its class in the training set.",
    labels: true,
    given: ["weights"],
    masks: true,
    make: (targeted) => steeredByCrossEntropy(weighted(maskedCrossEntropyObjective(targeted))),
  },
  "jensen-shannon": {
    title: "Jensen–Shannon divergence",
    summary: "The Jensen–Shannon divergence between softmax and label, bounded by ln 2 a pixel.",
    labels: true,
    make: jensenShannonObjective,
  },
  "steered-jensen-shannon": {
    title: "Jensen–Shannon divergence, steered by cross-entropy",
    summary: "Climbs the Jensen–Shannon divergence; its value is cross-entropy over all pixels, as in SEA.",
    labels: true,
    make: (targeted) => steeredByCrossEntropy(jensenShannonObjective(targeted)),
  },
  segpgd: {
    title: "SegPGD's loss",
    summary: "Cross-entropy weighted 1 − λ where a pixel is still right and λ where it is wrong, λ = (t − 1)/2T.",
    labels: true,
    drifts: true,
    masks: true,
    make: segpgdObjective,
  },
  cospgd: {
    title: "CosPGD's loss",
    summary: "Cross-entropy weighted by the cosine between softmax and one-hot label.",
    labels: true,
    make: cospgdObjective,
  },
  tsallis: {
    title: "Tsallis cross-entropy",
    summary: "(1 − p^(1−q))/(1 − q) of the label's probability p, with q from −2 at the first step to 1 at the last.",
    labels: true,
    drifts: true,
    make: tsallisObjective,
  },
  "steered-tsallis": {
    title: "Tsallis cross-entropy, steered by cross-entropy",
    summary: "Climbs the Tsallis cross-entropy; its value is cross-entropy over all pixels, which no order q changes.",
    labels: true,
    make: (targeted) => steeredByCrossEntropy(tsallisObjective(targeted)),
  },
  margin: {
    title: "Margin",
    summary: "The label's logit less the largest other logit, summed over the pixels.",
    labels: true,
    make: marginObjective,
  },
  dlr: {
    title: "Difference of logits ratio",
    summary: "The margin divided by a spread of the largest logits, which no scaling of the logits changes.",
    labels: true,
    make: dlrObjective,
  },
  "penalised-dlr": {
    title: "Penalised difference of logits ratio",
    summary: "The augmented Lagrangian of ALMA prox: a penalty on each pixel's difference of logits ratio.",
    labels: true,
    given: ["mu", "rho", "weights", "scale", "smoothing"],
    drifts: true,
    make: penalisedDlrObjective,
  },
  hinge: {
    title: "Hinge",
    summary: "max(c, 0) of each pixel's excess c: the margin over all other classes, or what the target lacks of it.",
    labels: true,
    masks: true,
    make: hingeObjective,
  },
  "weighted-softplus-margin": {
    title: "Weighted softplus of the margin",
    summary: "ln(1 + eᶜ) of each pixel's excess c, with a weight for each pixel that the attack sets.",
    labels: true,
    given: ["weights"],
    drifts: true,
    make: (targeted) => weighted(softplusMarginObjective(targeted)),
  },
  "masked-spherical": {
    title: "Masked spherical loss",
    summary: "−z[y]/‖z‖₂ of the logits z over the pixels that are still right.",
    labels: true,
    masks: true,
    make: maskedSphericalObjective,
  },
  cosine: {
    title: "Cosine of the logits",
    summary: "1 − cos(z, onehot(y)) of the logits z.",
    labels: true,
    make: cosineObjective,
  },
  dag: {
    title: "DAG's loss",
    summary:
      "Margins of the pixels that are still right; targeted, the target's logit less the label's on those pixels.",
    labels: true,
    given: ["source"],
    masks: true,
    make: dagObjective,
  },
  patch: {
    title: "Cross-entropy outside of a patch",
    summary:
      "Cross-entropy weighted 0.8 where a pixel is still right and 0.2 where it is wrong, times a weight that is given: 0 in the patch.",
    labels: true,
    given: ["weights"],
    make: patchObjective,
  },
  region: {
    title: "Cross-entropy of a region",
    summary: "Cross-entropy with a weight for each pixel that is given, such as 1 in a region and 0 outside.",
    labels: true,
    given: ["weights"],
    masks: true,
    make: (targeted) => weighted(crossEntropyObjective(targeted)),
  },
} as const satisfies Readonly<Record<string, ObjectiveEntry>>;

export type ObjectiveName = keyof typeof objectives;

/** The names of all objectives. */
export const objectiveNames = Object.keys(objectives) as readonly ObjectiveName[];

const entryNamed = (name: string): ObjectiveEntry | undefined =>
  Object.hasOwn(objectives, name) ? objectives[name as ObjectiveName] : undefined;

/** Whether the value of the named objective at one image changes from step to step. */
export const driftsNamed = (name: string): boolean => entryNamed(name)?.drifts ?? false;

/** Whether the first gradient of the named objective leaves out pixels that have labels. */
export const masksNamed = (name: string): boolean => entryNamed(name)?.masks ?? false;

/** An objective by its name. @throws RangeError for a name that there is not. */
export const objectiveNamed = (name: string, targeted = false): Objective => {
  const entry = entryNamed(name);
  if (entry) return entry.make(targeted);
  throw new RangeError(`there is no objective "${name}"; there are ${objectiveNames.join(", ")}`);
};
