/** `quantize`: which images are taken, how they are prepared, and what is written. */

import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { relative } from "node:path";
import { describe, expect, it } from "vitest";
import { calibrationFeeds, chooseImages } from "../../src/cli/calibration.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { readModel } from "../../src/onnx/read.ts";
import { encodePng } from "../../src/image/encode.ts";
import { parseManifest } from "../../src/segmenter/manifest.ts";
import { numbersOf, tensorOf } from "../../src/tensor.ts";
import { noiseImage } from "../support/networks/image.ts";
import { toPixels, toPlanes, variant } from "../support/networks/variants.ts";
import { convNetwork } from "../support/networks/quantizable.ts";
import { tinyManifest } from "../support/networks/tiny.ts";
import { runWasm } from "../support/wasm.ts";
import { faultline, jsonOf, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
const [height, width] = [24, 32];

/** A folder of pictures, `inside` a folder images or not. */
const pictures = (name: string, count: number, inside: boolean): string => {
  const place = inside ? `${name}/images` : name;
  mkdirSync(path(place), { recursive: true });
  for (let i = 0; i < count; i++) put(`${place}/${i}.png`, encodePng(noiseImage(height, width, i + 1)));
  put(`${place}/list.txt`, "no picture");
  return path(name);
};

const many = pictures("many", 10, true);
const few = pictures("few", 2, false);

const network = put("float.onnx", convNetwork({ height, width }));

const input = { height, width, channels: "BGR", mean: [1, 2, 3], std: [10, 20, 30], scale: 0.5 } as const;
const template = {
  ...tinyManifest({ input: { ...input, mean: [...input.mean], std: [...input.std] } }),
  metrics: { test: { cleanMiou: 0.6 } },
  sha256: "",
};
const manifest = put("float.json", JSON.stringify(template));

describe("the images", () => {
  it("are taken evenly from each folder and over its names, and no other files", async () => {
    const names = async (count: number, ...folders: readonly string[]) =>
      (await chooseImages(folders, count)).map((file) => relative(path("."), file));
    expect(await names(2, many)).toEqual(["many/images/2.png", "many/images/7.png"]);
    expect(await names(3, many, few)).toEqual(["many/images/5.png", "few/0.png", "few/1.png"]);
    expect(await names(100, few)).toEqual(["few/0.png", "few/1.png"]);
  });

  it("are prepared as the manifest says: (scale·pixel − mean)/std, in the order of its channels", async () => {
    const colour = tensorOf("float32", [3, 1, 1], [10, 20, 30]);
    const file = put("colour.png", encodePng(colour));
    const preparation = {
      name: "x",
      layout: "NCHW",
      dtype: "float32",
      ...input,
      mean: [...input.mean],
      std: [...input.std],
    } as const;
    const done: number[] = [];
    for await (const feeds of calibrationFeeds([file], { height: 2, width: 1 }, preparation, (n) => done.push(n))) {
      expect(feeds["x"]!.shape).toEqual([1, 3, 2, 1]);
      const expected = [(15 - 1) / 10, (15 - 1) / 10, (10 - 2) / 20, (10 - 2) / 20, (5 - 3) / 30, (5 - 3) / 30];
      for (const [i, v] of numbersOf(feeds["x"]!).entries()) expect(v).toBeCloseTo(expected[i]!, 6);
    }
    expect(done).toEqual([0, 1]);
  });
});

interface Result {
  readonly file: string;
  readonly manifest: string | null;
  readonly bytes: number;
  readonly sha256: string;
  readonly images: number;
  readonly convolutions: Readonly<Record<string, number>>;
}

describe("the quantised network", () => {
  const prepared = ["--mean", "1,2,3", "--std", "10,20,30", "--scale", "0.5", "--channels", "BGR"];

  it("computes nearly the same in fewer bytes, with its manifest beside it", async () => {
    const out = path("float.int8.onnx");
    const ended = await faultline("quantize", network, "--calibrate", many, "--manifest", manifest, "-o", out);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(
      /^calibrating on 24x32: 0 of 10 images\n(.*\n)*calibrating on 24x32: 10 of 10 images\n$/,
    );
    expect(ended.stdout).toMatch(
      /convolutions: 1 on integers, 1 with int8 weights, 1 float\nmanifest: .*float.int8.json\n/,
    );
    const [float, int8] = [readFileSync(network), readFileSync(out)];
    expect(int8.length).toBeLessThan(0.7 * float.length);
    const made = parseManifest(JSON.parse(readFileSync(path("float.int8.json"), "utf8")));
    const digest = Buffer.from(await crypto.subtle.digest("SHA-256", int8)).toString("hex");
    expect(made).toEqual({ ...template, metrics: {}, file: "float.int8.onnx", precision: "int8", sha256: digest });

    const x = tensorOf(
      "float32",
      [1, 3, height, width],
      noiseImage(height, width, 3).data.map((v) => v / 60 - 0.1),
    );
    const outputOf = async (bytes: Uint8Array) => numbersOf((await runWasm(readModel(bytes), { input: x }))["output"]!);
    const [expected, actual] = [await outputOf(float), await outputOf(int8)];
    const norm = (v: readonly number[]) => Math.sqrt(v.reduce((sum, u) => sum + u * u, 0));
    const error = norm(actual.map((v, i) => v - expected[i]!)) / norm(expected);
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(0.03);
  });

  it("is the same by manifest, by options, and in a folder that is made for it", async () => {
    const common = ["quantize", network, "--calibrate", many, "--calibrate", few, "--images", "4"];
    const byManifest = await jsonOf<Result>(...common, "--manifest", manifest, "-o", path("models", "new", "net"));
    const byOptions = await jsonOf<Result>(...common, ...prepared, "-o", path("options.onnx"));
    expect(byManifest).toMatchObject({ images: 4, backend: "wasm", backendWhy: "it was asked for" });
    expect(byManifest.file).toBe(path("models", "new", "net", "model.onnx"));
    expect(readdirSync(path("models", "new", "net")).toSorted()).toEqual(["manifest.json", "model.onnx"]);
    const made = parseManifest(JSON.parse(readFileSync(path("models", "new", "net", "manifest.json"), "utf8")));
    expect(made).toMatchObject({ name: "net", file: "model.onnx", metrics: {} });
    expect([byOptions.manifest, byOptions.sha256]).toEqual([null, byManifest.sha256]);
    const other = await jsonOf<Result>(...common, ...prepared.slice(0, -1), "RGB", "-o", path("options.onnx"));
    expect(other.sha256).not.toBe(byManifest.sha256);
  });
});

/** NAME.onnx with the manifest that init writes. */
const initialised = async (name: string, bytes: Uint8Array): Promise<readonly [file: string, manifest: string]> => {
  const [file, described] = [put(`${name}.onnx`, bytes), path(`${name}.json`)];
  expect((await faultline("init", file, "-o", described, "--like", "zero-one")).code).toBe(0);
  return [file, described];
};

const gradients = (channels: number) =>
  tensorOf("float32", [channels, 40, 56], Array.from({ length: channels * 2240 }, (_, i) => (i * 5 + ((i * 7919) % 60)) % 256)); // prettier-ignore

describe("networks of other inputs", () => {
  const grey = writeModel(variant({ channels: 1, shape: [1, 1, null, null] }));
  const four = writeModel(variant({ channels: 4, shape: [1, null, null, 4], head: toPlanes, tail: toPixels }));
  const inside = readFileSync(new URL("../fixtures/networks/uint8-nhwc.onnx", import.meta.url));
  it.each<[string, Uint8Array, number]>([
    ["grey", grey, 1],
    ["four channels, NHWC", four, 4],
    ["uint8, NHWC", inside, 3],
  ])("are quantised, and label a picture as the float network does: %s", async (name, bytes, channels) => {
    const stem = name.replaceAll(/\W+/g, "-");
    const [file, described] = await initialised(stem, bytes);
    const image = gradients(channels);
    mkdirSync(path(`${stem}-images`));
    put(`${stem}-images/a.png`, encodePng(image));
    const out = path(`${stem}.int8.onnx`);
    const ended = await faultline("quantize", file, "--calibrate", path(`${stem}-images`), "--manifest", described, "-o", out); // prettier-ignore
    expect([ended.code, ended.stdout]).toEqual([0, expect.stringMatching(/convolutions: /)]);
    const labelsOf = async (manifestFile: string, network: string) => {
      const opened = openNetwork(parseManifest(JSON.parse(readFileSync(manifestFile, "utf8"))), readFileSync(network));
      return (await createSegmenter(opened, new SessionCache(startWasm(), 2 ** 28)).predict(image)).labels.data;
    };
    const [before, after] = [await labelsOf(described, file), await labelsOf(path(`${stem}.int8.json`), out)];
    const same = before.filter((v, i) => v === after[i]).length / before.length;
    expect(new Set(before).size).toBeGreaterThan(1);
    expect(same).toBeGreaterThan(0.9);
  });

  it("are refused early where neither manifest nor options can say how they are fed", async () => {
    const file = put("bare.onnx", grey);
    const ended = await faultline("quantize", file, "--calibrate", many, "--mean", "1,1,1", "--std", "1,1,1", "-o", path("bare.int8.onnx")); // prettier-ignore
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringMatching(/its input is \[1, 1, \?, \?\]; for another than \[1, 3, H, W\] give --manifest/)]); // prettier-ignore
    const [four4, four4Manifest] = await initialised("four-again", four);
    const wrong = await faultline("quantize", four4, "--calibrate", many, "--manifest", four4Manifest, "-o", path("x.onnx")); // prettier-ignore
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/\d\.png: a picture of 3 channels, where the network takes 4/)]); // prettier-ignore
  });
});

describe("refusals come before the work, and leave no file", () => {
  const empty = path("empty");
  mkdirSync(empty);
  mkdirSync(path("broken"));
  put("broken/a.png", "no picture");
  const own = put("own.json", readFileSync(manifest, "utf8"));
  const wrong = put("wrong.json", JSON.stringify({ ...template, classes: [] }));
  const list = put("list.json", "[1]");
  const quantised = path("twice.onnx");
  const by = ["--manifest", manifest];

  it.each([
    [1, ["--calibrate", path("absent"), ...by], /--calibrate .*absent: no such folder/],
    [1, ["--calibrate", empty, ...by], /--calibrate .*empty: holds no PNG, JPEG, WebP or NPY images/],
    [
      1,
      ["--calibrate", path("broken"), ...by],
      /^faultline: .*broken.a.png: 10 bytes are no image; PNG, JPEG, WebP and NPY are accepted$/,
    ],
    [2, ["--calibrate", few], /how pixels become the input is not known: give --manifest, or --mean and --std/],
    [2, ["--calibrate", few, "--mean", "1,2", "--std", "1,1,1"], /--mean: "1,2" is not 3 numbers/],
    [2, ["--calibrate", few, "--mean", "1,2,3", "--std", "1,0,1"], /--std: no zeros/],
    [2, ["--calibrate", few, "--mean", "1,2,3", "--std", "1,1,1", "--channels", "HSV"], /"HSV" is not RGB or BGR/],
    [
      2,
      ["--calibrate", few, ...by, "--backend", "cuda"],
      /--backend must be one of auto, webgpu, native, wasm, not "cuda"/,
    ],
    [2, ["--calibrate", few, ...by, "--images", "0"], /--images: "0" is no count/],
    [2, ["--calibrate", few, ...by, "--size", "25x32"], /--size 25x32: by its manifest the network would see 24x32/],
    [1, ["--calibrate", few, "--manifest", wrong], /wrong.json: the manifest is not valid: classes: /],
    [1, ["--calibrate", few, "--manifest", list], /list.json: is not a JSON object/],
    [1, ["--calibrate", few, "--manifest", network], /float.onnx: is not JSON/],
  ] as const)("%d %j", async (expected, argv, message) => {
    const { code, stdout, stderr } = await faultline("quantize", network, ...argv, "-o", path("refused.onnx"));
    expect(stderr.split("\n").at(-2)).toMatch(message);
    expect([code, stdout]).toEqual([expected, ""]);
    expect(readdirSync(path(".")).filter((name) => name.startsWith("refused"))).toEqual([]);
  });

  it("of outputs that would replace what is read, or cannot be made", async () => {
    const common = ["quantize", network, "--calibrate", few];
    const outputs = [
      [[...by, "-o", network], /would replace .*float.onnx/],
      [["--manifest", own, "-o", path("own.onnx")], /own.json: would replace .*own.json/],
      [[...by, "-o", `${network}/folder`], /is not a folder|a part of the path is not a folder/],
    ] as const;
    for (const [argv, message] of outputs) {
      const { code, stderr } = await faultline(...common, ...argv);
      expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
    }
  });

  it("of a network that is quantised already", async () => {
    const common = ["--calibrate", few, "--images", "1", ...by];
    expect((await faultline("quantize", network, ...common, "-o", quantised)).code).toBe(0);
    const { code, stderr } = await faultline("quantize", quantised, ...common, "-o", path("refused.onnx"));
    expect([code, stderr]).toEqual([1, expect.stringMatching(/twice.onnx: .*quantis/)]);
  });
});
