/** What the page and its engine, a Web Worker, say to each other. */

import type { OptionValues } from "../attacks/options.ts";
import type { AttackPlan } from "../evaluation/plan.ts";
import type { AttackScores, Perturbation } from "../evaluation/scores.ts";
import type { StepReport } from "../evaluation/steps.ts";
import type { Choice, Wanted } from "../runtime/choose.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import type { Size } from "../tensor.ts";

/** A network that is served beside the page; addresses are relative to the catalogue's. */
export interface NetworkEntry {
  readonly name: string;
  readonly architecture: string;
  readonly dataset: string;
  /** Size of `file`. */
  readonly bytes: number;
  readonly manifest: string;
  readonly file: string;
}

export type Rgb = readonly [number, number, number];

export interface Opened {
  readonly classes: readonly { readonly name: string; readonly color: Rgb }[];
  readonly choice: Choice;
  /** Of the backend; 1 on a GPU. */
  readonly threads: number;
  /** Of onnxruntime. */
  readonly version: string;
}

export interface Predicted {
  readonly labels: Labels;
  /** Mean over the pixels of the largest class probability. */
  readonly confidence: number;
}

export type Plan = OptionValues &
  Pick<AttackPlan, "attack" | "alpha" | "steps" | "seed"> & { readonly epsilon: number };

/** Of the adversarial picture in whole grey levels, as it can be saved. */
export interface Attacked {
  readonly image: Image;
  readonly labels: Labels;
  /** Before rounding: what the perturbation is shown from. */
  readonly unrounded: Image;
  /** Against the network's own prediction on the clean picture. */
  readonly scores: AttackScores;
  readonly perturbation: Perturbation;
  /** 0..1 */
  readonly changedPixelShare: number;
  readonly zeroGradientShare: number;
  readonly milliseconds: number;
}

/** A step, and where it led; null after the last one, which comes with the answer. */
export interface Stepped {
  readonly report: StepReport;
  readonly reached: { readonly image: Image; readonly labels: Labels } | null;
}

export interface Calls {
  readonly open: {
    readonly given: { readonly network: NetworkEntry; readonly wanted: Wanted };
    readonly answer: Opened;
  };
  readonly predict: { readonly given: { readonly image: Image }; readonly answer: Predicted };
  readonly attack: { readonly given: { readonly image: Image; readonly plan: Plan }; readonly answer: Attacked };
}

export type Call = keyof Calls;

export type Request =
  | { readonly [C in Call]: { readonly id: number; readonly call: C; readonly given: Calls[C]["given"] } }[Call]
  | { readonly call: "cancel" };

/** What is being waited for. */
export type Stage = "runtime" | "network" | "prediction" | "gradient";

/** What went wrong, as data; `words.ts` puts it into words. */
export type EngineFailure =
  | { readonly kind: "cancelled" }
  /** `fit`: the largest size of the picture's aspect whose attack would fit, null where none does; absent where the CRF's lattice is at fault. */
  | {
      readonly kind: "memory";
      readonly predictedBytes: number;
      readonly budgetBytes: number;
      readonly fit?: Size | null;
    }
  | { readonly kind: "no-gradient"; readonly operators: readonly string[] }
  | { readonly kind: "network"; readonly reason: string }
  | { readonly kind: "fetch"; readonly what: string; readonly reason: string }
  | { readonly kind: "backend"; readonly reason: string }
  /** The runtime went down: the engine must be started anew. */
  | { readonly kind: "crash"; readonly reason: string }
  | { readonly kind: "unexpected"; readonly reason: string };

export type Reply = { readonly id: number } & (
  | { readonly kind: "stage"; readonly stage: Stage }
  | { readonly kind: "step"; readonly step: Stepped }
  | { readonly kind: "answer"; readonly answer: Calls[Call]["answer"] }
  | { readonly kind: "failure"; readonly failure: EngineFailure }
);
