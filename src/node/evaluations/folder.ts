/** What is kept of an evaluation of the service, in a folder of its own: its record, its specification, its rows and its report. */

import { createReadStream } from "node:fs";
import { link, mkdir, readdir, rm, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import type { EvaluationFile, EvaluationPrediction, EvaluationState, ReportType } from "../../contract/evaluations.ts";
import type { GivenSpec } from "../../evaluation/spec.ts";
import { jsonFile, readJson, statOf, writeFiles } from "../files.ts";
import { isInBucket } from "../s3-settings.ts";
import { setAt } from "../stores.ts";

export interface EvaluationRecord {
  readonly id: string;
  readonly created: string;
  readonly spec: GivenSpec;
  readonly predicted: EvaluationPrediction;
  readonly maxCpuHours: number;
  readonly idempotencyKey?: string | undefined;
  readonly state: EvaluationState;
  readonly spentCpuHours: number;
  readonly done: number;
  readonly failed: number;
  readonly reason?: string | undefined;
}

/** The names of the files in the folder. */
export const files = {
  record: "record.json",
  spec: "evaluation.json",
  rows: "rows.jsonl",
  run: "rows.run.json",
  failed: "rows.failed.jsonl",
  /** The rows and what they share once more, by the names that were sent: what its report is made of. */
  sent: "sent.jsonl",
  sentRun: "sent.run.json",
} as const;

export const reports: Readonly<Record<ReportType, string>> = {
  "text/html": "report.html",
  "application/json": "report.json",
  "text/markdown": "report.md",
};

/** Names that are part of a path. */
export const isName = (name: string): boolean => /^[A-Za-z0-9][\w.-]{0,127}$/.test(name);

/** The link to a folder of data sets; what lies in a bucket has its address everywhere. */
const placeOfData = (data: string | null): string => (data !== null && isInBucket(data) ? data : "data");

/** The specification with the paths that the names have in the folder. */
const located = ({ networks, transferFrom, data, ...spec }: GivenSpec, place: string): GivenSpec => {
  const paths = (names: readonly string[]): string[] => names.map((name) => `models/${name}`);
  const from = (source: NonNullable<GivenSpec["transferFrom"]>[number]) =>
    typeof source === "string" ? `models/${source}` : { ...source, networks: paths(source.networks) };
  return {
    ...spec,
    networks: paths(networks),
    ...(transferFrom ? { transferFrom: transferFrom.map(from) } : {}),
    ...(data ? { data: { ...data, ...(data.path === undefined ? {} : { path: setAt(place, data.path) }) } } : {}),
  };
};

/** Where networks and data sets are. */
export interface Places {
  readonly models: string;
  /** A folder or an address in a bucket; null: there are none but drawn streets. */
  readonly data: string | null;
}

/** Makes the folder of a specification, with links to what it names, so that its paths are the same on every machine. */
export const makeFolder = async (folder: string, spec: GivenSpec, { models, data }: Places): Promise<void> => {
  await mkdir(folder, { recursive: true });
  await symlink(resolve(models), join(folder, "models"), "junction");
  if (data !== null && !isInBucket(data)) await symlink(resolve(data), join(folder, "data"), "junction");
  await writeFiles([[join(folder, files.spec), jsonFile(located(spec, placeOfData(data)))]]);
};

export const writeRecord = (folder: string, record: EvaluationRecord): Promise<void> =>
  writeFiles([[join(folder, files.record), jsonFile(record)]]);

/** Puts the specification as it was sent beside the rows; the command and the paths of the folder are nothing that its sender has. */
export const writeSent = async (folder: string, spec: GivenSpec): Promise<void> => {
  const { command: _, ...run } = await readJson(join(folder, files.run));
  await writeFiles([[join(folder, files.sentRun), jsonFile({ ...run, spec })]]);
  await rm(join(folder, files.sent), { force: true });
  await link(join(folder, files.rows), join(folder, files.sent));
};

/** The records of all folders; one without a record was not finished, and is removed. */
export const readRecords = async (root: string): Promise<EvaluationRecord[]> => {
  await mkdir(root, { recursive: true });
  const records: EvaluationRecord[] = [];
  for (const name of await readdir(root)) {
    if (!isName(name)) continue;
    if (await statOf(join(root, name, files.record)))
      records.push((await readJson(join(root, name, files.record))) as unknown as EvaluationRecord);
    else await rm(join(root, name), { recursive: true, force: true });
  }
  return records.toSorted((a, b) => (a.created < b.created ? -1 : 1));
};

/** The first bytes of a file. */
export const openFile = async (path: string, bytes?: number): Promise<EvaluationFile | null> => {
  const found = await statOf(path);
  if (!found) return null;
  const size = Math.min(bytes ?? found.size, found.size);
  const stream = size === 0 ? Readable.from([]) : createReadStream(path, { end: size - 1 });
  return { bytes: size, body: Readable.toWeb(stream) as ReadableStream<Uint8Array> };
};

/** Counts the whole lines of a file that grows; what was counted is not read again. */
export const createLineCounter = (path: string) => {
  let [lines, bytes, file] = [0, 0, 0];
  const count = async (): Promise<{ readonly lines: number; readonly bytes: number }> => {
    const { size, ino } = (await statOf(path)) ?? { size: 0, ino: 0 };
    // Cut off, or written anew: the rows in order take the place of those as they came.
    if (size < bytes || ino !== file) [lines, bytes, file] = [0, 0, ino];
    if (size > bytes) {
      let at = bytes;
      for await (const piece of createReadStream(path, { start: bytes, end: size - 1 }) as AsyncIterable<Buffer>) {
        for (let i = piece.indexOf(10); i !== -1; i = piece.indexOf(10, i + 1)) {
          lines += 1;
          bytes = at + i + 1;
        }
        at += piece.length;
      }
    }
    return { lines, bytes };
  };
  // One after another: two at a time would count the same lines twice.
  let last = Promise.resolve({ lines, bytes });
  return () => (last = last.then(count, count));
};
