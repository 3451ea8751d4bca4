/**
 * A ledger in a bucket, whose objects cannot be appended to: new rows are objects of their own under KEY.rows/, in the order of their numbers, and the rows
 * in order are KEY. Here they lie once more in a file, which knows what is there and puts them in order.
 */

import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lineOfRow, type Ledger } from "../jobs/ledger.ts";
import type { Row } from "../evaluation/row.ts";
import { bytesAt, keysUnder } from "../store/bucket.ts";
import { each, oneAtATime } from "../turns.ts";
import { objectAt } from "./bucket-files.ts";
import { Refusal } from "./failure.ts";
import { openLedger } from "./ledger-file.ts";
import type { S3Bucket } from "./s3.ts";
import { isInBucket } from "./s3-settings.ts";

/** Objects of new rows that are merged into one, so that a list of them stays short, and so much is held for it. */
const MERGED_OBJECTS = 500;
const MERGED_BYTES = 8 * 2 ** 20;

/** Objects that are read or removed at a time. */
export const TOGETHER = 8;

/** The beginning of the keys of new rows. */
const folderOf = (key: string): string => `${key}.rows/`;

const numbered = (key: string, number: number): string => `${folderOf(key)}${String(number).padStart(9, "0")}.jsonl`;

/** The keys of the objects of new rows, in their order. */
export const rowPartsOf = async (bucket: S3Bucket, key: string): Promise<string[]> => {
  const folder = folderOf(key);
  return (await keysUnder(bucket, folder)).map((name) => `${folder}${name}`).toSorted();
};

/** Copies the rows in order, and those that came later, into a file. @returns the keys of the latter. */
const fetched = async (bucket: S3Bucket, key: string, path: string): Promise<string[]> => {
  const file = await open(path, "w");
  try {
    if (await bucket.stat(key)) for await (const piece of bucket.pieces(key)) await file.appendFile(piece);
    const keys = await rowPartsOf(bucket, key);
    for (let at = 0; at < keys.length; at += TOGETHER) {
      const objects = await Promise.all(keys.slice(at, at + TOGETHER).map((name) => bytesAt(bucket, name)));
      for (const bytes of objects) {
        if (!bytes) throw new Refusal(`${key}: another process is writing it; end it, or name another place with -o`);
        await file.appendFile(bytes);
      }
    }
    return keys;
  } finally {
    await file.close();
  }
};

/** Rows that wait for their object, and who waits with them. */
interface Waiting {
  readonly rows: Row[];
  readonly kept: Promise<void>;
}

/**
 * Opens or creates it. Whoever else writes it at the same time is refused when both come to the same number.
 *
 * @throws Refusal where the object holds something else, and where the bucket cannot be read.
 */
const openBucketLedger = async (address: string): Promise<Ledger> => {
  const { bucket, key } = objectAt(address);
  const scratch = await mkdtemp(join(tmpdir(), "faultline-rows-"));
  const path = join(scratch, "rows.jsonl");
  const removed = (): Promise<void> => rm(scratch, { recursive: true, force: true });
  try {
    const keys = await fetched(bucket, key, path);
    const file = await openLedger(path, address);
    return ledgerOf({ bucket, key, path, address, keys, file, removed });
  } catch (cause) {
    await removed();
    throw cause;
  }
};

interface Parts {
  readonly bucket: S3Bucket;
  readonly key: string;
  readonly path: string;
  readonly address: string;
  /** Of objects of rows, in their order. */
  readonly keys: string[];
  readonly file: Ledger;
  readonly removed: () => Promise<void>;
}

const ledgerOf = ({ bucket, key, path, address, keys, file, removed }: Parts): Ledger => {
  const known = new Set(file.done());
  let next = keys.length === 0 ? 0 : Number(/(\d+)\.jsonl$/.exec(keys.at(-1)!)?.[1]) + 1;
  /** What this process has added since the last merge. */
  let recent: { readonly keys: string[]; readonly pieces: Uint8Array[]; bytes: number } = {
    keys: [],
    pieces: [],
    bytes: 0,
  };
  const put = async (bytes: Uint8Array): Promise<string> => {
    const own = numbered(key, next);
    if (!(await bucket.putIfAbsent(own, bytes)))
      throw new Refusal(
        `${address}: another process is writing it, and has put ${own} there; end it, or name another place with -o`,
      );
    next += 1;
    keys.push(own);
    return own;
  };
  const dropped = (some: readonly string[]): Promise<void> => each(some, TOGETHER, (key) => bucket.delete(key));
  /** The merged rows are there before the others go: rows that are there twice count once. */
  const merged = async (): Promise<void> => {
    const { keys: old, pieces } = recent;
    recent = { keys: [], pieces: [], bytes: 0 };
    await put(Buffer.concat(pieces));
    await dropped(old);
    for (const name of old) keys.splice(keys.indexOf(name), 1);
  };
  const kept = async (rows: readonly Row[]): Promise<void> => {
    const bytes = new TextEncoder().encode(rows.map((row) => `${lineOfRow(row)}\n`).join(""));
    recent.keys.push(await put(bytes));
    recent.pieces.push(bytes);
    recent.bytes += bytes.length;
    if (recent.keys.length >= MERGED_OBJECTS || recent.bytes >= MERGED_BYTES) await merged();
  };
  const inTurn = oneAtATime();
  let waiting: Waiting | null = null;
  /** Rows that come while an object is on its way are the next one together. */
  const together = (rows: readonly Row[]): Promise<void> => {
    if (waiting) {
      waiting.rows.push(...rows);
      return waiting.kept;
    }
    const all = [...rows];
    const own: Waiting = {
      rows: all,
      kept: inTurn(async () => {
        waiting = null;
        await kept(all);
      }),
    };
    waiting = own;
    return own.kept;
  };
  return {
    done: file.done,
    record: async (rows) => {
      const fresh = rows.filter(({ id }) => !known.has(id));
      if (fresh.length === 0) return [];
      await together(fresh);
      for (const { id } of fresh) known.add(id);
      return file.record(fresh);
    },
    arrange: (ids) =>
      inTurn(async () => {
        await file.arrange(ids);
        await bucket.putFile(key, path);
        await dropped(keys.splice(0));
        recent = { keys: [], pieces: [], bytes: 0 };
      }),
    close: () =>
      inTurn(async () => {
        await file.close();
        await removed();
      }),
  };
};

/** A ledger wherever it is. */
export const ledgerAt = (place: string): Promise<Ledger> =>
  isInBucket(place) ? openBucketLedger(place) : openLedger(place);
