/** What an evaluation's thread and its parent say to each other. */

import type { Item, LabelReading } from "../evaluation/items.ts";
import type { Setting } from "../evaluation/settings.ts";
import type { Group } from "../evaluation/units.ts";
import type { Outcome } from "../jobs/perform.ts";
import type { StepTimes } from "../jobs/step-times.ts";
import type { Backend } from "../runtime/session.ts";
import type { Size } from "../tensor.ts";
import type { Roots } from "./folder-files.ts";
import type { Located } from "./located.ts";

/** Everything that groups refer to by their places, but for the items, of which each comes with its group. Plain data. */
export interface EvaluationData {
  readonly networks: readonly Located[];
  readonly settings: readonly Setting[];
  readonly seed: number;
  readonly small: number;
  readonly version: string;
  readonly backend: Backend;
  /** Of a run. */
  readonly threads: number;
  /** Of this thread's sessions. */
  readonly budgetBytes: number;
  /** Of the data set; null for drawn scenes. */
  readonly roots: Roots | null;
  readonly reading: LabelReading;
  /** Of drawn scenes. */
  readonly streetSize: Size;
}

export type ToThread =
  | { readonly kind: "groups"; readonly groups: readonly Group[]; readonly item: Item }
  | { readonly kind: "time"; readonly setting: number; readonly item: Item }
  | { readonly kind: "stop" };

export type FromThread =
  | { readonly kind: "ready" }
  | { readonly kind: "steps"; readonly steps: number }
  /** `last`: the backend has crashed, and the thread takes no further group. */
  | { readonly kind: "done"; readonly outcomes: readonly Outcome[]; readonly last: boolean }
  | { readonly kind: "timed"; readonly times: StepTimes }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly error: string };
