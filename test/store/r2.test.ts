import { expect, it } from "vitest";
import { r2Uploads, type Bucket } from "../../src/store/r2.ts";
import { memoryBucket } from "./memory-bucket.ts";
import { describeStore, entryOf } from "./suite.ts";

describeStore("a bucket", async () => r2Uploads(memoryBucket().bucket));
describeStore("a bucket whose lists come in pages", async () => r2Uploads(memoryBucket(1).bucket));

it("an upload that breaks off leaves no entry", async () => {
  const { bucket, objects } = memoryBucket();
  const put: Bucket["put"] = (key, value) =>
    key.startsWith("manifests/") ? Promise.reject(new Error("gone")) : bucket.put(key, value);
  const store = r2Uploads({ ...bucket, put });
  await expect(store.write(entryOf("mine"), Uint8Array.of(1))).rejects.toThrow("gone");
  expect([await store.list(), [...objects.keys()]]).toEqual([[], ["networks/mine/a.onnx"]]);
});
