import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { folderUploads } from "../../src/store/folder.ts";
import { describeStore, entryOf } from "./suite.ts";

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
