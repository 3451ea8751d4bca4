import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { camvidClasses } from "../../src/datasets/camvid-classes.ts";
import { readCamvid } from "../../src/datasets/camvid.ts";

let folder = "";

const put = (path: string, text: string): Promise<void> => writeFile(join(folder, path), text);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "camvid-"));
  await Promise.all(["images", "labels"].map((part) => mkdir(join(folder, part))));
});

afterEach(() => rm(folder, { recursive: true }));

describe("readCamvid", () => {
  test("lists pairs by name, and reads a file when it is asked for", async () => {
    await Promise.all([
      put("images/b.jpg", "image b"),
      put("images/a.PNG", "image a"),
      put("images/notes.txt", "no image"),
      put("labels/a.png", "labels a"),
      put("labels/b.png", "labels b"),
      put("labels/c.png", "labels of no image"),
    ]);
    const items = await readCamvid(folder);
    expect(items.map(({ name }) => name)).toEqual(["a", "b"]);
    await put("labels/b.png", "changed since");
    const texts = await Promise.all([items[0]!.image(), items[0]!.labels(), items[1]!.image(), items[1]!.labels()]);
    expect(texts.map((bytes) => Buffer.from(bytes).toString())).toEqual([
      "image a",
      "labels a",
      "image b",
      "changed since",
    ]);
  });

  test("names an image without labels, a name used twice, and an absent folder", async () => {
    await put("images/a.png", "");
    await expect(readCamvid(folder)).rejects.toThrow("images/a.png has no labels/a.png");
    await put("labels/a.png", "");
    await put("images/a.jpg", "");
    await expect(readCamvid(folder)).rejects.toThrow("two images are named a");
    await expect(readCamvid(join(folder, "absent"))).rejects.toThrow(/ENOENT/);
  });
});

describe("camvidClasses", () => {
  test("are eleven, with names and colours of their own, none of them void's black", () => {
    expect(camvidClasses).toHaveLength(11);
    expect(new Set(camvidClasses.map(({ name }) => name)).size).toBe(11);
    expect(new Set(camvidClasses.map(({ color }) => color.join())).add("0,0,0").size).toBe(12);
    expect(camvidClasses.findIndex(({ name }) => name === "car")).toBe(8);
  });
});
