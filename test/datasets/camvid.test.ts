import { describe, expect, test } from "vitest";
import { camvid32Labels } from "../../src/datasets/camvid-32-classes.ts";
import { camvidClasses } from "../../src/datasets/camvid-classes.ts";

describe("camvidClasses", () => {
  test("are eleven, with names and colours of their own, none of them void's black", () => {
    expect(camvidClasses).toHaveLength(11);
    expect(new Set(camvidClasses.map(({ name }) => name)).size).toBe(11);
    expect(new Set(camvidClasses.map(({ color }) => color.join())).add("0,0,0").size).toBe(12);
    expect(camvidClasses.findIndex(({ name }) => name === "car")).toBe(8);
  });
});

describe("camvid32Labels", () => {
  test("are 32 with colours of their own, in the order of their names, and fall into all of the 11 classes", () => {
    const names = camvid32Labels.map(([name]) => name.toLowerCase());
    expect(names).toEqual(names.toSorted());
    expect(new Set(camvid32Labels.map(([, color]) => color.join())).size).toBe(32);
    const groups = camvid32Labels.flatMap(([, , group]) => group ?? []);
    expect(new Set(groups)).toEqual(new Set(camvidClasses.keys()));
  });

  test("agree with the 11 classes where a class keeps its name", () => {
    const named = camvid32Labels.flatMap(([name, color, group]) => {
      const same = camvidClasses.findIndex((one) => one.name === name.toLowerCase());
      return same === -1 ? [] : [{ found: [group, color], expected: [same, camvidClasses[same]!.color] }];
    });
    expect(named.map(({ found }) => found)).toEqual(named.map(({ expected }) => expected));
    expect(named.length).toBeGreaterThan(6);
  });
});
