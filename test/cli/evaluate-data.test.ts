/** The pictures of a specification: which layout is taken, which part of it, what the values of its maps mean. */

import { mkdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { camvidClasses } from "../../src/datasets/camvid-classes.ts";
import { cityscapesClasses } from "../../src/datasets/cityscapes-classes.ts";
import { evaluationItems } from "../../src/cli/evaluate-data.ts";
import { readItem } from "../../src/evaluation/items.ts";
import { parseSpec, type GivenSpec } from "../../src/evaluation/spec.ts";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { itemSource } from "../../src/node/evaluation-items.ts";
import { tensorOf } from "../../src/tensor.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyManifest } from "../support/networks/tiny.ts";
import { temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
const picture = encodePng(noiseImage(2, 2, 1));
const mapOf = (values: readonly number[]) => encodeLabels(tensorOf("uint8", [2, 2], values), []);
/** An RGB picture of these colours. */
const painted = (colours: readonly (readonly [number, number, number])[]) =>
  encodePng(
    tensorOf(
      "float32",
      [3, 2, 2],
      [0, 1, 2].flatMap((c) => colours.map((colour) => colour[c]!)),
    ),
  );

for (const folder of ["voc", "voc/JPEGImages", "voc/SegmentationClass", "voc/ImageSets", "voc/ImageSets/Segmentation"])
  mkdirSync(path(folder));
for (const name of ["a", "b", "c"]) {
  put(`voc/JPEGImages/${name}.jpg`, picture);
  put(`voc/SegmentationClass/${name}.png`, mapOf([0, 20, 255, 3]));
}
put("voc/ImageSets/Segmentation/val.txt", "a\nb\nc\n");
put("voc/ImageSets/Segmentation/train.txt", "c\n");

mkdirSync(path("list"));
put("list/p.png", picture);
put("list/own.png", painted([0, 1, 2, 3].map((i) => [i, 2 * i, 255 - i])));
put("list/camvid.png", painted([...camvidClasses.slice(0, 3).map(({ color }) => color), [0, 0, 0]]));
put("list/own.csv", "image,labels\np.png,own.png\n");
put("list/camvid.csv", "image,labels\np.png,camvid.png\n");

for (const folder of ["pictures", "pictures/deep", "maps", "maps/deep"]) mkdirSync(path(folder));
for (const name of ["deep/b", "one"]) {
  put(`pictures/${name}.jpg`, picture);
  put(`maps/${name}.png`, mapOf([0, 20, 255, 3]));
}

for (const folder of ["plain", "plain/images", "plain/labels"]) mkdirSync(path(folder));
for (const name of ["a", "b"]) {
  put(`plain/images/${name}.png`, picture);
  put(`plain/labels/${name}.png`, mapOf([0, 20, 255, 3]));
}

const silent = { stdout: () => undefined, stderr: () => undefined };
const itemsOf = (data: GivenSpec["data"], classes: number, seed = 0) =>
  evaluationItems(parseSpec({ networks: ["a"], data, seed }), tinyManifest({ classes }), silent);

const labelsOf = async (found: Awaited<ReturnType<typeof itemsOf>>) => {
  const source = itemSource(found.roots, found.reading, found.streetSize);
  return Array.from((await readItem(found.items[0]!, source)).truth!.data);
};

describe("a data set", () => {
  it("is recognised, with its default split", async () => {
    const found = await itemsOf({ path: path("voc") }, 21);
    expect(found).toMatchObject({ kind: "voc", name: "Pascal VOC, val" });
    expect(found.items.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(await labelsOf(found)).toEqual([0, 20, 255, 3]);
  });

  it("has the split that is named, and as many pictures as are asked for, by the seed", async () => {
    const train = await itemsOf({ path: path("voc"), split: "train" }, 21);
    expect(train.items.map(({ name }) => name)).toEqual(["c"]);
    const drawn = await Promise.all([1, 2, 3, 4].map((seed) => itemsOf({ path: path("voc"), images: 2 }, 21, seed)));
    const names = drawn.map(({ items }) => items.map(({ name }) => name).join(""));
    expect(new Set(names).size).toBeGreaterThan(1);
    expect(names.every((text) => ["ab", "ac", "bc"].includes(text))).toBe(true);
  });

  it("whose labels the network lacks is refused, unless they are remapped", async () => {
    await expect(itemsOf({ path: path("voc") }, 4)).rejects.toThrow("the data has 1 fault");
    const remapped = await itemsOf({ path: path("voc"), remap: { 20: 1 } }, 4);
    expect(await labelsOf(remapped)).toEqual([0, 1, 255, 3]);
  });

  it("may be a list, whose colours are the network's or those of a palette", async () => {
    expect(await labelsOf(await itemsOf({ path: path("list/own.csv") }, 4))).toEqual([0, 1, 2, 3]);
    expect(await labelsOf(await itemsOf({ path: path("list/camvid.csv"), palette: "camvid" }, 11))).toEqual([
      0, 1, 2, 255,
    ]);
    await expect(itemsOf({ path: path("list/camvid.csv") }, 11)).rejects.toThrow("1 fault");
    await expect(itemsOf({ path: path("list/own.csv"), palette: "none" }, 4)).rejects.toThrow("--palette");
  });
});

it("of fewer pictures than are asked for is taken whole, and that is said", async () => {
  let told = "";
  const io = { stdout: () => undefined, stderr: (text: string) => void (told += text) };
  const spec = parseSpec({ networks: ["a"], data: { path: path("plain"), images: 99 } });
  expect((await evaluationItems(spec, tinyManifest({ classes: 21 }), io)).items).toHaveLength(2);
  expect(told).toContain("99 pictures are asked for");
  expect(told).toContain("has 2: all are taken");
});

describe("two folders", () => {
  it("anywhere are paired by the names of their files", async () => {
    const found = await itemsOf({ path: path("pictures"), labels: path("maps") }, 21);
    expect(found).toMatchObject({ kind: "folders", checked: { faults: [] } });
    expect(found.items.map(({ name }) => name)).toEqual(["deep/b", "one"]);
    expect(await labelsOf(found)).toEqual([0, 20, 255, 3]);
  });

  it("are no other data set, and no list", async () => {
    await expect(itemsOf({ path: path("voc"), labels: path("maps"), dataset: "voc" }, 21)).rejects.toThrow("--labels");
    await expect(itemsOf({ path: path("list/own.csv"), labels: path("maps") }, 4)).rejects.toThrow("--labels");
    await expect(itemsOf({ path: path("pictures"), labels: path("none") }, 4)).rejects.toThrow("no such folder");
  });
});

describe("streets", () => {
  it("are other scenes for another seed, of the size that is asked for", async () => {
    const size = { height: 24, width: 32 };
    const [first, second] = await Promise.all([0, 1].map((seed) => itemsOf({ images: 3, size }, 11, seed)));
    expect(first!.items.map(({ name }) => name)).toEqual(["street-3000000", "street-3000001", "street-3000002"]);
    expect(second!.items.map(({ name }) => name)).not.toContain("street-3000002");
    expect(first!.checked).toMatchObject({ faults: [], sizes: { width: [32, 32], height: [24, 24] } });
    const labels = await labelsOf(first!);
    expect(labels).toHaveLength(24 * 32);
    expect(labels.every((label) => label < 11 || label === 255)).toBe(true);
  });

  it("go with no folder, and with the classes of CamVid", async () => {
    await expect(itemsOf({ dataset: "streets", path: path("voc") }, 11)).rejects.toThrow("are drawn");
    await expect(itemsOf({}, cityscapesClasses.length)).rejects.toThrow("the network 19");
  });
});

it("a folder of pictures alone is told the remedy first, in no more than a problem's detail has", async () => {
  const told = await itemsOf({ path: path("pictures") }, 21).catch(({ message }: Error) => message);
  expect(told).toMatch(/pictures: no data set is recognised in it: --dataset pictures \(data\.dataset .*\) takes/);
  expect(told).toMatch(/ --dataset also takes voc, .*, list, and --split their part\. .* are paired$/);
  expect((told as string).replace(path(), "data").length).toBeLessThanOrEqual(400);
});

it.each([
  [{ dataset: "voc" as const }, "goes with --data"],
  [{ path: path("list") }, "no data set is recognised"],
  [{ path: path("voc"), split: "test" }, "the data has 1 fault"],
  [{ path: path("list"), dataset: "folders" as const }, "holds no pictures"],
  [{ path: path("plain"), split: "val" }, "it has no parts: leave --split away"],
  [{ path: path("plain"), split: "val", dataset: "folders" as const }, "it has no parts: leave --split away"],
  [{ path: path("list/own.csv"), split: "val" }, "--split goes with a data set in parts, not with a list"],
  [{ path: path("plain"), size: { height: 32, width: 32 } }, "--size goes with streets"],
])("what is not there is said: %j", async (data, told) => {
  await expect(itemsOf(data, 21)).rejects.toThrow(told);
});
