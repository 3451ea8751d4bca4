/** The rows of an evaluation in a bucket, while the command still puts objects of new ones there, merges these, and puts all in order at its end. */

import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { EvaluationFile } from "../../contract/evaluations.ts";
import { idOfLine } from "../../jobs/ledger.ts";
import { bytesAt } from "../../store/bucket.ts";
import { rowPartsOf } from "../ledger-bucket.ts";
import type { S3Bucket } from "../s3.ts";

const streamOf = (pieces: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> =>
  Readable.toWeb(Readable.from(pieces)) as ReadableStream<Uint8Array>;

/** An object that stays as it is; null where there is none. */
export const openObject = async (bucket: S3Bucket, key: string): Promise<EvaluationFile | null> => {
  const found = await bucket.stat(key);
  return found && { bytes: found.size, body: streamOf(bucket.pieces(key)) };
};

/** Bytes that are sent together. */
const BATCH = 2 ** 18;

/** The lines whose rows were not seen before. */
async function* freshIn(
  pieces: AsyncIterable<Uint8Array> | readonly Uint8Array[],
  seen: Set<string>,
): AsyncGenerator<Uint8Array> {
  let text = "";
  for await (const line of createInterface({ input: Readable.from(pieces), crlfDelay: Infinity })) {
    const id = idOfLine(line);
    if (id === null || seen.has(id)) continue;
    seen.add(id);
    text += `${line}\n`;
    if (text.length >= BATCH) {
      yield new TextEncoder().encode(text);
      text = "";
    }
  }
  if (text !== "") yield new TextEncoder().encode(text);
}

/** Each row once. Objects that are gone were merged, or put in order: their rows are found elsewhere. */
async function* allRows(bucket: S3Bucket, key: string): AsyncGenerator<Uint8Array> {
  const seen = new Set<string>();
  for (let isWhole = false; !isWhole;) {
    isWhole = true;
    const parts = await rowPartsOf(bucket, key);
    if (await bucket.stat(key)) yield* freshIn(bucket.pieces(key), seen);
    for (const part of parts) {
      const bytes = await bytesAt(bucket, part);
      if (bytes) yield* freshIn([bytes], seen);
      else isWhole = false;
    }
  }
}

/** The rows that there are: of a run that has put them in order, as they stand. */
export const openRows = async (bucket: S3Bucket, key: string): Promise<EvaluationFile> => {
  if ((await rowPartsOf(bucket, key)).length > 0) return { body: streamOf(allRows(bucket, key)) };
  return (await openObject(bucket, key)) ?? { bytes: 0, body: new Blob([]).stream() };
};
