/** The messages between the page and its engine, a Web Worker. */

import type { OptionValues } from "../attacks/options.ts";
import type { Measured } from "../evaluation/measure.ts";
import type { AttackPlan } from "../evaluation/plan.ts";
import type { Place, RegionResult } from "../evaluation/region-goal.ts";
import type { Row } from "../evaluation/row.ts";
import type { AttackScores, Perturbation } from "../evaluation/scores.ts";
import type { StepReport } from "../evaluation/steps.ts";
import type { Choice, Wanted } from "../runtime/choose.ts";
import type { Like } from "../segmenter/describe/likes.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import type { Size } from "../tensor.ts";
import type { Around } from "./around.ts";

/** A network that is served with the page or kept in the browser; the catalogue's addresses are relative to its own. */
export interface NetworkEntry {
  readonly name: string;
  readonly architecture: string;
  readonly dataset: string;
  /** The size of `file`. */
  readonly bytes: number;
  readonly manifest: string;
  readonly file: string;
  /** Whether the visitor has brought it. */
  readonly own?: boolean;
}

export type Rgb = readonly [number, number, number];

export interface Opened {
  readonly classes: readonly { readonly name: string; readonly color: Rgb }[];
  /** The channels of its pictures: 1 for grey ones, 3 for coloured ones. */
  readonly channels: number;
  readonly choice: Choice;
  /** The number of threads of the backend; 1 on a GPU. */
  readonly threads: number;
  /** The version of onnxruntime. */
  readonly version: string;
  /** The operators without a gradient: only attacks that need none are possible if there are any. */
  readonly refused: readonly string[];
}

export interface Predicted {
  readonly labels: Labels;
  /** The largest class probability of each pixel, and its mean. */
  readonly confidences: Float32Array;
  readonly confidence: number;
  /** What a user should know of a picture of which the network reads only some pixels; else empty. */
  readonly notes: readonly string[];
  /** Addresses of the files that the engine has loaded; the runtime loads one of its own with the first session. */
  readonly files: readonly string[];
}

/** The pixels of a place are to have the class `to`; without it they are hidden by the labels around. */
export interface Goal {
  readonly place: Exclude<Place, { readonly polygon: unknown }>;
  readonly to?: number;
  /** Whether the labels elsewhere are kept; an attack of minimum norm leaves them free, as it must. */
  readonly outside: "keep" | "free";
}

export type Plan = OptionValues &
  Pick<AttackPlan, "attack" | "seed"> & {
    readonly alpha: number;
    readonly steps: number;
    /** Absent for an attack of minimum norm, which has no bound. */
    readonly epsilon?: number;
    /** Absent: labels are to be wrong everywhere. */
    readonly goal?: Goal;
  };

/** The result of an attack, or what it had reached: the adversarial image in whole grey levels, as it is saved, and its scores. */
export interface Attacked {
  readonly image: Image;
  readonly labels: Labels;
  /** The largest class probability of each pixel of the image. */
  readonly confidences: Float32Array;
  /** The image before rounding, from which the perturbation is displayed. */
  readonly unrounded: Image;
  /** The scores against the visitor's labels, or else against the clean prediction. */
  readonly scores: AttackScores;
  readonly perturbation: Perturbation;
  /** The share of pixels whose label changed, 0..1. */
  readonly changedPixelShare: number;
  readonly zeroGradientShare: number;
  /** What became of the region of a goal; null without one. */
  readonly region: RegionResult | null;
  /** Signs that the attack is weaker than it could be, and what one attack cannot show. */
  readonly signs: Measured["signs"];
  readonly unchecked: Measured["unchecked"];
  /** What reports are made from. */
  readonly row: Row;
  readonly milliseconds: number;
  /** The step after which the visitor stopped it; null where it has ended by itself. */
  readonly stopped: number | null;
}

export interface Reached {
  readonly image: Image;
  readonly labels: Labels;
}

/** A step and the image that it reached. */
export interface Stepped {
  readonly report: StepReport;
  readonly reached: Reached | null;
}

/** How much of a file has arrived; `total` is null where it is not known. */
export interface Loaded {
  readonly what: string;
  readonly bytes: number;
  readonly total: number | null;
}

/** A network that the visitor brings, with what is said of it beside its file. */
export interface Brought {
  readonly file: File;
  /** Files of weights that lie beside it. */
  readonly data: readonly File[];
  /** The manifest, if there is one; what is missing in it is not found from the file. */
  readonly manifest: Readonly<Record<string, unknown>> | null;
  readonly name: string;
  readonly like: Like | null;
  readonly classes: number | null;
  readonly palette: string | null;
}

export interface Described {
  readonly manifest: Manifest;
  readonly assumed: readonly string[];
  /** The file with all weights in it, to be kept. */
  readonly model: Blob;
}

export interface Calls {
  readonly open: {
    readonly given: { readonly network: NetworkEntry; readonly wanted: Wanted; readonly around: Around };
    readonly answer: Opened;
  };
  readonly predict: {
    /** `seed`: of what is random around the network. */
    readonly given: { readonly image: Image; readonly seed: number };
    readonly answer: Predicted;
  };
  readonly attack: {
    /** `truth`: the visitor's labels, 255 where none counts. */
    readonly given: { readonly image: Image; readonly plan: Plan; readonly truth: Labels | null };
    readonly answer: Attacked;
  };
  readonly describe: { readonly given: Brought; readonly answer: Described };
}

export type Call = keyof Calls;

export type Request =
  | { readonly [C in Call]: { readonly id: number; readonly call: C; readonly given: Calls[C]["given"] } }[Call]
  | { readonly call: "cancel" };

/** The stage of a call that is in progress. */
export type Stage = "runtime" | "network" | "describing" | "prediction" | "gradient";

/** A failure as data; `words.ts` formats it as a message. */
export type EngineFailure =
  | { readonly kind: "cancelled" }
  /** `fit`: the largest size with the image's aspect ratio whose attack would fit; null if none fits, absent if the lattice of the CRF needs too much. */
  | {
      readonly kind: "memory";
      readonly predictedBytes: number;
      readonly budgetBytes: number;
      readonly fit?: Size | null;
    }
  | { readonly kind: "no-gradient"; readonly operators: readonly string[] }
  | { readonly kind: "network"; readonly reason: string }
  /** A network of the visitor's that is refused, in the words of the command line. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "fetch"; readonly what: string; readonly reason: string }
  | { readonly kind: "backend"; readonly reason: string }
  /** The runtime crashed; the engine must be restarted. */
  | { readonly kind: "crash"; readonly reason: string }
  | { readonly kind: "unexpected"; readonly reason: string };

export type Reply = { readonly id: number } & (
  | { readonly kind: "stage"; readonly stage: Stage }
  | { readonly kind: "loaded"; readonly loaded: Loaded }
  | { readonly kind: "step"; readonly step: Stepped }
  | { readonly kind: "answer"; readonly answer: Calls[Call]["answer"] }
  | { readonly kind: "failure"; readonly failure: EngineFailure }
);
