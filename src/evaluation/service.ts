/**
 * What the HTTP API asks of the evaluation: images and label maps as encoded bytes in, numbers and encoded images out.
 * Only types; what can go wrong is in `failure.ts`.
 */

import type { Manifest } from "../segmenter/manifest.ts";
import type { Backend, Crf, CrfChoice } from "./options.ts";

export type { Backend, Crf, CrfChoice } from "./options.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** An encoded file: PNG, or NPY for float images. */
export interface EncodedImage {
  readonly mediaType: "image/png" | "application/x-npy";
  readonly data: Uint8Array;
}

/** The files that a request can carry, by the name of their multipart part or JSON field. */
export type PartName = "image" | "labels" | "target" | "prediction" | "reference" | "adversarial";

export type AttackName = "fgsm" | "fgsm-ii" | "ifgsm" | "ifgsm-ii" | "pgd";

/** A network one can ask for: its manifest, and what can be done with it. */
export interface ModelInfo {
  readonly name: string;
  readonly architecture: string;
  readonly dataset: string;
  readonly classes: readonly { readonly name: string; readonly color: readonly [number, number, number] }[];
  /** The label that is ignored everywhere. */
  readonly void: number;
  readonly sha256: string;
  /** Size of the network's file. */
  readonly bytes: number;
  readonly precision: "int8" | "fp32";
  /** The shipped network whose file this one is too. */
  readonly network?: string | undefined;
  readonly input: {
    readonly width: number | "dynamic";
    readonly height: number | "dynamic";
    readonly multipleOf?: number | undefined;
    /** What becomes of an image of another size; resized where it does not say. */
    readonly fit?: "resize" | "pad" | "tile" | undefined;
    /** Of tiles, in pixels. */
    readonly overlap?: number | undefined;
    readonly channels: "RGB" | "BGR";
    readonly mean: readonly number[];
    readonly std: readonly number[];
    readonly scale: number;
  };
  /** At which the network sees the image; its own where there are none. */
  readonly scales?: readonly number[] | undefined;
  readonly fusion?: "max" | "mean" | undefined;
  /** The CRF behind the network. */
  readonly crf?: Crf | undefined;
  /** Clean scores with the split and the command that measured them, as the manifest states them. */
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly license: string;
  readonly source: string;
  readonly citation: string;
  readonly gradient: { readonly supported: boolean; readonly unsupportedOperators: readonly string[] };
  /** Predicted WASM memory of a segmentation and of the attack that takes most; `null` where there is no gradient. */
  readonly memory?:
    | readonly (Size & { readonly segmentBytes: number; readonly attackBytes: number | null })[]
    | undefined;
  /** The largest image whose attack is predicted to fit in the memory budget. */
  readonly largestAttack?: Size | undefined;
}

/** A manifest whose digest and file name are still to be filled in. */
export type UploadedManifest = Omit<Manifest, "sha256" | "file" | "metrics"> & {
  readonly [F in "sha256" | "file" | "metrics"]?: Manifest[F] | undefined;
};

export interface UploadRequest {
  readonly manifest: UploadedManifest;
  /** The ONNX file. */
  readonly model: Uint8Array;
  /** Whether it may take the place of another upload of that name. */
  readonly replace: boolean;
}

export interface UploadResult {
  readonly outcome: "created" | "replaced" | "unchanged";
  readonly model: ModelInfo;
}

/** Networks that come and go while the service runs. */
export interface Uploads {
  /** Checks the network and keeps it; from then on every request can name it. */
  readonly add: (request: UploadRequest) => Promise<UploadResult>;
  readonly remove: (name: string) => Promise<void>;
}

export interface SegmentRequest {
  readonly model: string;
  /** In place of the model's own. */
  readonly crf?: CrfChoice | undefined;
  /** The service's own where it is absent. */
  readonly backend?: Backend | undefined;
  readonly image: Uint8Array;
}

export interface SegmentResult extends Size {
  readonly model: string;
  /** Every class of the model; `share` of the pixels, 0..1. */
  readonly classes: readonly {
    readonly index: number;
    readonly name: string;
    readonly color: readonly [number, number, number];
    readonly share: number;
  }[];
  /** Largest class probability per pixel: its mean and its minimum over the image. */
  readonly confidence: { readonly mean: number; readonly min: number };
  /** Palette PNG: the index is the class. */
  readonly labels: EncodedImage;
  readonly backend: "webgpu" | "wasm";
  /** Why that backend: a clause. */
  readonly backendWhy: string;
  readonly timings: Timings;
}

/** Milliseconds by stage; `total` is always there. */
export type Timings = Readonly<Record<string, number>> & { readonly total: number };

export type Targeted = { readonly kind: "class"; readonly class: number } | { readonly kind: "map" };

/** An attack with nothing left open: every default is filled in. `epsilon` and `alpha` in grey levels. */
export interface AttackSpec {
  readonly model: string;
  readonly attack: AttackName;
  readonly epsilon: number;
  /** Step size; equals `epsilon` for the single-step attacks. */
  readonly alpha: number;
  readonly steps: number;
  readonly label: "prediction" | "ground-truth";
  /** Descend towards these labels instead of leaving (or instead of the least-likely classes, for the II attacks). */
  readonly targeted?: Targeted | undefined;
  readonly pixelRange: "clip" | "none";
  readonly seed: number;
  /** In place of the model's own. */
  readonly crf?: CrfChoice | undefined;
  /** The service's own where it is absent. */
  readonly backend?: Backend | undefined;
}

export type OutputName =
  | "adversarial"
  | "adversarial-16bit"
  | "adversarial-npy"
  | "perturbation"
  | "labels-before"
  | "labels-after";

export interface AttackRequest {
  readonly spec: AttackSpec;
  readonly image: Uint8Array;
  /** Ground truth: then also the reference of the scores. */
  readonly labels?: Uint8Array | undefined;
  /** The label map of `targeted.kind === "map"`. */
  readonly target?: Uint8Array | undefined;
  /** The images to encode; nothing else is encoded. */
  readonly outputs: readonly OutputName[];
}

/** `step` counts from 1; `loss` is the mean over pixels that count; the share is of pixels whose label changed. */
export interface StepReport {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly changedPixelShare: number;
}

/** Before and after. `null` where the quantity is undefined (an IoU of a class in neither map). */
export interface CleanAndAdversarial {
  readonly clean: number | null;
  readonly adversarial: number | null;
}

export interface AttackScores {
  /** Adversarial mIoU ÷ clean mIoU; `null` where the clean mIoU is 0 or undefined. */
  readonly iouRatio: number | null;
  readonly miou: CleanAndAdversarial;
  readonly pixelAccuracy: CleanAndAdversarial;
  readonly perClass: readonly (CleanAndAdversarial & { readonly class: number; readonly name: string })[];
}

/**
 * Of adversarial − clean: L∞ and L2 in grey levels, L0 in pixels changed in any channel; `psnr` in dB, `null` = infinite;
 * `ssim` is `null` below 11 pixels a side.
 */
export interface Perturbation {
  readonly linf: number;
  readonly l2: number;
  readonly l0: number;
  readonly psnr: number | null;
  readonly ssim: number | null;
}

/** Of the float image, and of the same image rounded to 8 bits. */
export interface FloatAndUint8<T> {
  readonly float: T;
  readonly uint8: T;
}

/** What ran: enough to run it again. */
export interface Receipt<Spec> {
  readonly model: string;
  readonly modelSha256: string;
  readonly spec: Spec;
  readonly seed: number;
  readonly versions: { readonly faultline: string; readonly onnxruntime: string };
  readonly backend: "webgpu" | "wasm";
  /** Why that backend: a clause. */
  readonly backendWhy: string;
}

/** What the scores compare with: the ground truth if given, else the clean prediction (whose mIoU is then 1). */
export type Reference = "prediction" | "ground-truth";

export interface AttackResult extends Size {
  readonly reference: Reference;
  readonly scores: FloatAndUint8<AttackScores>;
  readonly perturbation: FloatAndUint8<Perturbation>;
  readonly steps: readonly Omit<StepReport, "steps">[];
  /** Signs of a masked gradient: share of exactly zero components at the first step; mean confidence on the clean image. */
  readonly masking: { readonly zeroGradientShare: number; readonly confidence: number };
  readonly timings: Timings;
  readonly receipt: Receipt<AttackSpec>;
  readonly images: Partial<Readonly<Record<OutputName, EncodedImage>>>;
}

export interface ScoreRequest {
  readonly classes:
    | { readonly kind: "model"; readonly model: string }
    | { readonly kind: "count"; readonly count: number };
  readonly prediction: Uint8Array;
  readonly reference: Uint8Array;
  readonly adversarial?: Uint8Array | undefined;
}

export interface MapScores {
  /** Row: class of the reference; column: class of the scored map; in pixels. */
  readonly confusion: readonly (readonly number[])[];
  readonly perClass: readonly { readonly class: number; readonly name: string | null; readonly iou: number | null }[];
  readonly miou: number | null;
  readonly pixelAccuracy: number | null;
}

export interface ScoreResult extends Size {
  readonly classes: number;
  /** Pixels that are void in the reference, and so count nowhere. */
  readonly voidPixels: number;
  readonly prediction: MapScores;
  readonly adversarial?: MapScores | undefined;
  readonly iouRatio?: number | null | undefined;
}

/** A grid with nothing left open; ε ascending and unique, attacks unique, steps by the paper's rule. */
export interface RobustnessSpec {
  readonly model: string;
  readonly attacks: readonly AttackName[];
  readonly epsilons: readonly number[];
  readonly alpha: number;
  /** Broken where the IoU ratio is below this. */
  readonly threshold: number;
  readonly label: "prediction" | "ground-truth";
  readonly pixelRange: "clip" | "none";
  readonly seed: number;
  /** In place of the model's own. */
  readonly crf?: CrfChoice | undefined;
  /** The service's own where it is absent. */
  readonly backend?: Backend | undefined;
}

export interface RobustnessRequest {
  readonly spec: RobustnessSpec;
  readonly image: Uint8Array;
  readonly labels?: Uint8Array | undefined;
}

export type PointScores = { readonly [K in "iouRatio" | "miou" | "pixelAccuracy"]: number | null };

export interface CurvePoint extends FloatAndUint8<PointScores> {
  readonly attack: AttackName;
  readonly epsilon: number;
  readonly steps: number;
}

/** The smallest ε of the grid that breaks the network; `null` where none does. */
export type SmallestEpsilon = FloatAndUint8<number | null>;

export interface RobustnessResult extends Size {
  readonly reference: Reference;
  readonly threshold: number;
  readonly clean: { readonly miou: number | null; readonly pixelAccuracy: number | null };
  readonly curve: readonly CurvePoint[];
  readonly breaking: readonly (SmallestEpsilon & { readonly attack: AttackName })[];
  readonly smallestEpsilon: SmallestEpsilon;
  /** `broken` where any attack breaks it, as float or rounded to 8 bits. */
  readonly verdict: "robust" | "broken";
  /** Signs of a masked gradient: the largest share of exactly zero components, and the mean clean confidence. */
  readonly masking: { readonly zeroGradientShare: number; readonly confidence: number };
  /** The verdict in a sentence. */
  readonly summary: string;
  readonly timings: Timings;
  readonly receipt: Receipt<RobustnessSpec>;
}

/**
 * How a run reports and is stopped. Callbacks are awaited: that is where the caller gets to run, send and abort.
 * An aborted run ends with `FaultlineError({ kind: "cancelled" })`.
 */
export interface AttackRun {
  readonly onStep?: (report: StepReport) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

/** `onPoint` gets each point of the curve as it is measured; `index` counts from 1. */
export interface RobustnessRun {
  readonly onPoint?: (point: CurvePoint, index: number, total: number) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

/** Everything the API can be asked. Each method rejects with a `FaultlineError` for what the caller can mend. */
export interface Service {
  /** The model of a request that names none. */
  readonly defaultModel: string;
  /** Those that can be opened. */
  models(): Promise<readonly ModelInfo[]>;
  model(name: string): Promise<ModelInfo>;
  /** Resolves when requests can be served; rejects with `model-unavailable` until then. */
  ready(): Promise<void>;
  /** Steps that the attack's protocol gives for a radius: 1 for single-step attacks. */
  defaultSteps(attack: AttackName, epsilon: number): number;
  segment(request: SegmentRequest): Promise<SegmentResult>;
  /** All that can be refused is refused before the first `onStep`. */
  attack(request: AttackRequest, run: AttackRun): Promise<AttackResult>;
  score(request: ScoreRequest): Promise<ScoreResult>;
  robustness(request: RobustnessRequest, run: RobustnessRun): Promise<RobustnessResult>;
  /** Absent where the service has no store for them. */
  readonly uploads?: Uploads | undefined;
}
