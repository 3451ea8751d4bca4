/** Networks one can ask for, and those that are uploaded. */

import type { Manifest } from "../segmenter/manifest.ts";
import type { Crf } from "./options.ts";
import type { Size } from "./files.ts";

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

/** How a request that reports no progress is given up: its signal is watched while it waits and between the parts of its work. */
export interface Abandon {
  readonly signal?: AbortSignal | undefined;
}

/** Networks that come and go while the service runs. */
export interface Uploads {
  /** Checks the network and keeps it; from then on every request can name it. */
  readonly add: (request: UploadRequest, run?: Abandon) => Promise<UploadResult>;
  readonly remove: (name: string) => Promise<void>;
}
