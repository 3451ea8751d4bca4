/** From a network's file to its labels and its gradient, without a manifest written by hand. */

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Model } from "../../src/onnx/graph.ts";
import { parseManifest, type Manifest } from "../../src/segmenter/manifest.ts";
import { toPixels, toPlanes, unit, variant, type VariantOptions } from "../support/networks/variants.ts";
import { locateOperand } from "../../src/cli/open-network.ts";
import { faultline, jsonOf, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/networks/${name}`, import.meta.url));

interface Found {
  readonly manifest: Manifest;
  readonly assumed: readonly string[];
}

let count = 0;
/** What init writes for the file. */
const initialised = async (file: string, ...options: readonly string[]): Promise<Found> => {
  const out = path(`manifest-${count++}.json`);
  const { assumed } = await jsonOf<Found>("init", file, "-o", out, ...options);
  return { manifest: parseManifest(JSON.parse(readFileSync(out, "utf8"))), assumed };
};

/** Init, and then import with what it wrote: a forward run, and a gradient where there is one. */
const through = async (file: string, ...options: readonly string[]): Promise<Found> => {
  const found = await initialised(file, ...options);
  const manifest = path(`manifest-${count - 1}.json`);
  const { gradientMs } = await jsonOf<{ readonly gradientMs: number }>("import", file, "--manifest", manifest, "--models", path("models"), "--force"); // prettier-ignore
  expect(gradientMs).toBeGreaterThan(0);
  return found;
};

const made = (model: Model): string => put(`net-${count++}.onnx`, model);

describe("init", () => {
  it.each<[string, string, object, object, RegExp]>([
    ["uint8 NHWC", "uint8-nhwc.onnx", { name: "x", layout: "NHWC", channels: "RGB", scale: 1, mean: [0, 0, 0] }, { name: "y", kind: "logits" }, /uint8/], // prettier-ignore
    ["one channel of a Sigmoid", "sigmoid1.onnx", { layout: "NCHW" }, { kind: "probabilities", activation: "sigmoid" }, /probability of the foreground/], // prettier-ignore
    ["labels alone", "argmax.onnx", {}, { name: "y", kind: "labels" }, /logits "logits" are used in its place/],
    ["labels and logits", "argmax+logits.onnx", {}, { name: "logits", kind: "logits" }, /there are also "y"/],
    ["sizes of −1", "minus1.onnx", { width: "dynamic", height: "dynamic" }, { kind: "logits" }, /which is a guess/],
    [
      "sizes of one symbol",
      "None.onnx",
      { width: "dynamic", height: "dynamic" },
      { kind: "logits" },
      /which is a guess/,
    ],
    ["weights beside the file", "net.onnx", {}, { name: "y", kind: "logits" }, /3 channels/],
  ])(
    "describes an exporter's file, which import then runs and differentiates: %s",
    async (_, file, input, output, word) => {
      const { manifest, assumed } = await through(fixture(file));
      expect(manifest).toMatchObject({ input, output: { stride: 1, ...output }, precision: "fp32" });
      expect(manifest.classes).toHaveLength(file === "net.onnx" ? 3 : 2);
      expect(assumed.join("\n")).toMatch(word);
    },
  );

  const nhwc = { shape: [1, null, null, 3], head: toPlanes } as const;
  it.each<[string, Model, object, object]>([
    ["NHWC in and out", variant({ ...nhwc, tail: toPixels }), { layout: "NHWC" }, { kind: "logits", layout: "NHWC" }],
    ["logits without a batch axis", variant({ tail: (op, z) => op.Squeeze(z, op.ints([0])) }), { layout: "NCHW" }, { kind: "logits", layout: "CHW" }], // prettier-ignore
    ["grey", variant({ channels: 1 }), { channels: "GRAY", mean: [0], std: [1] }, { kind: "logits" }],
    ["preprocessing in the graph", variant({ head: unit }), { scale: 1, mean: [0, 0, 0], std: [1, 1, 1] }, { kind: "logits" }], // prettier-ignore
    ["probabilities of several sigmoids", variant({ tail: (op, z) => op.Sigmoid(z) }), {}, { kind: "probabilities", activation: "sigmoid" }], // prettier-ignore
    ["probabilities", variant({ tail: (op, z) => op.Softmax(z, { axis: 1 }) }), {}, { kind: "probabilities" }],
    ["a stride", variant({ tail: (op, z) => op.AveragePool(z, { kernel_shape: [4, 4], strides: [4, 4] }) }), {}, { stride: 4 }], // prettier-ignore
    ["a multiple", variant({ tail: (op, z) => op.DepthToSpace(op.SpaceToDepth(z, { blocksize: 8 }), { blocksize: 8 }) }), { multipleOf: 8 }, { kind: "logits" }], // prettier-ignore
    ["a fixed size", variant({ shape: [1, 3, 48, 64] }), { height: 48, width: 64 }, { kind: "logits" }],
  ])("describes what a network takes and gives: %s", async (_, model, input, output) => {
    const { manifest } = await through(made(model));
    expect(manifest).toMatchObject({ input, output });
    const isMultiLabel = "activation" in output;
    expect(manifest.classes.map(({ name }) => name)).toEqual([isMultiLabel ? "background" : "class 0", "class 1", "class 2", ...(isMultiLabel ? ["class 3"] : [])]); // prettier-ignore
  });

  const withMetadata = (metadata: Readonly<Record<string, string>>, options: VariantOptions = {}): string =>
    made({ ...variant(options), metadata: new Map(Object.entries(metadata)) });

  it.each<[string, Readonly<Record<string, string>>, object, readonly string[] | null, RegExp]>([
    ["ultralytics", { names: "{0: 'road', 1: 'it\\'s a car', 2: \"sky\"}", stride: "32" }, { multipleOf: 32 }, ["road", "it's a car", "sky"], /names of the 3 classes are those of the file's metadata/], // prettier-ignore
    ["Deepness", { class_names: '{"2": "c", "0": "a", "1": "b"}', standardization_mean: "[0.5, 0.4, 0.3]", standardization_std: "[0.2]" }, { mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.2], scale: 1 / 255 }, ["a", "b", "c"], /"standardization_mean" and "standardization_std", taken for values of 0 to 1/], // prettier-ignore
    ["mean and deviation of grey levels", { Mean: "123.675, 116.28, 103.53", std: "(58.395 57.12 57.375)", classes: "a, b, c" }, { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375], scale: 1 }, ["a", "b", "c"], /taken for values of 0 to 255/], // prettier-ignore
    ["ONNX's own", { "Image.BitmapPixelFormat": "Bgr8", "Image.NominalPixelRange": "Normalized_1_1" }, { channels: "BGR", mean: [1, 1, 1], std: [1, 1, 1], scale: 2 / 255 }, null, /order BGR by the file's "Image.BitmapPixelFormat"/], // prettier-ignore
    [
      "names that are not as many",
      { names: "['a', 'b']" },
      {},
      null,
      /names 2 classes, which are not the 3 of "map", and are ignored/,
    ],
    ["text that is none of these", { names: "{0: road}", mean: " ".repeat(60_000) + "[", std: "NaN", stride: "-1", classes: "x".repeat(70_000) }, { mean: [0.485, 0.456, 0.406] }, null, /which is a guess/], // prettier-ignore
  ])("reads the file's metadata: %s", async (_, metadata, input, names, word) => {
    const { manifest, assumed } = await initialised(withMetadata(metadata));
    expect(manifest.input).toMatchObject(input);
    expect(manifest.classes.map(({ name }) => name)).toEqual(names ?? ["class 0", "class 1", "class 2"]);
    expect(assumed.join("\n")).toMatch(word);
    expect(manifest.assumed).toEqual(assumed);
  });

  it("prefers what is asked for to the file's metadata, and preprocessing in the graph too", async () => {
    const metadata = { mean: "0.1 0.1 0.1", std: "1 1 1", names: "a,b,c" };
    const asked = await initialised(withMetadata(metadata), "--like", "raw", "--classes", "2");
    expect(asked.manifest.input).toMatchObject({ mean: [0, 0, 0], scale: 1 });
    expect(asked.manifest.classes.map(({ name }) => name)).toEqual(["class 0", "class 1"]);
    const inside = await initialised(withMetadata(metadata, { head: unit }));
    expect(inside.manifest.input).toMatchObject({ mean: [0, 0, 0], scale: 1 });
  });

  it("describes labels without logits, which have no gradient by the name of what ends it", async () => {
    const file = made(variant({ outputs: 1, tail: (op, z) => op.cast(op.Greater(op.Squeeze(z, op.ints([1])), op.constant(0)), "int64") })); // prettier-ignore
    const { manifest, assumed } = await initialised(file);
    expect(manifest.output).toMatchObject({ kind: "labels" });
    expect(assumed.at(-1)).toMatch(
      /^There are 2 classes, as many as the labels of one picture have; the manifest's "classes" says it, or --classes/,
    );
    const argv = ["import", file, "--models", path("models"), "--name", "labels"];
    const { code, stderr } = await faultline(...argv);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/Greater.*; --forward-only stores it all the same/)]);
    expect((await faultline(...argv, "--forward-only")).code).toBe(0);
  });

  it("is right about a network that ships, pooling and unpooling included", async () => {
    const shipped = parseManifest(JSON.parse(readFileSync("models/enet-street/manifest.json", "utf8")));
    const { manifest } = await initialised("models/enet-street/model.onnx", "--palette", "camvid");
    const { name, multipleOf, layout, width } = shipped.input;
    expect(manifest.input).toMatchObject({ name, multipleOf, layout, width });
    expect(manifest).toMatchObject({ output: shipped.output, precision: "int8", classes: shipped.classes });
  });

  it("takes preprocessing, classes and colours as they are given", async () => {
    const file = made(variant());
    const { manifest, assumed } = await initialised(
      file,
      "--like",
      "caffe",
      "--classes",
      put("names.txt", "road\nsky\n"),
    );
    expect(manifest.input).toMatchObject({ channels: "BGR", mean: [103.939, 116.779, 123.68], scale: 1 });
    expect(manifest.classes.map((c) => c.name)).toEqual(["road", "sky"]);
    expect(assumed.slice(-2)).toEqual([
      expect.stringMatching(/has 3 channels, taken for logits\.$/),
      "Only the first 2 of 3 outputs are scored.",
    ]);
    const voc = await initialised(made(variant({ outputs: 21 })), "--palette", "voc");
    expect(voc.manifest.classes[15]).toEqual({ name: "person", color: [192, 128, 128] });
  });

  it("refuses what it cannot describe, in words", async () => {
    const failing = async (...argv: readonly string[]) => {
      const { code, stderr } = await faultline("init", ...argv);
      return [code, stderr.trim()];
    };
    const flat = made(variant({ tail: (op, z) => op.ReduceMean(z, op.ints([2, 3]), { keepdims: 0 }) }));
    expect(await failing(flat, "-o", path("flat.json"))).toEqual([1, expect.stringMatching(/output\.name: none is a map of scores \[1, classes, H, W\] or of labels .* in the picture's shape \(\d+×\d+\): "map" float32 \[1, 3\]$/)]); // prettier-ignore
    expect(existsSync(path("flat.json"))).toBe(false);
    const many = await failing(made(variant()), "-o", path("many.json"), "--palette", "cityscapes");
    expect(many).toEqual([1, expect.stringMatching(/classes: 19 are given, but "map" gives 3$/)]);
    expect(await failing(made(variant()), "--like", "vgg")).toEqual([2, expect.stringMatching(/--like must be one of imagenet, caffe/)]); // prettier-ignore
    expect(await failing(made(variant()), "--palette", "mine")).toEqual([2, expect.stringMatching(/--palette must be one of voc, cityscapes, camvid/)]); // prettier-ignore
  });
});

describe("the manifest that init writes", () => {
  it("is found beside its network, and is replaced only where that is asked for", async () => {
    const file = put("own.onnx", variant());
    expect((await faultline("init", file)).code).toBe(0);
    const corrected = { ...(JSON.parse(readFileSync(path("own.json"), "utf8")) as Manifest), name: "by-hand" };
    put("own.json", JSON.stringify(corrected));
    expect((await locateOperand(file)).manifest).toMatchObject({ name: "by-hand" });
    const again = await faultline("init", file);
    expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/own\.json: is there already; --force replaces it/)]); // prettier-ignore
    expect(readFileSync(path("own.json"), "utf8")).toBe(JSON.stringify(corrected));
    expect((await faultline("init", file, "--force")).code).toBe(0);
    expect((await locateOperand(file)).manifest).toMatchObject({ name: "own" });
  });
});

describe("import without a manifest", () => {
  it("checks the name before it runs anything", async () => {
    const bad = await faultline("import", path("missing.onnx"), "--name", "Bad Name");
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringMatching(/--name must be lower-case letters.*, not "Bad Name"/)]); // prettier-ignore
    put("taken", "a file");
    const taken = await faultline("import", path("missing.onnx"), "--name", "taken", "--models", path());
    expect([taken.code, taken.stderr]).toEqual([1, expect.stringMatching(/taken: is there, and is not a folder/)]);
  });

  it("makes it, says what was assumed, and stores both", async () => {
    const file = fixture("uint8-nhwc.onnx");
    const { code, stderr } = await faultline("import", file, "--models", path("own"));
    expect(code).toBe(0);
    expect(stderr).toMatch(/^assumed: Pixels are given like "raw": the input is uint8\.\n/);
    const manifest = parseManifest(JSON.parse(readFileSync(path("own/uint8-nhwc/manifest.json"), "utf8")));
    expect(manifest).toMatchObject({ name: "uint8-nhwc", file: "model.onnx", input: { layout: "NHWC" } });
  });

  it("takes no description beside a manifest", async () => {
    const argv = ["import", fixture("None.onnx"), "--manifest", path("any.json"), "--like", "raw"];
    const { code, stderr } = await faultline(...argv);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/--like and --manifest exclude each other/)]);
  });
});
