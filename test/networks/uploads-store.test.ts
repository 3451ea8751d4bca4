/** The store of networks that came by request: what it is asked for, what it keeps, and its faults. */

import { describe, expect, it } from "vitest";
import type { UploadEntry } from "../../src/networks/upload-store.ts";
import type { Bucket } from "../../src/store/bucket.ts";
import { memoryBucket } from "../store/memory-bucket.ts";
import { failureOf, imagePng, serviceOf } from "../service/tiny-service.ts";
import { fileOf, mine, segmented, serviceWith, upload } from "./upload-service.ts";

describe("a store that is full", () => {
  it.each(["ENOSPC", "EDQUOT"])("is said to be so (%s); other faults are passed on", async (code) => {
    const { bucket } = memoryBucket();
    const put = () => Promise.reject(Object.assign(new Error(code), { code }));
    expect(await failureOf(upload(serviceWith({ ...bucket, put }), mine))).toEqual({ kind: "storage-full" });
    const broken = () => Promise.reject(new Error("EIO"));
    await expect(upload(serviceWith({ ...bucket, put: broken }), mine)).rejects.toThrow("EIO");
  });
});

describe("a store", () => {
  it("is never asked for what is no name", async () => {
    const asked: string[] = [];
    const { bucket } = memoryBucket();
    const get: Bucket["get"] = (key) => {
      asked.push(key);
      return bucket.get(key);
    };
    const service = serviceWith({ ...bucket, get });
    for (const name of ["../secret", "a/b", "", ".hidden", "a".repeat(65), "Ä"])
      expect(await failureOf(service.segment({ model: name, image: imagePng }))).toMatchObject({
        kind: "unknown-model",
      });
    expect(asked).toEqual([]);
  });

  it("whose entry is damaged, or whose file is gone or another, makes that model unavailable, and it can be removed", async () => {
    const damages: ((objects: Map<string, Uint8Array>, key: (start: string) => string) => void)[] = [
      (objects, key) => objects.set(key("manifests"), new TextEncoder().encode("{}")),
      (objects, key) => objects.set(key("manifests"), new TextEncoder().encode("{")),
      (objects, key) => objects.delete(key("networks")),
      (objects, key) => objects.set(key("networks"), fileOf({ seed: 9 }).bytes),
    ];
    for (const damage of damages) {
      const { bucket, objects } = memoryBucket();
      const service = serviceWith(bucket);
      await upload(service, mine);
      damage(objects, (start) => [...objects.keys()].find((key) => key.startsWith(start))!);
      expect(await failureOf(segmented(service))).toMatchObject({ kind: "model-unavailable", model: "mine" });
      expect((await service.models())[0]?.name).toBe("tiny");
      await segmented(service, "tiny");
      await service.uploads!.remove("mine");
      expect(await failureOf(segmented(service))).toMatchObject({ kind: "unknown-model" });
    }
  });

  it("whose network is replaced between two looks at it gives the new one", async () => {
    const { bucket } = memoryBucket();
    const [writer, better] = [serviceWith(bucket), fileOf({ seed: 3 })];
    await upload(writer, mine);
    let replaced = 0;
    const get: Bucket["get"] = async (key) => {
      if (key.startsWith("networks") && replaced++ === 0) await upload(writer, better, true);
      return bucket.get(key);
    };
    expect(await segmented(serviceWith({ ...bucket, get }))).toEqual(await segmented(serviceOf([better]), "mine"));
    expect(replaced).toBe(2);
  });

  it("keeps the entry as it is documented", async () => {
    const { bucket, objects } = memoryBucket();
    await upload(serviceWith(bucket), mine);
    const [fileKey, entryKey] = [...objects.keys()];
    const entry = JSON.parse(new TextDecoder().decode(objects.get(entryKey!))) as UploadEntry;
    expect(entryKey).toBe("manifests/mine.json");
    expect(fileKey).toBe(`networks/mine/${entry.manifest.file}`);
    expect(entry.manifest.file.startsWith(mine.manifest.sha256)).toBe(true);
    expect(objects.get(fileKey!)).toEqual(mine.bytes);
  });
});
