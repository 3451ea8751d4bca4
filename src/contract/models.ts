/** The networks of a service, and uploads of further ones. */

import type { Manifest } from "../segmenter/manifest.ts";
import type { NamedFile } from "./files.ts";
import type { Size } from "../tensor.ts";

/** A network that requests can name: its manifest, without what only the service needs, and what can be done with it. */
export interface ModelInfo extends Readonly<Omit<Manifest, "file" | "input" | "output">> {
  /** Size of the network's file. */
  readonly bytes: number;
  readonly input: Readonly<Omit<Manifest["input"], "name" | "layout">>;
  readonly gradient: { readonly supported: boolean; readonly unsupportedOperators: readonly string[] };
  /** Predicted WASM memory of a segmentation and of the most demanding attack; `null` where there is no gradient. */
  readonly memory?:
    | readonly (Size & { readonly segmentBytes: number; readonly attackBytes: number | null })[]
    | undefined;
  /** The largest image whose attack is predicted to fit in the memory budget. */
  readonly largestAttack?: Size | undefined;
}

/** What is stated of a network; the other fields are found from its file. */
export type UploadedManifest = { readonly [F in keyof Manifest]?: Manifest[F] | undefined };

export interface UploadRequest {
  readonly manifest: UploadedManifest;
  /** The ONNX file. */
  readonly model: Uint8Array;
  /** Files that contain its weights, where they are not in the ONNX file. */
  readonly data?: readonly NamedFile[] | undefined;
  /** Whether it may replace another upload of that name. */
  readonly replace: boolean;
}

export interface UploadResult {
  readonly outcome: "created" | "replaced" | "unchanged";
  readonly model: ModelInfo;
  /** What was assumed in the fields of the manifest that were not given, in whole sentences. */
  readonly assumed: readonly string[];
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
