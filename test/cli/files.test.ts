/** Writing is all or nothing. */

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkFolder, writeFiles } from "../../src/node/files.ts";
import { storeFolder } from "../../src/cli/store.ts";
import { temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (...parts: readonly string[]): string => readFileSync(path(...parts), "utf8");

describe("writeFiles", () => {
  it("replaces files, and leaves nothing beside them", async () => {
    mkdirSync(path("written"));
    put("written/a", "old");
    await writeFiles([
      [path("written", "a"), bytes("new")],
      [path("written", "b"), bytes("more")],
    ]);
    expect([text("written", "a"), text("written", "b")]).toEqual(["new", "more"]);
    expect(readdirSync(path("written")).toSorted()).toEqual(["a", "b"]);
  });

  it("writes none where one cannot be written", async () => {
    mkdirSync(path("failed"));
    put("failed/a", "old");
    const files = [
      [path("failed", "a"), bytes("new")],
      [path("failed", "absent", "b"), bytes("more")],
    ] as const;
    await expect(writeFiles(files)).rejects.toMatchObject({ code: "ENOENT" });
    expect(text("failed", "a")).toBe("old");
    expect(readdirSync(path("failed"))).toEqual(["a"]);
  });
});

describe("storeFolder", () => {
  const stored = path("store", "net");

  it("makes the folder and those above it", async () => {
    await storeFolder(stored, { a: bytes("1"), b: bytes("2") }, false);
    expect(readdirSync(path("store"))).toEqual(["net"]);
    expect([text("store", "net", "a"), text("store", "net", "b")]).toEqual(["1", "2"]);
  });

  it("replaces files of that name only where it may, and keeps the others", async () => {
    await expect(storeFolder(stored, { a: bytes("3") }, false)).rejects.toThrow(/net: is there already/);
    mkdirSync(path("store", "net", "notes"));
    writeFileSync(path("store", "net", "notes", "c"), "4");
    await storeFolder(stored, { a: bytes("3") }, true);
    expect([text("store", "net", "a"), text("store", "net", "b"), text("store", "net", "notes", "c")]).toEqual([
      "3",
      "2",
      "4",
    ]);
    expect(readdirSync(path("store"))).toEqual(["net"]);
  });

  it("leaves what was there where it fails midway", async () => {
    const files = { a: bytes("5"), "absent/b": bytes("6") };
    await expect(storeFolder(stored, files, true)).rejects.toMatchObject({ code: "ENOENT" });
    expect([text("store", "net", "a"), text("store", "net", "b")]).toEqual(["3", "2"]);
    await expect(storeFolder(path("store", "other"), files, false)).rejects.toMatchObject({ code: "ENOENT" });
    expect(readdirSync(path("store"))).toEqual(["net"]);
  });
});

describe("checkFolder", () => {
  it("accepts what is a folder or could be made, and refuses what lies below a file", async () => {
    put("file", "x");
    await checkFolder(path("."));
    await checkFolder(path("a", "b", "c"));
    await expect(checkFolder(path("file"))).rejects.toThrow(/file: is not a folder/);
    await expect(checkFolder(path("file", "a"))).rejects.toMatchObject({ code: "ENOTDIR" });
  });
});
