/** Rows from a Parquet file as `evaluate --format parquet` writes it: its columns as the fields of a row, not yet checked. */

import { open } from "node:fs/promises";
import type { AsyncBuffer } from "hyparquet";
import { Refusal } from "../node/failure.ts";
import { isInBucket } from "../node/s3-settings.ts";
import { reasonOf } from "../reason.ts";

type Columns = Readonly<Record<string, unknown>>;

const load = async () => {
  try {
    return await import("hyparquet");
  } catch (cause) {
    throw new Refusal("reading Parquet needs the optional package hyparquet; install it, or name a .jsonl file", {
      cause,
    });
  }
};

/** Integers are read as bigints; a row has none beyond 2^53. */
const plain = (value: unknown): unknown => {
  if (typeof value === "bigint") return Number(value);
  return Array.isArray(value) ? value.map(plain) : (value ?? undefined);
};

const jsonIn = (text: unknown): unknown => (typeof text === "string" ? (JSON.parse(text) as unknown) : undefined);

const countsIn = (columns: Columns, prefix: string) => {
  const of = (form: string) => ({
    truePositive: plain(columns[`${prefix}${form}_true_positive`]),
    reference: plain(columns[`${prefix}${form}_reference`]),
    predicted: plain(columns[`${prefix}${form}_predicted`]),
  });
  return { clean: of("clean"), float: of("float"), uint8: of("uint8") };
};

/** The inverse of the columns of `parquet.ts`. */
const rowIn = (columns: Columns): unknown => {
  const of = (name: string): unknown => plain(columns[name]);
  const signs = of("signs");
  return {
    schema: 2,
    id: of("id"),
    unit: {
      networkSha256: of("network_sha256"),
      source: of("source_sha256"),
      attack: jsonIn(columns["attack_options"]) ?? null,
      around: jsonIn(columns["around"]),
      sourceAround: jsonIn(columns["source_around"]),
      item: of("item"),
      seed: of("seed"),
      repeat: of("repeat"),
    },
    reference: of("reference"),
    counts: countsIn(columns, ""),
    small: of("small_clean_reference") === undefined ? undefined : countsIn(columns, "small_"),
    region: jsonIn(columns["region"]),
    distances: { l2: of("l2"), linf: of("linf") },
    success: of("success"),
    evaluations: { forward: of("forward"), backward: of("backward") },
    masking: { zeroGradientShare: of("zero_gradient_share"), confidence: of("confidence") },
    signs: typeof signs === "string" ? signs.split(" ") : undefined,
    receipt: {
      model: of("model"),
      source: of("source_model"),
      backend: of("backend"),
      onnxruntime: of("onnxruntime"),
      faultline: of("faultline"),
    },
  };
};

/** Rows that are held at a time. */
const GROUP = 2000;

/** The rows of the file, one after another. @throws Refusal where the file is no Parquet. */
export async function* rowsInParquet(path: string): AsyncGenerator {
  if (isInBucket(path)) throw new Refusal(`${path}: Parquet is read from disks alone; name the .jsonl file beside it`);
  const { parquetMetadataAsync, parquetReadObjects } = await load();
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const file: AsyncBuffer = {
      byteLength: size,
      slice: async (start, end = size) => {
        const from = start < 0 ? Math.max(0, size + start) : start;
        const bytes = new Uint8Array(Math.max(0, end - from));
        await handle.read(bytes, 0, bytes.length, from);
        return bytes.buffer;
      },
    };
    const metadata = await parquetMetadataAsync(file);
    for (let from = 0; from < Number(metadata.num_rows); from += GROUP) {
      const rowEnd = Math.min(from + GROUP, Number(metadata.num_rows));
      for (const columns of await parquetReadObjects({ file, metadata, rowStart: from, rowEnd })) yield rowIn(columns);
    }
  } catch (cause) {
    throw new Refusal(`${path}: cannot be read as Parquet: ${reasonOf(cause)}`, { cause });
  } finally {
    await handle.close();
  }
}
