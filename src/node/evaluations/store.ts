/** Where the evaluations of a service are kept: what is asked of a folder, or of a bucket. */

import type { EvaluationFile, EvaluationPrediction, EvaluationState, ReportType } from "../../contract/evaluations.ts";
import type { GivenSpec } from "../../evaluation/spec.ts";

/** Uploaded networks by their names, as they were when the evaluation was planned. */
export type KeptNetworks = Readonly<
  Record<
    string,
    {
      /** Of its file. */
      readonly sha256: string;
      /** Of what its results depend on (`networks/identity.ts`). */
      readonly identity: string;
    }
  >
>;

/** What the folder follows from in which an evaluation is planned or carried out. */
export interface Asked {
  readonly spec: GivenSpec;
  /** Those that the specification names, whose files are kept with the evaluation; absent for none. */
  readonly uploaded?: KeptNetworks | undefined;
}

export interface EvaluationRecord extends Asked {
  readonly id: string;
  readonly created: string;
  readonly predicted: EvaluationPrediction;
  readonly maxCpuHours: number;
  readonly idempotencyKey?: string | undefined;
  readonly state: EvaluationState;
  readonly spentCpuHours: number;
  readonly done: number;
  readonly failed: number;
  readonly reason?: string | undefined;
}

/** The names of the files of an evaluation. */
export const files = {
  record: "record.json",
  spec: "evaluation.json",
  rows: "rows.jsonl",
  run: "rows.run.json",
  failed: "rows.failed.jsonl",
  /** The rows and what they share once more, by the names that were sent: what its report is made of. */
  sent: "sent.jsonl",
  sentRun: "sent.run.json",
  /** The folder of uploaded networks: NAME/manifest.json and its file. */
  uploaded: "uploaded",
} as const;

/** How the name of a folder begins in which something is planned. */
export const planningPrefix = ".planning-";

export const reports: Readonly<Record<ReportType, string>> = {
  "text/html": "report.html",
  "application/json": "report.json",
  "text/markdown": "report.md",
};

/** Where a run takes place, on this machine. */
export interface Workplace {
  /** With the specification, and links to what it names. */
  readonly folder: string;
  /** Where the command keeps the rows, as it takes it. */
  readonly rows: string;
  /** Where it puts each report, as it takes it. */
  readonly reports: readonly string[];
  /** Whether nobody else writes the rows, as a command does whose service was killed. */
  readonly isFree: () => Promise<boolean>;
  /** Puts the rows and the specification as it was sent into the folder, for the report. */
  readonly writeSent: (spec: GivenSpec) => Promise<void>;
}

/** One evaluation, by its id. */
export interface Kept {
  /** Keeps a new one. @param uploaded the folder of its uploaded networks, which it may take for itself. */
  readonly create: (record: EvaluationRecord, uploaded: string) => Promise<void>;
  readonly write: (record: EvaluationRecord) => Promise<void>;
  /** Calls `work` with a workplace, which is its own until it ends. */
  readonly withWorkplace: (asked: Asked, work: (place: Workplace) => Promise<void>) => Promise<void>;
  /** The rows that there are, in whole lines. */
  readonly rows: () => Promise<EvaluationFile>;
  /** Null where there is none. */
  readonly report: (type: ReportType) => Promise<EvaluationFile | null>;
  readonly remove: () => Promise<void>;
}

export interface EvaluationStore {
  /** A folder of this machine, for what is planned. */
  readonly scratch: string;
  /** Of all evaluations, in any order; what is left of others is removed. */
  readonly records: () => Promise<EvaluationRecord[]>;
  readonly at: (id: string) => Kept;
  /** Other services may have it. */
  readonly end: () => Promise<void>;
}
