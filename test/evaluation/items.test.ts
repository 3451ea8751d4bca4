/** Pictures and label maps: what is read of them, and which faults are found before any work. */

import { describe, expect, it } from "vitest";
import type { Files } from "../../src/datasets/dataset.ts";
import { sha256Of } from "../../src/digest.ts";
import { checkItems } from "../../src/evaluation/check-items.ts";
import { readItem, type Item, type ItemSource, type LabelReading } from "../../src/evaluation/items.ts";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { tensorOf } from "../../src/tensor.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";

const colours = [
  [10, 0, 0],
  [0, 10, 0],
  [0, 0, 10],
  [10, 10, 0],
] as const;

/** A map whose colours say the classes. */
const coloured = (values: readonly number[], height: number, width: number): Uint8Array => {
  const planes = [0, 1, 2].flatMap((c) => values.map((v) => (v === 255 ? 0 : colours[v]![c]!)));
  return encodePng(tensorOf("float32", [3, height, width], planes));
};

const contents: Readonly<Record<string, Uint8Array>> = {
  "a.png": encodePng(noiseImage(6, 8, 1)),
  "a-labels.png": encodeLabels(noiseLabels(6, 8, 4, 2, true), []),
  "b.png": encodePng(noiseImage(4, 6, 3)),
  "b-labels.png": encodeLabels(noiseLabels(4, 5, 4, 4), []),
  "c.png": new TextEncoder().encode("no picture at all"),
  "c-labels.png": encodeLabels(tensorOf("uint8", [2, 2], [0, 7, 7, 9]), []),
  "d.png": encodePng(noiseImage(2, 2, 5)),
  "d-labels.png": encodeLabels(tensorOf("uint8", [2, 2], [0, 1, 7, 255]), []),
  "e-labels.png": coloured([0, 1, 2, 3, 255, 0], 2, 3),
  "e.png": encodePng(noiseImage(2, 3, 6)),
  "cut.png": encodePng(noiseImage(6, 8, 1)).slice(0, -40),
  "cut-labels.png": encodeLabels(noiseLabels(6, 8, 4, 2, true), []),
  "void.png": encodePng(tensorOf("float32", [4, 1, 2], [9, 9, 9, 9, 9, 9, 255, 254])),
  "void-labels.png": encodeLabels(tensorOf("uint8", [1, 2], [255, 255]), []),
};

const files: Files = {
  list: () => Promise.resolve(Object.keys(contents)),
  read: (path) => (contents[path] ? Promise.resolve(contents[path]) : Promise.reject(new Error("no such file"))),
};

const source = (reading: LabelReading = {}): ItemSource => ({
  files,
  reading,
  draw: () => Promise.reject(new Error("nothing is drawn here")),
});

const pair = (name: string): Item => ({ name, image: `${name}.png`, labels: `${name}-labels.png` });
const options = { classes: 4, size: { height: 1, width: 1 } };

describe("an item", () => {
  it("is its picture and its labels", async () => {
    const { image, truth } = await readItem(pair("a"), source());
    expect(image).toEqual(noiseImage(6, 8, 1));
    expect(truth).toEqual(noiseLabels(6, 8, 4, 2, true));
  });

  it("may be a picture alone", async () => {
    const alone = { name: "a", image: "a.png" };
    expect(await readItem(alone, source())).toEqual({ image: noiseImage(6, 8, 1), truth: undefined });
    const { items } = await checkItems([alone], source(), options);
    const changed = { ...source(), files: { ...files, read: () => Promise.resolve(contents["d.png"]!) } };
    await expect(readItem(items[0]!, changed)).rejects.toThrow("a.png: it is not the file that was checked");
  });

  it("is refused where a file is not the one that was checked", async () => {
    const { items } = await checkItems([pair("a")], source(), options);
    expect((await readItem(items[0]!, source())).image).toEqual(noiseImage(6, 8, 1));
    const changed = { ...source(), files: { ...files, read: () => Promise.resolve(contents["d-labels.png"]!) } };
    await expect(readItem(items[0]!, changed)).rejects.toThrow("is not the file that was checked");
  });

  it("has labels by colours, then by values, then remapped", async () => {
    const reading = { palette: colours, values: { 0: 2, 3: 255 }, remap: { 1: 0 } };
    expect(Array.from((await readItem(pair("e"), source(reading))).truth!.data)).toEqual([2, 0, 2, 255, 255, 2]);
  });
});

describe("the check", () => {
  it("finds nothing wrong with what is right, and says how large it is", async () => {
    const checked = await checkItems([pair("a"), pair("e")], source({ palette: colours }), options);
    expect(checked).toMatchObject({
      faults: [],
      sizes: { width: [3, 8], height: [2, 6] },
      largest: { height: 6, width: 8 },
    });
  });

  it("decodes each picture, so that one that is cut short is found before any work", async () => {
    const { faults } = await checkItems([pair("cut"), pair("a")], source(), options);
    expect(faults).toEqual([expect.stringMatching(/^cut\.png: .*PNG/)]);
  });

  it("takes pictures alone, whose digests are those of their files", async () => {
    const alone = ["a", "d"].map((name) => ({ name, image: `${name}.png` }));
    const checked = await checkItems(alone, source(), options);
    expect(checked).toMatchObject({ faults: [], sizes: { width: [2, 8], height: [2, 6] } });
    expect(checked.items).toEqual([
      { ...alone[0], digest: await sha256Of(contents["a.png"]!) },
      { ...alone[1], digest: await sha256Of(contents["d.png"]!) },
    ]);
    const { faults } = await checkItems([{ name: "c", image: "c.png" }, ...alone], source(), { ...options, planes: 4 });
    expect(faults).toEqual([
      expect.stringMatching(/^c\.png: /),
      "a.png: a picture of 3 channels, where the network takes 4",
      "d.png: a picture of 3 channels, where the network takes 4",
    ]);
  });

  it("warns of label maps that are all void, of pixels that are not opaque, and of pictures of a few pixels", async () => {
    const { faults, warnings } = await checkItems([pair("a"), pair("void")], source(), options);
    expect(faults).toEqual([]);
    expect(warnings).toEqual([
      "1 of 2 pictures (void) have label maps that are void (255) everywhere: no score counts them",
      "1 of 2 pictures (void) have pixels that are not opaque, which are put on black",
      expect.stringMatching(/^2 of 2 pictures \(a, …\) have a side of fewer than 32 pixels/),
    ]);
    const { faults: all } = await checkItems([pair("void")], source(), options);
    expect(all).toEqual(["every label map is void (255) everywhere: nothing can be scored"]);
    const four = await checkItems([pair("void")], source(), { ...options, planes: 4 });
    expect(four.warnings).toHaveLength(2);
  });

  it("finds every fault at once", async () => {
    const { faults } = await checkItems(["a", "b", "c", "d", "x"].map(pair), source(), options);
    expect(faults.map((fault) => fault.split(":")[0])).toEqual([
      "b-labels.png",
      "c.png",
      "x.png",
      "x-labels.png",
      "the label maps hold 7 (1 pixels in 1 maps), which are no classes of the networks (0 to 3); --remap 7",
    ]);
    expect(faults[0]).toContain("5×4");
    expect(faults[0]).toContain("6×4");
    expect(faults[2]).toContain("cannot be read");
  });

  it("is satisfied by the remapping that it names", async () => {
    expect((await checkItems([pair("d")], source(), options)).faults[0]).toContain("--remap 7:255");
    expect((await checkItems([pair("d")], source({ remap: { 7: 255 } }), options)).faults).toEqual([]);
  });

  it("has a digest that depends on every file", async () => {
    const digest = async (items: readonly Item[]) => (await checkItems(items, source(), options)).digest;
    const [a, again, d] = await Promise.all([[pair("a")], [pair("a")], [pair("d")]].map(digest));
    expect(again).toBe(a);
    expect(d).not.toBe(a);
    expect(await digest([{ name: "a", image: "a.png", labels: "d-labels.png" }])).not.toBe(a);
  });

  it("asks no files of drawn scenes", async () => {
    const checked = await checkItems([{ name: "street-1", street: 1 }], source(), {
      classes: 11,
      size: { height: 30, width: 40 },
    });
    expect(checked).toMatchObject({ faults: [], largest: { height: 30, width: 40 } });
  });
});
