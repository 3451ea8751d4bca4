import { expect, it } from "vitest";
import { bucketUploads, type Bucket } from "../../src/store/bucket.ts";
import { memoryBucket } from "./memory-bucket.ts";
import { describeStore, entryOf } from "./suite.ts";

describeStore("a bucket", async () => bucketUploads(memoryBucket().bucket));
describeStore("a bucket whose lists come in pages", async () => bucketUploads(memoryBucket(1).bucket));

it("an upload that breaks off leaves no entry", async () => {
  const { bucket, objects } = memoryBucket();
  const put: Bucket["put"] = (key, value) =>
    key.startsWith("manifests/") ? Promise.reject(new Error("gone")) : bucket.put(key, value);
  const store = bucketUploads({ ...bucket, put });
  await expect(store.write(entryOf("mine"), Uint8Array.of(1))).rejects.toThrow("gone");
  expect([await store.list(), [...objects.keys()]]).toEqual([[], ["networks/mine/a.onnx"]]);
});
