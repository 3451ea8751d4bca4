import type * as FileSystem from "node:fs/promises";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import { folderUploads } from "../../src/store/folder.ts";
import { describeStore, entryOf } from "./suite.ts";

/** Bytes that the disk still takes. */
const disk = vi.hoisted(() => ({ left: Infinity }));
vi.mock("node:fs/promises", async (original) => {
  const actual = await original<typeof FileSystem>();
  const open: typeof actual.open = async (...args) => {
    const file = await actual.open(...args);
    const write = file.writeFile.bind(file);
    file.writeFile = async (content, options) => {
      const length = typeof content === "string" || content instanceof Uint8Array ? content.length : 0;
      if (length > disk.left)
        throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
      disk.left -= length;
      return write(content, options);
    };
    return file;
  };
  return { ...actual, open };
});

const root = mkdtempSync(join(tmpdir(), "faultline-uploads-"));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;
const fresh = (): string => join(root, String(made++), "deep");

describeStore("a folder", async () => folderUploads(fresh()));

it("leaves no drafts, and no folder of a network that is gone", async () => {
  const folder = fresh();
  const store = folderUploads(folder);
  await store.write(entryOf("mine"), Uint8Array.of(1));
  expect(readdirSync(join(folder, "mine")).toSorted()).toEqual(["a.onnx", "entry.json"]);
  await store.removeEntry("mine");
  await store.removeFile("mine", "a.onnx");
  expect(readdirSync(folder)).toEqual([]);
});

it("does not list what is no network", async () => {
  const folder = fresh();
  mkdirSync(join(folder, "empty"), { recursive: true });
  writeFileSync(join(folder, "notes.txt"), "");
  expect(await folderUploads(folder).list()).toEqual([]);
});

it("another network of that name may come while a former one's file is removed", async () => {
  const store = folderUploads(fresh());
  await store.write(entryOf("mine", "one.onnx"), Uint8Array.of(1));
  await store.write(entryOf("mine", "two.onnx"), Uint8Array.of(2));
  await store.removeFile("mine", "one.onnx");
  expect(await store.list()).toEqual(["mine"]);
});

it.each([0, 150])("of a disk that is full after %i bytes nothing is left, and a former network stays", async (left) => {
  const folder = fresh();
  const store = folderUploads(folder);
  disk.left = left;
  await expect(store.write(entryOf("mine"), new Uint8Array(100))).rejects.toThrow("ENOSPC");
  disk.left = Infinity;
  expect(readdirSync(folder)).toEqual([]);
  await store.write(entryOf("mine", "one.onnx"), new Uint8Array(100));
  disk.left = left;
  await expect(store.write(entryOf("mine", "two.onnx"), new Uint8Array(100))).rejects.toThrow("ENOSPC");
  disk.left = Infinity;
  expect(readdirSync(join(folder, "mine")).toSorted()).toEqual(["entry.json", "one.onnx"]);
  expect(await store.entry("mine")).toEqual(entryOf("mine", "one.onnx"));
});
