/** Evaluations of many pictures, which run on after the request that starts them. */

import type { GivenSpec } from "../evaluation/spec.ts";
import type { Abandon } from "./models.ts";
import type { RanOn } from "./options.ts";

/** Networks and the data set by their names in the deployment. */
export interface EvaluationRequest {
  readonly spec: GivenSpec;
  /** The most that each run may take; the deployment's own limit where it is absent. */
  readonly maxCpuHours?: number | undefined;
  /** The same key with the same request is the same evaluation. */
  readonly idempotencyKey?: string | undefined;
}

/** What an evaluation is predicted to take, from a measured step of each network. */
export interface EvaluationPrediction {
  readonly units: number;
  readonly pictures: number;
  /** Of the networks, at most. */
  readonly evaluations: { readonly forward: number; readonly backward: number };
  /** On this machine. */
  readonly workers: number;
  readonly cpuHours: number;
  readonly seconds: number;
}

/**
 * `incomplete`: all ran, and some units failed. `capped`: the run took more than its cap. `failed`: it did not end by itself. All but
 * `done` go on with a retry.
 */
export type EvaluationState = "queued" | "running" | "done" | "incomplete" | "cancelled" | "capped" | "failed";

/** Whether it has ended, however it did. */
export const isOver = ({ state }: { readonly state: EvaluationState }): boolean =>
  state !== "queued" && state !== "running";

/** Milliseconds of an hour: times are measured in these, and told in hours of a processor. */
export const MS_PER_HOUR = 3_600_000;

export interface EvaluationInfo {
  readonly id: string;
  readonly state: EvaluationState;
  /** ISO 8601. */
  readonly created: string;
  readonly spec: GivenSpec;
  /** The digests of the uploaded networks that it was planned with, by their names; absent where it names none. */
  readonly uploaded?: Readonly<Record<string, string>> | undefined;
  readonly predicted: EvaluationPrediction;
  readonly maxCpuHours: number;
  /** Of all its runs. */
  readonly spentCpuHours: number;
  readonly units: { readonly total: number; readonly done: number; readonly failed: number };
  /** While it runs: of this run. */
  readonly unitsPerSecond: number | null;
  readonly remainingSeconds: number | null;
  /** Why it is not done. */
  readonly reason?: string | undefined;
}

export type ReportType = "text/html" | "application/json" | "text/markdown";

export interface EvaluationFile {
  readonly body: ReadableStream<Uint8Array>;
  /** Absent where it is not known before the end. */
  readonly bytes?: number | undefined;
}

export interface FollowRun extends Abandon {
  /** Called at first, and whenever something has changed. */
  readonly onChange: (info: EvaluationInfo) => void | Promise<void>;
}

export interface Evaluations {
  /** Where networks run; WASM where it is absent. */
  readonly backend?: RanOn | undefined;
  /** What it would take; nothing is kept. */
  readonly predict: (request: EvaluationRequest, run?: Abandon) => Promise<EvaluationPrediction>;
  /** Queues an evaluation, unless its key has one already. */
  readonly submit: (
    request: EvaluationRequest,
    run?: Abandon,
  ) => Promise<{ readonly isNew: boolean; readonly evaluation: EvaluationInfo }>;
  readonly get: (id: string) => Promise<EvaluationInfo>;
  /** Resolves when the evaluation neither waits nor runs. */
  readonly follow: (id: string, run: FollowRun) => Promise<EvaluationInfo>;
  /** The rows that there are, as JSON Lines. */
  readonly rows: (id: string) => Promise<EvaluationFile>;
  /** Of an evaluation that has ended with rows. */
  readonly report: (id: string, type: ReportType) => Promise<EvaluationFile>;
  /** Stops it at the next step; what is there stays. */
  readonly cancel: (id: string) => Promise<EvaluationInfo>;
  /** Goes on with what has no row. */
  readonly retry: (id: string) => Promise<EvaluationInfo>;
  /** The names of the data sets that evaluations name. */
  readonly dataSets: () => Promise<ReadonlySet<string>>;
  /** Stops it and removes what is there. */
  readonly remove: (id: string) => Promise<void>;
}
