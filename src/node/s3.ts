/** A bucket of an S3-compatible service, or what lies under a prefix of one, as stores, data sets and results ask it. */

import { open, readFile, stat } from "node:fs/promises";
import type { Bucket } from "../store/bucket.ts";
import { Refusal } from "./failure.ts";
import { askerOf, elementsOf, textOf, type S3Ask } from "./s3-request.ts";
import { addressOf, parseAddress } from "./s3-settings.ts";

export interface S3Stat {
  readonly size: number;
  readonly etag: string;
}

/** Keys are relative to the prefix of its address. Every function throws a Refusal where the service denies it or is away. */
export interface S3Bucket extends Bucket {
  /** Null where there is no such object. */
  readonly stat: (key: string) => Promise<S3Stat | null>;
  /** False, and nothing is written, where there is an object of that key. */
  readonly putIfAbsent: (key: string, value: Uint8Array) => Promise<boolean>;
  /** Of any size, in place of a former object, which stays until the last byte is there. */
  readonly putFile: (key: string, path: string) => Promise<void>;
  /** The bytes of an object in pieces, of the version that is there at first. @throws Refusal where there is none. */
  readonly pieces: (key: string) => AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

/** Bytes of a request, up or down: 10 000 parts of an upload are 160 GB. */
export const PIECE_BYTES = 16 * 2 ** 20;

/** What the service has to hold at a time. S3's own limit. */
const MOST_PARTS = 10_000;

const listed = async (ask: S3Ask, prefix: string, cursor: string | undefined) => {
  const { bytes } = await ask({
    method: "GET",
    key: "",
    query: {
      "list-type": "2",
      // Names may have characters that XML has not.
      "encoding-type": "url",
      prefix,
      ...(cursor === undefined ? {} : { "continuation-token": cursor }),
    },
  });
  const xml = new TextDecoder().decode(bytes);
  if (!/<ListBucketResult[\s>]/.test(xml))
    throw new Refusal("what was answered is no list of a bucket: AWS_ENDPOINT_URL names no S3-compatible service");
  const isEncoded = textOf(xml, "EncodingType") === "url";
  const objects = elementsOf(xml, "Contents").map((content) => {
    const key = textOf(content, "Key") ?? "";
    return { key: isEncoded ? decodeURIComponent(key.replaceAll("+", " ")) : key };
  });
  const next = textOf(xml, "NextContinuationToken");
  const truncated = textOf(xml, "IsTruncated") === "true";
  if (truncated && (next === undefined || next === cursor))
    throw new Refusal("a list of the bucket is cut off without saying how it goes on");
  return { objects, truncated, ...(truncated ? { cursor: next! } : {}) };
};

/** The parts of a file, in their order. */
async function* partsOf(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const length = Math.max(PIECE_BYTES, Math.ceil(size / MOST_PARTS));
    for (let at = 0; at < size; at += length) {
      const part = Buffer.alloc(Math.min(length, size - at));
      await file.read(part, 0, part.length, at);
      yield part;
    }
  } finally {
    await file.close();
  }
}

/** An upload in parts, which is there with its last request, or not at all. */
const putParts = async (ask: S3Ask, key: string, path: string): Promise<void> => {
  const begun = await ask({ method: "POST", key, query: { uploads: "" } });
  const uploadId = textOf(new TextDecoder().decode(begun.bytes), "UploadId") ?? "";
  try {
    const parts: string[] = [];
    for await (const body of partsOf(path)) {
      const partNumber = `${parts.length + 1}`;
      const { headers } = await ask({ method: "PUT", key, query: { partNumber, uploadId }, body });
      parts.push(`<Part><PartNumber>${partNumber}</PartNumber><ETag>${headers.get("etag")}</ETag></Part>`);
    }
    const body = new TextEncoder().encode(`<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`);
    const { bytes } = await ask({ method: "POST", key, query: { uploadId }, body });
    // The status is sent before the parts are joined.
    const answer = new TextDecoder().decode(bytes);
    if (textOf(answer, "ETag") === undefined)
      throw new Refusal(`${key}: was not put together: ${textOf(answer, "Message") ?? answer}`);
  } catch (cause) {
    await ask({ method: "DELETE", key, query: { uploadId } }).catch(() => undefined);
    throw cause;
  }
};

/**
 * @param address `s3://BUCKET/PREFIX`; the keys, the region and the service are those of the environment.
 * @throws UsageError for what is no address, Refusal for what the environment lacks.
 */
export const openBucket = (address: string, asker: (bucket: string) => S3Ask = askerOf): S3Bucket => {
  const { bucket, key: prefix } = parseAddress(address);
  const ask = asker(bucket);
  const full = (key: string): string => (prefix === "" ? key : `${prefix}/${key}`);
  const statOf: S3Bucket["stat"] = async (key) => {
    const { status, headers } = await ask({ method: "HEAD", key: full(key), expected: [404] });
    if (status === 404) return null;
    return { size: Number(headers.get("content-length")), etag: headers.get("etag") ?? "" };
  };
  const put = (key: string, body: Uint8Array, headers = {}, expected: readonly number[] = []) =>
    ask({ method: "PUT", key: full(key), body, headers, expected });
  const bytesOf = (value: string | Uint8Array): Uint8Array =>
    typeof value === "string" ? new TextEncoder().encode(value) : value;
  const get = async (key: string): Promise<Uint8Array<ArrayBuffer> | null> => {
    const { status, bytes } = await ask({ method: "GET", key: full(key), expected: [404] });
    return status === 404 ? null : bytes;
  };
  return {
    stat: statOf,
    get: async (key) => {
      const bytes = await get(key);
      return (
        bytes && {
          arrayBuffer: () => Promise.resolve(bytes.buffer),
          text: () => Promise.resolve(new TextDecoder().decode(bytes)),
        }
      );
    },
    put: (key, value) => put(key, bytesOf(value)),
    putIfAbsent: async (key, value) => {
      const { status } = await put(key, value, { "If-None-Match": "*" }, [412]);
      if (status < 300) return true;
      // The answer to an earlier attempt may have been lost.
      const there = await get(key);
      return there !== null && Buffer.compare(there, value) === 0;
    },
    putFile: async (key, path) => {
      const { size } = await stat(path);
      if (size > PIECE_BYTES) await putParts(ask, full(key), path);
      else await put(key, await readFile(path));
    },
    delete: async (key) => void (await ask({ method: "DELETE", key: full(key), expected: [404] })),
    list: async ({ prefix: wanted, cursor }) => {
      const page = await listed(ask, full(wanted), cursor);
      const start = full("").length;
      return { ...page, objects: page.objects.map(({ key }) => ({ key: key.slice(start) })) };
    },
    pieces: async function* (key) {
      const found = await statOf(key);
      if (!found) throw new Refusal(`${addressOf({ bucket, key: full(key) })}: no such object`);
      for (let at = 0; at < found.size; at += PIECE_BYTES) {
        const headers = { Range: `bytes=${at}-${Math.min(found.size, at + PIECE_BYTES) - 1}`, "If-Match": found.etag };
        const { status, bytes } = await ask({ method: "GET", key: full(key), headers });
        if (status !== 206) throw new Refusal(`${addressOf({ bucket, key: full(key) })}: the service reads no ranges`);
        yield bytes;
      }
    },
  };
};
