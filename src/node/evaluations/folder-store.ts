/** Evaluations in a folder: each has one of its own, with its record, its specification, its rows and its report. */

import { createReadStream } from "node:fs";
import { link, mkdir, open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import type { EvaluationFile } from "../../contract/evaluations.ts";
import type { GivenSpec } from "../../evaluation/spec.ts";
import { checkFolder, jsonFile, readJson, statOf, writeFiles } from "../files.ts";
import { writerOf } from "../ledger-file.ts";
import { files, planningPrefix, reports, type EvaluationRecord, type EvaluationStore, type Kept } from "./store.ts";
import { isName, makeFolder, writeSentRun, type Places } from "./workplace.ts";

const writeRecord = (folder: string, record: EvaluationRecord): Promise<void> =>
  writeFiles([[join(folder, files.record), jsonFile(record)]]);

/** Puts the specification as it was sent beside the rows. */
export const writeSent = async (folder: string, spec: GivenSpec): Promise<void> => {
  await writeSentRun(join(folder, files.run), folder, spec);
  await rm(join(folder, files.sent), { force: true });
  await link(join(folder, files.rows), join(folder, files.sent));
};

/** The records of all folders; one without a record was not finished, and is removed, as what was being planned is: it may hold large files. */
const readRecords = async (root: string): Promise<EvaluationRecord[]> => {
  await mkdir(root, { recursive: true });
  const records: EvaluationRecord[] = [];
  for (const name of await readdir(root)) {
    if (!isName(name) && !name.startsWith(planningPrefix)) continue;
    if (await statOf(join(root, name, files.record)))
      records.push((await readJson(join(root, name, files.record))) as unknown as EvaluationRecord);
    else await rm(join(root, name), { recursive: true, force: true });
  }
  return records;
};

/** The first bytes of a file. */
const openFile = async (path: string, bytes?: number): Promise<EvaluationFile | null> => {
  const found = await statOf(path);
  if (!found) return null;
  const size = Math.min(bytes ?? found.size, found.size);
  const stream = size === 0 ? Readable.from([]) : createReadStream(path, { end: size - 1 });
  return { bytes: size, body: Readable.toWeb(stream) as ReadableStream<Uint8Array> };
};

const NEWLINE = 10;
const LOOK_BYTES = 2 ** 16;

/** The length of the whole lines of a file, which is read from its end. */
const wholeLines = async (file: FileHandle): Promise<number> => {
  for (let { size: end } = await file.stat(); end > 0; end -= Math.min(end, LOOK_BYTES)) {
    const length = Math.min(end, LOOK_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, end - length);
    const last = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (last !== -1) return end - length + last + 1;
  }
  return 0;
};

/** The whole lines of a file that may grow. */
export const openLines = async (path: string): Promise<EvaluationFile> => {
  const none = { bytes: 0, body: new Blob([]).stream() };
  if (!(await statOf(path))) return none;
  const file = await open(path);
  try {
    return (await openFile(path, await wholeLines(file))) ?? none;
  } finally {
    await file.close();
  }
};

const keptIn = (folder: string, places: Places): Kept => {
  const rows = join(folder, files.rows);
  return {
    create: async (record, uploaded) => {
      await makeFolder(folder, record, places);
      if (record.uploaded) await rename(uploaded, join(folder, files.uploaded));
      await writeRecord(folder, record);
    },
    write: (record) => writeRecord(folder, record),
    withWorkplace: (_, work) =>
      work({
        folder,
        rows: files.rows,
        reports: Object.values(reports),
        isFree: async () => (await writerOf(rows)) === null,
        writeSent: (spec) => writeSent(folder, spec),
      }),
    rows: () => openLines(rows),
    report: (type) => openFile(join(folder, reports[type])),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};

/** @throws Refusal, or Node's error, where the folder could not be created or written to. */
export const folderEvaluations = async (path: string, places: Places): Promise<EvaluationStore> => {
  await checkFolder(path);
  const root = resolve(path);
  return {
    scratch: root,
    records: () => readRecords(root),
    at: (id) => keptIn(join(root, id), places),
    end: () => Promise.resolve(),
  };
};
