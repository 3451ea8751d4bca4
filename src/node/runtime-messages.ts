/** The messages between a runtime in a thread or process and its caller. */

import type { Adapter } from "../runtime/choose.ts";
import type {
  AscentAnswer,
  AscentEnd,
  AscentOptions,
  AscentRequest,
  AscentStep,
  Optimisation,
  Runtime,
  SessionOptions,
} from "../runtime/session.ts";
import type { Tensor } from "../tensor.ts";

export type Tensors = Readonly<Record<string, Tensor>>;

/** `session`: a number that the caller has chosen. */
export type Call =
  | {
      readonly kind: "create";
      readonly session: number;
      readonly model: Uint8Array;
      readonly options: SessionOptions;
    }
  | { readonly kind: "run"; readonly session: number; readonly feeds: Tensors }
  | { readonly kind: "release"; readonly session: number }
  | {
      readonly kind: "create-ascent";
      readonly session: number;
      readonly model: Uint8Array;
      readonly options: AscentOptions;
    }
  /** `reportSteps`: each step of the images is reported, and the following one waits for a `next`. */
  | {
      readonly kind: "ascend";
      readonly session: number;
      readonly requests: readonly AscentRequest[];
      readonly reportSteps: boolean;
      readonly rounds: number | undefined;
    }
  /** Tells the ascents of the call `of` to go on, and how, or to stop. */
  | { readonly kind: "next"; readonly of: number; readonly answers: readonly AscentAnswer[] }
  | { readonly kind: "stop"; readonly of: number };

export interface Asked {
  readonly id: number;
  readonly call: Call;
}

/** The result of a call of each kind. */
export interface Given {
  readonly create: { readonly inputs: readonly string[]; readonly outputs: readonly string[] };
  readonly run: Readonly<Record<string, Tensor>>;
  readonly release: null;
  readonly "create-ascent": null;
  readonly ascend: readonly AscentEnd[];
  readonly next: null;
  readonly stop: null;
}

/** A RuntimeError as a message. */
export interface Fault {
  readonly message: string;
  readonly cause: unknown;
  /** Whether the runtime has crashed, with all its sessions. */
  readonly crashed: boolean;
}

/** The answer to the call `id`. `restarts`: how often the runtime's device was replaced. */
export type Answer = { readonly id: number; readonly memoryBytes: number; readonly restarts: number } & (
  | { readonly given: Given[Call["kind"]] }
  | { readonly fault: Fault }
);

/** A step of the ascents that the call `id` started. */
export interface Stepped {
  readonly id: number;
  readonly steps: readonly (AscentStep | null)[];
}

/** The first message of a runtime; its last one where it is unavailable. */
export type Ready =
  | (Pick<Runtime, "version" | "backend" | "largestTensorBytes"> & { readonly adapter?: Adapter | undefined })
  | { readonly unavailable: string };

/** How a runtime is started. */
export interface RuntimeData {
  readonly backend: Runtime["backend"];
  readonly threads: number;
  readonly optimisation?: Optimisation | undefined;
}

/** A message to the caller. */
export type Told = Ready | Answer | Stepped;
