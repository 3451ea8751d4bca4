/** The messages between the thread that answers requests and the thread of the service. */

import type { Failure } from "../contract/failure.ts";
import type { Backend } from "../contract/options.ts";
import type { Service } from "../contract/service.ts";
import type { Uploads } from "../contract/models.ts";

/** What the service's thread is started with. */
export interface ServiceData {
  /** Folder of networks. */
  readonly models: string;
  readonly defaultModel: string | undefined;
  /** Folder of uploaded networks. */
  readonly uploads: string | undefined;
  readonly backend: Backend;
  readonly threads: number;
  readonly budgetBytes: number;
  readonly waiting: number;
  readonly version: string;
}

/** The methods that are called by message: those of the service, and the two of its uploads. */
export interface Methods {
  readonly models: () => ReturnType<Service["models"]>;
  readonly model: (name: string) => ReturnType<Service["model"]>;
  readonly ready: () => ReturnType<Service["ready"]>;
  readonly segment: (request: Parameters<Service["segment"]>[0]) => ReturnType<Service["segment"]>;
  readonly attack: (request: Parameters<Service["attack"]>[0]) => ReturnType<Service["attack"]>;
  readonly score: (request: Parameters<Service["score"]>[0]) => ReturnType<Service["score"]>;
  readonly robustness: (request: Parameters<Service["robustness"]>[0]) => ReturnType<Service["robustness"]>;
  readonly robustnessOfSet: (
    request: Parameters<Service["robustnessOfSet"]>[0],
  ) => ReturnType<Service["robustnessOfSet"]>;
  readonly prepareRobustness: (
    request: Parameters<Service["prepareRobustness"]>[0],
  ) => ReturnType<Service["prepareRobustness"]>;
  readonly concludeRobustness: (
    request: Parameters<Service["concludeRobustness"]>[0],
  ) => ReturnType<Service["concludeRobustness"]>;
  readonly transfer: (request: Parameters<Service["transfer"]>[0]) => ReturnType<Service["transfer"]>;
  readonly audit: (request: Parameters<Service["audit"]>[0]) => ReturnType<Service["audit"]>;
  readonly certify: (request: Parameters<Service["certify"]>[0]) => ReturnType<Service["certify"]>;
  readonly report: (request: Parameters<Service["report"]>[0]) => ReturnType<Service["report"]>;
  readonly add: (request: Parameters<Uploads["add"]>[0]) => ReturnType<Uploads["add"]>;
  readonly remove: (name: string) => ReturnType<Uploads["remove"]>;
}

/** A call of a method with its one argument. */
export interface ServiceCall {
  readonly kind: "call";
  readonly id: number;
  readonly method: keyof Methods;
  readonly argument: unknown;
  /** Whether each progress is posted; the run then waits for a `next`. */
  readonly reports: boolean;
}

export type ToService =
  | ServiceCall
  /** To the call of that id: go on after a report; give up. */
  | { readonly kind: "next" | "abort"; readonly id: number }
  /** What runs may end, nothing else begins. */
  | { readonly kind: "stop" }
  /** End the runtimes; the thread then ends by itself. */
  | { readonly kind: "end" };

export type FromService =
  | { readonly kind: "ready"; readonly defaultModel: string; readonly models: readonly string[] }
  /** The service does not start, for a reason that its user can mend. */
  | { readonly kind: "refused"; readonly reason: string }
  /** The arguments of `onStep` or `onPoint`. */
  | { readonly kind: "report"; readonly id: number; readonly values: readonly unknown[] }
  | { readonly kind: "value"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly failure: Failure }
  /** An error that no failure explains. */
  | { readonly kind: "error"; readonly id: number; readonly error: Error };
