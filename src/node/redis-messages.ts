/** What travels through Redis: a run once, then parcels one by one, and what becomes of each. Plain data, as JSON. */

import { sha256Of } from "../digest.ts";
import type { Item } from "../evaluation/items.ts";
import type { Outcome } from "../jobs/perform.ts";
import type { Parcel } from "../jobs/worker.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { EvaluationData } from "./evaluation-messages.ts";

/** Everything that the parcels of a run share. The files of pictures do not travel, nor do those of networks that are not sent: each machine has its own, with the same digests. */
export interface SharedRun extends Omit<EvaluationData, "networks" | "budgetBytes"> {
  readonly networks: readonly SharedNetwork[];
}

export interface SharedNetwork {
  readonly operand: string;
  readonly manifest: Manifest;
  /** Its file is in Redis, by the digest of the manifest. */
  readonly isSent?: true;
}

/** What a worker takes from the queue. */
export interface ParcelMessage {
  readonly run: string;
  readonly parcel: Parcel;
  /** By the places that the groups name. */
  readonly items: Readonly<Record<number, Item>>;
}

/** What it leaves there; null where it was stopped. */
export type ParcelResult = readonly Outcome[] | null;

/** Whether parcels of a run are still wanted; workers look at each step. */
export type RunState = "running" | "stopped";

/** Workers of another version, whose rows could differ, use another queue. */
export const queueName = (version: string): string => `faultline-${version}`;

export const runKey = (run: string): string => `faultline:run:${run}`;
export const networkKey = (run: string, sha256: string): string => `faultline:network:${run}:${sha256}`;
export const stateKey = (run: string): string => `faultline:state:${run}`;

/** The same run has the same id, so that it can be taken up again. */
export const runIdOf = (run: SharedRun): Promise<string> => sha256Of(JSON.stringify(run));

/** The same parcel of the same run has the same id: the queue has it at most once. */
export const parcelIdOf = (run: string, parcel: Parcel): Promise<string> =>
  sha256Of([run, ...parcel.flatMap(({ units }) => units.map(({ id }) => id))].join("\n"));
