/** What the thread or the process of a runtime is asked, and what it answers. */

import type { Adapter } from "../runtime/choose.ts";
import type { AscentOptions, AscentRequest, AscentStep, Runtime } from "../runtime/session.ts";
import type { Tensor } from "../tensor.ts";

export type Tensors = Readonly<Record<string, Tensor>>;

/** `session`: a number that the asker has chosen. */
export type Call =
  | { readonly kind: "create"; readonly session: number; readonly model: Uint8Array }
  | { readonly kind: "run"; readonly session: number; readonly feeds: Tensors }
  | { readonly kind: "release"; readonly session: number }
  | {
      readonly kind: "create-ascent";
      readonly session: number;
      readonly model: Uint8Array;
      readonly options: AscentOptions;
    }
  /** `told`: each step is answered, and the next one waits for a `next`. */
  | { readonly kind: "ascend"; readonly session: number; readonly request: AscentRequest; readonly told: boolean }
  /** To the ascent of that call: go on, or stop. */
  | { readonly kind: "next" | "stop"; readonly of: number };

export interface Asked {
  readonly id: number;
  readonly call: Call;
}

/** What a call of each kind gives. */
export interface Given {
  readonly create: { readonly inputs: readonly string[]; readonly outputs: readonly string[] };
  readonly run: Readonly<Record<string, Tensor>>;
  readonly release: null;
  readonly "create-ascent": null;
  readonly ascend: Float32Array<ArrayBuffer>;
  readonly next: null;
  readonly stop: null;
}

/** A RuntimeError on its way to the asker. */
export interface Fault {
  readonly message: string;
  readonly cause: unknown;
  /** Whether the runtime is down. */
  readonly crashed: boolean;
}

/** `restarts`: of what the runtime runs on, its device. */
export type Answer = { readonly id: number; readonly memoryBytes: number; readonly restarts: number } & (
  | { readonly given: Given[Call["kind"]] }
  | { readonly fault: Fault }
);

/** A step of the ascent that the call asked for. */
export interface Stepped {
  readonly id: number;
  readonly step: AscentStep;
}

/** The first message of a runtime, or the last where it cannot be had. */
export type Ready =
  | { readonly version: string; readonly backend: Runtime["backend"]; readonly adapter?: Adapter | undefined }
  | { readonly unavailable: string };

/** How a runtime is started. */
export interface RuntimeData {
  readonly backend: Runtime["backend"];
  readonly threads: number;
}

/** What goes to the asker. */
export type Told = Ready | Answer | Stepped;
