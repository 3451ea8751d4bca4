import { describe, expect, it } from "vitest";
import { RecentlyUsed } from "../../src/segmenter/recently-used.ts";

describe("RecentlyUsed", () => {
  const keys = (map: RecentlyUsed<number>): string[] => map.entries().map(([key]) => key);

  it("keeps as many as its limit, and drops the least recently used first", () => {
    const map = new RecentlyUsed<number>(2);
    map.set("a", 1);
    map.set("b", 2);
    expect(map.get("a")).toBe(1);
    map.set("c", 3);
    expect(map.entries()).toEqual([
      ["a", 1],
      ["c", 3],
    ]);
    expect(map.get("b")).toBeUndefined();
  });

  it("counts a replaced value as used, and looking for a key as no use", () => {
    const map = new RecentlyUsed<number>(2);
    map.set("a", 1);
    map.set("b", 2);
    expect(map.has("a")).toBe(true);
    expect(keys(map)).toEqual(["a", "b"]);
    map.set("a", 4);
    expect(keys(map)).toEqual(["b", "a"]);
  });

  it("has no limit unless one is given, and lets entries be deleted while they are walked over", () => {
    const map = new RecentlyUsed<number>();
    for (let i = 0; i < 100; i++) map.set(String(i), i);
    for (const [key, value] of map.entries()) if (value % 2 === 0) map.delete(key);
    expect(map.entries()).toHaveLength(50);
    map.clear();
    expect(map.entries()).toEqual([]);
  });

  it("deletes a value only where it is still the one under the key", () => {
    const map = new RecentlyUsed<number>();
    map.set("a", 1);
    map.delete("a", 2);
    expect(map.get("a")).toBe(1);
    map.delete("a", 1);
    expect(map.has("a")).toBe(false);
  });
});
