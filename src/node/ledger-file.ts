/** A ledger in a file of JSON Lines: each row is on the disk before the next one is begun, and a torn last line is cut off. */

import { createReadStream } from "node:fs";
import { open, readFile, rename, rm, writeFile, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { beginsRow, idOfLine, lineOfRow, type Ledger } from "../jobs/ledger.ts";
import { oneAtATime } from "../turns.ts";
import { Refusal } from "./failure.ts";
import { statOf } from "./files.ts";

const NEWLINE = 10;

/** Where a row's line is: its first byte, and its length with the line break. */
interface Place {
  readonly start: number;
  readonly length: number;
}

interface Scanned {
  readonly rows: Map<string, Place>;
  /** The length of all whole lines. */
  readonly end: number;
}

/** Reads the lines one after another. @throws Refusal for a whole line that is no row. */
const scan = async (path: string, shown: string): Promise<Scanned> => {
  const rows = new Map<string, Place>();
  let [end, number] = [0, 0];
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let at = rest.indexOf(NEWLINE); at !== -1; at = rest.indexOf(NEWLINE, from)) {
      number += 1;
      const id = idOfLine(rest.toString("utf8", from, at));
      if (id === null) throw new Refusal(`${shown}: line ${number} is no row of an evaluation; name another file`);
      const length = at + 1 - from;
      if (!rows.has(id)) rows.set(id, { start: end, length });
      end += length;
      from = at + 1;
    }
    rest = rest.subarray(from);
  }
  // What is cut off must have been a row: a file of something else is left as it is.
  if (!beginsRow(rest.toString())) throw new Refusal(`${shown}: ends with what is no row; name another file`);
  return { rows, end };
};

/** Writes buffers together that are small. */
const BATCH_BYTES = 2 ** 20;

const copyLines = async (from: FileHandle, to: FileHandle, places: readonly Place[]): Promise<void> => {
  let held: Buffer[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    await to.writeFile(Buffer.concat(held));
    [held, size] = [[], 0];
  };
  for (const { start, length } of places) {
    const { buffer } = await from.read(Buffer.alloc(length), 0, length, start);
    held.push(buffer);
    size += length;
    if (size >= BATCH_BYTES) await flush();
  }
  await flush();
};

/** A rename lasts when its folder is on the disk; not every system lets a folder be opened. */
const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, "r").catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
};

const lockOf = (path: string): string => `${path}.lock`;

/** The process that has the ledger open; null for none. */
export const writerOf = async (path: string): Promise<number | null> => {
  const pid = Number((await readFile(lockOf(path), "utf8").catch(() => "")).trim());
  return Number.isInteger(pid) && pid > 0 && isAlive(pid) ? pid : null;
};

/**
 * Two processes that append to one file would tear each other's lines. The lock names its process; one that has died, as by kill -9, holds
 * nothing any more.
 *
 * @returns what releases it.
 * @throws Refusal where another process holds it.
 */
const lock = async (path: string): Promise<() => Promise<void>> => {
  const file = lockOf(path);
  const pid = await writerOf(path);
  if (pid !== null && pid !== process.pid)
    throw new Refusal(`${path}: process ${pid} is writing it; if that is no evaluation, delete ${file}`);
  await writeFile(file, `${process.pid}\n`);
  return () => rm(file, { force: true });
};

/**
 * Opens or creates the file.
 *
 * @param shown where the rows are, for people, if that is elsewhere.
 * @throws Refusal where it holds something else, or another process has it; Node's error where it cannot be written.
 */
export const openLedger = async (path: string, shown: string = path): Promise<Ledger> => {
  const release = await lock(path);
  try {
    return await openLocked(path, shown, release);
  } catch (cause) {
    await release();
    throw cause;
  }
};

const openLocked = async (path: string, shown: string, release: () => Promise<void>): Promise<Ledger> => {
  const known: Scanned = (await statOf(path)) ? await scan(path, shown) : { rows: new Map(), end: 0 };
  let { rows, end } = known;
  let file = await open(path, "a+");
  await file.truncate(end);
  /** Writes wait for each other. */
  const inTurn = oneAtATime();
  return {
    done: () => new Set(rows.keys()),
    record: (added) =>
      inTurn(async () => {
        const unique = new Map(added.map((row) => [row.id, row]));
        const fresh = [...unique.values()].filter(({ id }) => !rows.has(id));
        if (fresh.length === 0) return [];
        const lines = fresh.map((row) => Buffer.from(`${lineOfRow(row)}\n`));
        // What an attempt that failed has left of a line is cut off.
        if ((await file.stat()).size !== end) await file.truncate(end);
        await file.appendFile(Buffer.concat(lines));
        await file.datasync();
        for (const [i, { id }] of fresh.entries()) {
          rows.set(id, { start: end, length: lines[i]!.length });
          end += lines[i]!.length;
        }
        return fresh.map(({ id }) => id);
      }),
    arrange: (ids) =>
      inTurn(async () => {
        const places = ids.flatMap((id) => rows.get(id) ?? []);
        const draft = `${path}.${process.pid}.tmp`;
        try {
          const fresh = await open(draft, "w");
          try {
            await copyLines(file, fresh, places);
            await fresh.sync();
          } finally {
            await fresh.close();
          }
          await rename(draft, path);
          await syncFolder(dirname(path));
        } finally {
          await rm(draft, { force: true });
        }
        await file.close();
        ({ rows, end } = await scan(path, shown));
        file = await open(path, "a+");
      }),
    close: () =>
      inTurn(async () => {
        await file.close();
        await release();
      }),
  };
};
