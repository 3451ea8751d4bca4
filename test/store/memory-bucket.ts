/** A bucket in memory; `pageSize` keys are listed at a time. */

import type { Bucket } from "../../src/store/bucket.ts";

export const memoryBucket = (pageSize = 1000) => {
  const objects = new Map<string, Uint8Array>();
  const bucket: Bucket = {
    get: async (key) => {
      const bytes = objects.get(key);
      if (!bytes) return null;
      return {
        arrayBuffer: async () => new Uint8Array(bytes).buffer,
        text: async () => new TextDecoder().decode(bytes),
      };
    },
    put: async (key, value) => {
      objects.set(key, typeof value === "string" ? new TextEncoder().encode(value) : value.slice());
    },
    delete: async (key) => void objects.delete(key),
    list: async ({ prefix, cursor = "0" }) => {
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
      const end = Number(cursor) + pageSize;
      const page = { objects: keys.slice(Number(cursor), end).map((key) => ({ key })) };
      return end < keys.length ? { ...page, truncated: true, cursor: String(end) } : { ...page, truncated: false };
    },
  };
  return { bucket, objects };
};
