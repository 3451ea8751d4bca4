/** Results from files: rows, and what stands beside them. */

import type { Row } from "../evaluation/row.ts";
import { Refusal } from "../node/failure.ts";
import { piecesOf, readBytes, readJson, statOf } from "../node/files.ts";
import { readCertificate, type CertificateRow } from "../report/certificate-row.ts";
import { checkRow, RowError } from "../report/read-row.ts";
import { createReader } from "../report/reader.ts";
import { runFacts, type RunFacts } from "../report/run-facts.ts";
import { createStore, type Store } from "../report/store.ts";
import { besideRows } from "./run-file.ts";

export interface Results {
  readonly store: Store;
  readonly runs: readonly RunFacts[];
}

const readParquet = async (path: string, store: Store): Promise<void> => {
  let row = 0;
  for await (const value of (await import("./read-parquet.ts")).rowsInParquet(path)) {
    row += 1;
    try {
      store.add(checkRow(value));
    } catch (cause) {
      if (cause instanceof RowError) throw new RowError(`row ${row}: ${cause.message}`, { cause });
      throw cause;
    }
  }
};

/** Calls `run`; what is wrong with a row is refused with the name of the file. */
export const refusing = async <T>(path: string, run: () => T | Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof RowError) throw new Refusal(`${path}: ${cause.message}`, { cause });
    throw cause;
  }
};

/** The certificates of several files. @throws Refusal that names the file and the line. */
export const readCertificates = async (paths: readonly string[]): Promise<readonly CertificateRow[]> => {
  const all: CertificateRow[] = [];
  for (const path of paths) {
    const lines = new TextDecoder().decode(await readBytes(path)).split("\n");
    for (const [i, line] of lines.entries())
      if (line.trim() !== "") all.push(await refusing(`${path}: line ${i + 1}`, () => readCertificate(line)));
  }
  return all;
};

const readInto = async (path: string, store: Store): Promise<void> => {
  const found = await statOf(path);
  if (!found) throw new Refusal(`${path}: no such file`);
  if (found.isDirectory()) throw new Refusal(`${path}: is a directory; name the file of rows in it`);
  await refusing(path, async () => {
    if (/\.parquet$/i.test(path)) return readParquet(path, store);
    const reader = createReader(store);
    for await (const piece of piecesOf(path)) reader.push(piece);
    reader.end();
  });
};

/** What the rows of a file share, where that stands beside it. */
const runsBeside = async (path: string): Promise<readonly RunFacts[]> => {
  const beside = besideRows(path).run;
  return (await statOf(beside)) ? [runFacts(await readJson(beside))] : [];
};

/** @throws Refusal where there are no rows. */
const requireRows = (results: Results, paths: readonly string[]): Results => {
  if (results.store.groups.size === 0) throw new Refusal(`${paths.join(", ")}: there are no rows`);
  return results;
};

/** Results of the rows of one file, as another reads them. @throws Refusal for rows that are at fault, and where there are none. */
export const createResults = (path: string) => {
  const store = createStore();
  return {
    add: (row: Row): Promise<void> => refusing(path, () => store.add(checkRow(row))),
    end: async (): Promise<Results> => requireRows({ store, runs: await runsBeside(path) }, [path]),
  };
};

/** The union of the rows of several files. @throws Refusal that names the file and the line. */
export const readResults = async (paths: readonly string[]): Promise<Results> => {
  const store = createStore();
  const runs: RunFacts[] = [];
  for (const path of paths) {
    await readInto(path, store);
    runs.push(...(await runsBeside(path)));
  }
  return requireRows({ store, runs }, paths);
};
