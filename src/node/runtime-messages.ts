/** What the thread of a runtime is asked, and what it answers. */

import type { Tensor } from "../tensor.ts";

export type Tensors = Readonly<Record<string, Tensor>>;

/** `session`: a number that the asker has chosen. */
export type Call =
  | { readonly kind: "create"; readonly session: number; readonly model: Uint8Array }
  | { readonly kind: "run"; readonly session: number; readonly feeds: Tensors }
  | { readonly kind: "release"; readonly session: number };

export interface Asked {
  readonly id: number;
  readonly call: Call;
}

/** What a call of each kind gives. */
export interface Given {
  readonly create: { readonly inputs: readonly string[]; readonly outputs: readonly string[] };
  readonly run: Readonly<Record<string, Tensor>>;
  readonly release: null;
}

/** A RuntimeError on its way to the asker. */
export interface Fault {
  readonly message: string;
  readonly cause: unknown;
  /** Whether the runtime is down. */
  readonly crashed: boolean;
}

export type Answer = { readonly id: number; readonly memoryBytes: number } & (
  | { readonly given: Given[Call["kind"]] }
  | { readonly fault: Fault }
);

/** The first message of a thread. */
export interface Ready {
  readonly version: string;
}

export interface ThreadData {
  readonly threads: number;
}
