/** Each layout against a folder in memory that is as the data set is distributed: what it lists, and what it finds wrong. */

import { describe, expect, it } from "vitest";
import { layoutNames, layoutOf, recognised, type LayoutName } from "../../src/datasets/catalogue.ts";
import { chosen } from "../../src/datasets/choose.ts";
import { tableOf } from "../../src/datasets/coding.ts";
import { cocoStuffNames } from "../../src/datasets/coco-stuff-classes.ts";
import type { Files, Listing } from "../../src/datasets/dataset.ts";
import { cityscapesClasses } from "../../src/datasets/cityscapes-classes.ts";

type Contents = Readonly<Record<string, string>>;

const filesOf = (contents: Contents): Files => ({
  list: () => Promise.resolve(Object.keys(contents).toSorted()),
  read: (path) => Promise.resolve(new TextEncoder().encode(contents[path])),
});

const listing = async (name: LayoutName, contents: Contents, split: string): Promise<Listing> => {
  const files = filesOf(contents);
  return layoutOf(name).pairs({ files, paths: await files.list(), split });
};

const empty = (...paths: readonly string[]): Contents => Object.fromEntries(paths.map((path) => [path, ""]));

interface Case {
  readonly layout: LayoutName;
  readonly split: string;
  readonly contents: Contents;
  /** Name, image and labels of each pair; without labels where the layout has none. */
  readonly pairs: readonly (readonly [string, string, string?])[];
  /** A path that, taken away, is a fault which names it; absent where no picture needs another file. */
  readonly missing?: string;
  /** Values of files and the labels that they become. */
  readonly labels: Readonly<Record<number, number>>;
  readonly recognised?: false;
}

const cases: readonly Case[] = [
  {
    layout: "voc",
    split: "val",
    contents: {
      ...empty("JPEGImages/b.jpg", "JPEGImages/a.jpg", "JPEGImages/c.jpg"),
      ...empty("SegmentationClass/a.png", "SegmentationClass/b.png"),
      "ImageSets/Segmentation/val.txt": "b\r\na\n",
    },
    pairs: [
      ["a", "JPEGImages/a.jpg", "SegmentationClass/a.png"],
      ["b", "JPEGImages/b.jpg", "SegmentationClass/b.png"],
    ],
    missing: "SegmentationClass/b.png",
    labels: { 0: 0, 20: 20, 255: 255 },
  },
  {
    layout: "cityscapes",
    split: "val",
    contents: empty(
      "leftImg8bit/val/ulm/ulm_000001_000019_leftImg8bit.png",
      "leftImg8bit/train/bonn/bonn_000002_000019_leftImg8bit.png",
      "gtFine/val/ulm/ulm_000001_000019_gtFine_labelIds.png",
      "gtFine/val/ulm/ulm_000001_000019_gtFine_instanceIds.png",
      "gtFine/val/ulm/ulm_000001_000019_gtFine_color.png",
    ),
    pairs: [
      [
        "ulm_000001_000019",
        "leftImg8bit/val/ulm/ulm_000001_000019_leftImg8bit.png",
        "gtFine/val/ulm/ulm_000001_000019_gtFine_labelIds.png",
      ],
    ],
    missing: "gtFine/val/ulm/ulm_000001_000019_gtFine_labelIds.png",
    labels: { 0: 255, 7: 0, 8: 1, 9: 255, 26: 13, 33: 18, 255: 255 },
  },
  {
    layout: "cityscapes-train-ids",
    split: "val",
    contents: empty("leftImg8bit/val/ulm/ulm_1_leftImg8bit.png", "gtFine/val/ulm/ulm_1_gtFine_labelTrainIds.png"),
    pairs: [["ulm_1", "leftImg8bit/val/ulm/ulm_1_leftImg8bit.png", "gtFine/val/ulm/ulm_1_gtFine_labelTrainIds.png"]],
    missing: "gtFine/val/ulm/ulm_1_gtFine_labelTrainIds.png",
    labels: { 0: 0, 18: 18, 255: 255 },
  },
  {
    layout: "camvid",
    split: "test",
    contents: empty("test/0001.png", "testannot/0001.png", "train/0002.png", "trainannot/0002.png"),
    pairs: [["0001", "test/0001.png", "testannot/0001.png"]],
    missing: "testannot/0001.png",
    labels: { 0: 0, 10: 10, 11: 255, 255: 255 },
  },
  {
    layout: "camvid-11",
    split: "",
    contents: empty("701_StillsRaw_full/0016E5_00390.png", "LabeledApproved_full/0016E5_00390_L.png"),
    pairs: [["0016E5_00390", "701_StillsRaw_full/0016E5_00390.png", "LabeledApproved_full/0016E5_00390_L.png"]],
    missing: "LabeledApproved_full/0016E5_00390_L.png",
    labels: { 0: 9, 21: 0, 22: 8, 30: 255, 31: 1 },
  },
  {
    layout: "camvid-32",
    split: "",
    contents: empty("701_StillsRaw_full/a.png", "LabeledApproved_full/a_L.png"),
    pairs: [["a", "701_StillsRaw_full/a.png", "LabeledApproved_full/a_L.png"]],
    missing: "LabeledApproved_full/a_L.png",
    labels: { 0: 0, 30: 255, 31: 31 },
    recognised: false, // The folder is the one of camvid-11, which comes first.
  },
  {
    layout: "ade20k",
    split: "validation",
    contents: empty("images/validation/ADE_val_1.jpg", "annotations/validation/ADE_val_1.png"),
    pairs: [["ADE_val_1", "images/validation/ADE_val_1.jpg", "annotations/validation/ADE_val_1.png"]],
    missing: "annotations/validation/ADE_val_1.png",
    labels: { 0: 255, 1: 0, 150: 149, 151: 255 },
  },
  {
    layout: "coco-stuff",
    split: "val2017",
    contents: empty(
      "images/val2017/000139.jpg",
      "stuffthingmaps/val2017/000139.png",
      "stuffthingmaps/val2017/000139_labelTrainIds.png",
    ),
    pairs: [["000139", "images/val2017/000139.jpg", "stuffthingmaps/val2017/000139.png"]],
    missing: "stuffthingmaps/val2017/000139.png",
    labels: { 0: 0, 10: 10, 11: 255, 12: 11, 181: 170, 255: 255 },
  },
  {
    layout: "folders",
    split: "test",
    contents: empty("test/images/b/x.jpeg", "test/images/a.webp", "test/labels/a.png", "test/labels/b/x.png"),
    pairs: [
      ["a", "test/images/a.webp", "test/labels/a.png"],
      ["b/x", "test/images/b/x.jpeg", "test/labels/b/x.png"],
    ],
    missing: "test/labels/b/x.png",
    labels: { 0: 0, 254: 254, 255: 255 },
  },
  {
    layout: "list",
    split: "list.csv",
    contents: {
      ...empty("p/1.png", "q/1.png", "q/2.png"),
      "list.csv": 'image,labels,name\n"p/1.png",q/1.png,\np/1.png,q/2.png,again\n',
    },
    pairs: [
      ["1", "p/1.png", "q/1.png"],
      ["again", "p/1.png", "q/2.png"],
    ],
    missing: "q/2.png",
    labels: { 0: 0, 255: 255 },
    recognised: false,
  },
  {
    layout: "pictures",
    split: "",
    contents: empty(
      "images/b/x.jpeg",
      "images/a.webp",
      "images/c.NPY",
      "labels/a.png",
      "other.png",
      "images/readme.txt",
    ),
    pairs: [
      ["a", "images/a.webp"],
      ["b/x", "images/b/x.jpeg"],
      ["c", "images/c.NPY"],
    ],
    labels: {},
    recognised: false,
  },
];

it("every layout has a case", () => {
  expect(cases.map(({ layout }) => layout)).toEqual(layoutNames);
});

describe.each(cases)("$layout", ({ layout, split, contents, pairs, missing, labels }) => {
  it("lists its pairs", async () => {
    const expected = pairs.map(([name, image, map]) => ({ name, image, ...(map !== undefined && { labels: map }) }));
    expect(await listing(layout, contents, split)).toEqual({ pairs: expected, faults: [] });
  });

  it.skipIf(missing === undefined)("names what is missing, and lists the rest", async () => {
    const { [missing!]: _, ...rest } = contents;
    const found = await listing(layout, rest, split);
    expect(found.faults.join("\n")).toContain(missing!);
    expect(found.faults).toHaveLength(1);
    expect(found.pairs).toHaveLength(pairs.length - 1);
  });

  it("maps values to labels", () => {
    const table = tableOf(layoutOf(layout).coding?.values);
    expect(Object.fromEntries(Object.keys(labels).map((value) => [value, table[Number(value)]]))).toEqual(labels);
  });
});

it.each(cases.filter(({ recognised: known }) => known !== false))("$layout is recognised by its folders", (one) => {
  expect(recognised(Object.keys(one.contents), one.split)).toBe(one.layout);
});

it("nothing is recognised in a folder of other files", () => {
  expect(recognised(["readme.txt", "data/1.png"], "data")).toBeNull();
});

it.each(layoutNames.filter((name) => layoutOf(name).coding?.values && name !== "camvid"))(
  "the values of %s reach every class but those that are void, and none beyond",
  (name) => {
    const { classes, coding } = layoutOf(name);
    const reached = new Set(tableOf(coding?.values).slice(0, coding?.palette?.length ?? 256));
    reached.delete(255);
    const voids = name === "camvid-32" ? [30] : [];
    const expected = Array.from({ length: classes! }, (_, c) => c).filter((c) => !voids.includes(c));
    expect([...reached].toSorted((a, b) => a - b)).toEqual(expected);
  },
);

describe("pictures alone", () => {
  it("may lie anywhere in the folder, or in that of a split", async () => {
    const contents = empty("a.png", "deep/b.npy", "val/c.jpg", "val/labels.txt", "test/images/d.png", "test/e.png");
    const namesOf = async (split: string) => (await listing("pictures", contents, split)).pairs.map(({ name }) => name);
    expect(await namesOf("")).toEqual(["a", "deep/b", "test/e", "test/images/d", "val/c"]);
    expect(await namesOf("val")).toEqual(["c"]);
    expect(await namesOf("test")).toEqual(["d"]);
    expect(await namesOf("train")).toEqual([]);
  });

  it("of one name are a fault", async () => {
    const { pairs, faults } = await listing("pictures", empty("a.jpg", "a.png"), "");
    expect(pairs).toEqual([{ name: "a", image: "a.jpg" }]);
    expect(faults).toEqual(["a.png: has the name a, as a.jpg has"]);
  });
});

it("two folders may have arrays as pictures, and no arrays as label maps", async () => {
  const { pairs, faults } = await listing(
    "folders",
    empty("images/a.npy", "images/b.npy", "labels/a.png", "labels/b.npy"),
    "",
  );
  expect(pairs).toEqual([{ name: "a", image: "images/a.npy", labels: "labels/a.png" }]);
  expect(faults).toEqual(["images/b.npy: has no label map labels/b.png"]);
});

describe("a list", () => {
  const contents = empty("1.png", "m.png");
  it.each([
    ["l.json", '[{"image":"1.png","labels":"m.png"}]'],
    ["l.jsonl", '{"image":"1.png","labels":"m.png"}\n'],
  ])("may be %s", async (path, text) => {
    expect((await listing("list", { ...contents, [path]: text }, path)).pairs).toEqual([
      { name: "1", image: "1.png", labels: "m.png" },
    ]);
  });

  it.each([
    ["l.json", "[{", "l.json"],
    ["l.csv", 'image,labels\n"1.png', "l.csv"],
    ["l.csv", "picture,map\n1.png,m.png\n", "entry 1"],
    ["l.csv", "image,labels\n1.png,m.png\n1.png,m.png\n", "twice"],
    ["l.json", "[null]", "entry 1"],
  ])("that is wrong is a fault: %s %s", async (path, text, told) => {
    const { faults } = await listing("list", { ...contents, [path]: text }, path);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(told);
  });
});

it("VOC without its list says which file is expected", async () => {
  const { faults } = await listing("voc", empty("JPEGImages/a.jpg"), "trainval");
  expect(faults[0]).toContain("ImageSets/Segmentation/trainval.txt");
});

it("two pictures of one name are a fault", async () => {
  const { faults } = await listing("folders", empty("images/a.png", "images/a.jpg", "labels/a.png"), "");
  expect(faults).toEqual(["images/a.png: has the name a, as images/a.jpg has"]);
});

it("classes are as many as the tables of names", () => {
  expect(layoutOf("coco-stuff").classes).toBe(cocoStuffNames.length);
  expect(layoutOf("cityscapes").classes).toBe(cityscapesClasses.length);
});

describe("a chosen part", () => {
  const items = Array.from({ length: 20 }, (_, i) => i);
  it("is of the wanted size, in order, the same for the same seed", () => {
    for (const count of [0, 1, 7, 20, 30]) {
      const part = chosen(items, count, 5);
      expect(part).toHaveLength(Math.min(count, 20));
      expect(part).toEqual([...part].toSorted((a, b) => a - b));
      expect(chosen(items, count, 5)).toEqual(part);
    }
    expect(chosen(items, 7, 5)).not.toEqual(chosen(items, 7, 6));
  });

  it("takes each item about as often", () => {
    const counts = items.map(() => 0);
    for (let seed = 0; seed < 2000; seed++) for (const i of chosen(items, 5, seed)) counts[i]! += 1;
    // 500 expected, with a standard deviation of 19.
    for (const count of counts) expect(Math.abs(count - 500)).toBeLessThan(100);
  });
});
