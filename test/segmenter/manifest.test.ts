/** Manifests: what is refused, and how it is told. */

import { describe, expect, it } from "vitest";
import { OnnxError } from "../../src/onnx/graph.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { ManifestError, ownerOf, parseManifest, withOwnFile } from "../../src/segmenter/manifest.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { tinyManifest, tinyModel, type ManifestChanges } from "../support/networks/tiny.ts";

const good = tinyManifest();

/** The manifest with one field, by its path, in place of its own; undefined removes it. */
const withField = (path: string, value: unknown): unknown => {
  const copy = structuredClone(good) as Record<string, unknown>;
  const keys = path.split(".");
  let at = copy;
  for (const key of keys.slice(0, -1)) at = at[key] as Record<string, unknown>;
  if (value === undefined) delete at[keys.at(-1)!];
  else at[keys.at(-1)!] = value;
  return copy;
};

const colours = (count: number) => Array.from({ length: count }, () => ({ name: "a", color: [0, 0, 0] }));

describe("a manifest", () => {
  it("that is right is given back as it is", () => {
    expect(parseManifest(structuredClone(good))).toEqual(good);
    expect(parseManifest(withField("metrics", { cleanMiou: 0.5, command: "x" }))).toMatchObject({
      metrics: { cleanMiou: 0.5 },
    });
  });

  const wrong: readonly (readonly [string, unknown])[] = [
    ["name", "E-Net Street"],
    ["name", ""],
    ["architecture", ""],
    ["dataset", ""],
    ["classes", colours(1)],
    ["classes", colours(256)],
    ["classes.1.color", [0, 0, 256]],
    ["classes.0.color", [0, 0]],
    ["classes.2.name", ""],
    ["void", 0],
    ["file", "../model.onnx"],
    ["file", "a/b"],
    ["sha256", "abc"],
    ["sha256", good.sha256.toUpperCase().replace("0", "A")],
    ["precision", "fp16"],
    ["input", undefined],
    ["input.layout", "NCWH"],
    ["input.width", 0],
    ["input.width", 1.5],
    ["input.height", "any"],
    ["input.height", 100_000],
    ["input.multipleOf", 0],
    ["input.channels", "GBR"],
    ["input.mean", [1, 2]],
    ["input.std", [1, 0, 1]],
    ["input.scale", "1"],
    ["input.scale", 0],
    ["input.fit", "crop"],
    ["input.overlap", -1],
    ["network", "../enet"],
    ["scales", []],
    ["scales", [0.01]],
    ["fusion", "sum"],
    ["output.kind", "scores"],
    ["output.stride", 0],
    ["output.layout", "CWH"],
    ["output.threshold", 1],
    ["input.mean", undefined],
  ];

  it.each(wrong)("names the field at fault: %s = %j", (path, value) => {
    const parse = () => parseManifest(withField(path, value));
    expect(parse).toThrow(ManifestError);
    expect(parse).toThrow(new RegExp(`^the manifest is not valid: ${path}[:.]`));
  });

  it.each([
    ["file", undefined, /: file: is required$/],
    ["classes.1.name", undefined, /: classes\.1\.name: is required$/],
    ["name", 7, /: name: must be of type string$/],
    ["precision", "fp16", /: precision: must be "int8" or "fp32"$/],
    ["input.mean", [1], /: input\.mean: must have a number for each channel, 3, not 1$/],
  ] as const)("says in words what is wrong: %s = %j", (path, value, message) => {
    expect(() => parseManifest(withField(path, value))).toThrow(message);
  });

  it("needs neither origin nor metrics", () => {
    const { architecture, dataset, license, source, citation, metrics: _, void: __, ...needed } = good;
    expect([architecture, dataset, license, source, citation].every((v) => v !== undefined)).toBe(true);
    expect(parseManifest(structuredClone(needed))).toEqual({ ...needed, metrics: {}, void: 255 });
  });

  it("names every field at fault, and one that it does not know", () => {
    const twice = { ...(withField("input.width", -1) as object), precision: "fp8" };
    expect(() => parseManifest(twice)).toThrow(/precision: .*; input\.width: /);
    expect(() => parseManifest(withField("input.colour", "RGB"))).toThrow(/input: .*colour/);
    expect(() => parseManifest([])).toThrow(/\(root\)/);
  });
});

describe("a network that is not its manifest's", () => {
  const bytes = writeModel(tinyModel());

  it.each([
    ["input.name", tinyManifest({ input: { name: "image" } }), /^input\.name: .*"image", only input$/],
    ["output.name", tinyManifest({ output: { name: "logits" } }), /^output\.name: .*"logits", only output$/],
  ] as const)("is refused: %s", (_, manifest, message) => {
    expect(() => openNetwork(manifest, bytes)).toThrow(ManifestError);
    expect(() => openNetwork(manifest, bytes)).toThrow(message);
  });

  const tile = { fit: "tile", width: 64, height: 48 } as const;
  it.each<[string, ManifestChanges, RegExp]>([
    ["padding a fixed size", { input: { fit: "pad", width: 64 } }, /^input\.fit: is "pad", which a fixed 64 forbids/],
    ["tiles of no size", { input: { fit: "tile", width: 64 } }, /^input\.height: is "dynamic", but with "fit": "tile"/],
    ["tiles within each other", { input: { ...tile, overlap: 48 } }, /^input\.overlap: is 48; tiles of 64×48 overlap by less than 48$/], // prettier-ignore
    ["an overlap without tiles", { input: { overlap: 8 } }, /^input\.overlap: is 8, which means something only with "fit": "tile"$/], // prettier-ignore
    ["scales of a fixed size", { input: { width: 64, height: 48 }, scales: [0.5, 1] }, /^scales: is \[0\.5,1\], which means something only with a "dynamic" size/], // prettier-ignore
    ["a scale twice", { scales: [1, 0.5, 1] }, /^scales: are 1, 0\.5, 1: one is there twice$/],
    ["one scale fused", { scales: [0.5], fusion: "max" }, /^fusion: is "max", which means something only with several scales$/], // prettier-ignore
    ["nothing fused", { fusion: "mean" }, /^fusion: is "mean"/],
  ])("is refused: %s", (_, changes, message) => {
    expect(() => openNetwork(tinyManifest(changes), bytes)).toThrow(ManifestError);
    expect(() => openNetwork(tinyManifest(changes), bytes)).toThrow(message);
  });

  it.each<[string, ManifestChanges]>([
    ["tiles", { input: { ...tile, overlap: 47 } }],
    ["tiles at scales", { input: tile, scales: [0.5, 1], fusion: "mean" }],
    ["padding", { input: { fit: "pad" } }],
    ["scales along one side", { input: { width: 64 }, scales: [0.5, 1] }],
  ])("is opened: %s", (_, changes) => {
    const manifest = tinyManifest(changes);
    expect(openNetwork(manifest, bytes).manifest).toBe(manifest);
  });

  it("is refused where the file is none", () => {
    expect(() => openNetwork(good, bytes.subarray(0, bytes.length >> 1))).toThrow(OnnxError);
    expect(() => openNetwork(good, new TextEncoder().encode("<html></html>"))).toThrow(OnnxError);
  });

  it("is opened where all fits", () => {
    expect(openNetwork(good, bytes).manifest).toBe(good);
  });
});

describe("a variant", () => {
  const base = tinyManifest({ name: "base" });
  const variant = tinyManifest({ name: "variant", network: "base", scales: [0.5] });
  const shipped = [base, variant];

  it("has the file of the network that it names; others have their own", () => {
    expect(ownerOf(variant, shipped)).toBe(base);
    expect(ownerOf(base, shipped)).toBe(base);
    expect(withOwnFile(base)).toBe(base);
  });

  it.each<[string, ManifestChanges, RegExp]>([
    ["of nothing", { network: "none" }, /^network: "none" is no shipped network with a file of its own$/],
    ["of a variant", { network: "variant" }, /^network: "variant" is no shipped network with a file of its own$/],
    ["of another file", { network: "base", sha256: "1".repeat(64) }, /^sha256: is 1+, but base's is 0+$/],
  ])("is refused: %s", (_, changes, message) => {
    expect(() => ownerOf(tinyManifest({ name: "other", ...changes }), shipped)).toThrow(message);
  });

  it("is refused where a file of its own is wanted", () => {
    expect(() => withOwnFile(variant)).toThrow(/^network: is for variants of shipped networks/);
  });
});
