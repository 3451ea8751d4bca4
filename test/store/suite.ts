/** What every store of uploads must do. */

import { describe, expect, it } from "vitest";
import type { UploadEntry, UploadStore } from "../../src/networks/upload-store.ts";
import { fakeModel } from "../support/fake-service.ts";
import { tinyManifest } from "../support/networks/tiny.ts";

export const entryOf = (name: string, file = "a.onnx"): UploadEntry => ({
  manifest: { ...tinyManifest({ name }), file },
  info: { ...fakeModel, name },
  foundBy: "1",
});

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export const describeStore = (what: string, make: () => Promise<UploadStore>): void => {
  describe(`uploads in ${what}`, () => {
    it("is empty at first", async () => {
      const store = await make();
      expect(await store.list()).toEqual([]);
      expect(await store.entry("mine")).toBeNull();
      expect(await store.file("mine", "a.onnx")).toBeNull();
      await store.removeEntry("mine");
      await store.removeFile("mine", "a.onnx");
    });

    it("gives back what was written, byte by byte, under names in order", async () => {
      const store = await make();
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      for (const name of ["b", "a.json", "a", "c-1_2"]) await store.write(entryOf(name), all);
      expect(await store.list()).toEqual(["a", "a.json", "b", "c-1_2"]);
      expect(await store.entry("a.json")).toEqual(entryOf("a.json"));
      expect(new Uint8Array((await store.file("a", "a.onnx"))!)).toEqual(all);
    });

    it("replaces an entry; the former's file stays until it is removed", async () => {
      const store = await make();
      await store.write(entryOf("mine", "one.onnx"), bytesOf("one"));
      await store.write(entryOf("mine", "two.onnx"), bytesOf("two"));
      expect(await store.list()).toEqual(["mine"]);
      expect(await store.entry("mine")).toEqual(entryOf("mine", "two.onnx"));
      expect(new Uint8Array((await store.file("mine", "one.onnx"))!)).toEqual(bytesOf("one"));
      await store.removeFile("mine", "one.onnx");
      expect(await store.file("mine", "one.onnx")).toBeNull();
      expect(new Uint8Array((await store.file("mine", "two.onnx"))!)).toEqual(bytesOf("two"));
    });

    it("forgets a network without its neighbours", async () => {
      const store = await make();
      for (const name of ["mine", "mine2"]) await store.write(entryOf(name), bytesOf(name));
      await store.removeEntry("mine");
      expect([await store.list(), await store.entry("mine")]).toEqual([["mine2"], null]);
      await store.removeFile("mine", "a.onnx");
      expect(await store.file("mine", "a.onnx")).toBeNull();
      expect(await store.file("mine2", "a.onnx")).not.toBeNull();
    });

    it("shows no entry without its file, whoever looks while it is written", async () => {
      const store = await make();
      const written = new AbortController();
      const seen = { whole: 0, torn: 0 };
      const look = async (): Promise<void> => {
        while (!written.signal.aborted) {
          const listed = (await store.list()).includes("mine");
          const entry = (await store.entry("mine")) as UploadEntry | null;
          const file = entry && (await store.file("mine", entry.manifest.file));
          seen.torn += Number(listed && !entry) + Number(entry !== null && !file);
          seen.whole += Number(file !== null);
          await new Promise((resolve) => setTimeout(resolve, 0));
        }
      };
      const watching = look();
      for (let i = 0; i < 20; i++) {
        await store.write(entryOf("mine", `${i}.onnx`), new Uint8Array(100_000).fill(i));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      written.abort();
      await watching;
      expect(seen).toEqual({ whole: expect.any(Number), torn: 0 });
      expect(seen.whole).toBeGreaterThan(0);
    });
  });
};
