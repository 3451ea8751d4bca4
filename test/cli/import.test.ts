/** `import`: what is stored, what is checked before, and that nothing is lost. */

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { writeModel } from "../../src/onnx/write.ts";
import { parseManifest, type Manifest } from "../../src/segmenter/manifest.ts";
import { tinyManifest, tinyModel, type ManifestChanges, type TinyOptions } from "../support/networks/tiny.ts";
import { faultline, jsonOf, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
const models = path("models");

/** Without a digest, as whoever writes one by hand. */
const described = (changes: ManifestChanges & { readonly precision?: Manifest["precision"] } = {}) => {
  const { sha256: _, file: _file, ...manifest } = tinyManifest(changes);
  return { ...manifest, precision: changes.precision ?? "fp32" };
};

let count = 0;
const given = (options: TinyOptions, manifest: object): readonly string[] => {
  const stem = `net${count++}`;
  return [put(`${stem}.onnx`, tinyModel(options)), "--manifest", put(`${stem}.json`, JSON.stringify(manifest))];
};

interface Stored {
  readonly name: string;
  readonly folder: string;
  readonly sha256: string;
  readonly size: { readonly height: number; readonly width: number };
  readonly forwardMs: number;
  readonly gradientMs: number | null;
  readonly warnings: readonly string[];
}

const imported = (...argv: readonly string[]) => jsonOf<Stored>("import", ...argv, "--models", models);
const refused = async (...argv: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await faultline("import", ...argv, "--models", models);
  expect([code, stdout]).toEqual([1, ""]);
  return stderr.trim().split("\n").at(-1)!;
};

const storedIn = (name: string) => ({
  manifest: parseManifest(JSON.parse(readFileSync(`${models}/${name}/manifest.json`, "utf8"))),
  bytes: readFileSync(`${models}/${name}/model.onnx`),
});

describe("a network that is what its manifest says", () => {
  it("is stored with the digest filled in, after a run forward and a gradient", async () => {
    const files = given({}, described());
    const result = await imported(...files);
    const { manifest, bytes } = storedIn("tiny");
    expect(new Uint8Array(bytes)).toEqual(writeModel(tinyModel()));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    expect(manifest).toEqual({ ...described(), file: "model.onnx", sha256 });
    expect(result).toMatchObject({ name: "tiny", folder: `${models}/tiny`, sha256, warnings: [] });
    expect(result.size).toEqual({ height: 128, width: 128 });
    expect(result.forwardMs).toBeGreaterThan(0);
    expect(result.gradientMs).toBeGreaterThan(0);
    expect(result).toMatchObject({ backend: "wasm", backendWhy: "it was asked for" });
    expect(readdirSync(models)).toEqual(["tiny"]);
  });

  it("takes another name, and tells what it does", async () => {
    const argv = [...given({}, described()), "--models", models, "--name", "other-1.0"];
    const { code, stdout, stderr } = await faultline("import", ...argv);
    expect(code).toBe(0);
    expect(stderr).toBe("a forward run at 128x128 …\na gradient run at 128x128 …\n");
    expect(stdout).toMatch(
      /other-1.0: other-1.0, 4 classes, [\d ]+ bytes, sha256 [0-9a-f]{64}\nat 128x128: forward [\d.]+ ms, gradient [\d.]+ ms\n/,
    );
    expect(storedIn("other-1.0").manifest.name).toBe("other-1.0");
  });

  it("may have no gradient where that is said, and is warned of where it is not as declared", async () => {
    const mod: TinyOptions = { head: (op, z) => op.append("Mod", [z, op.constant(7)], { fmod: 1 })[0]! };
    const files = given(mod, described({ name: "forward", precision: "int8" }));
    const reason =
      /no gradient of "output": node Mod "Mod": there is no gradient rule for Mod .*; --forward-only stores it/;
    expect(await refused(...files)).toMatch(reason);
    const result = await imported(...files, "--forward-only");
    expect(result.gradientMs).toBeNull();
    expect(result.warnings).toEqual(['precision: is "int8", but the network is float']);
    expect(readdirSync(models).toSorted()).toContain("forward");
  });
});

describe("what is stored already", () => {
  const first = given({ seed: 1 }, described({ name: "kept" }));
  const second = given({ seed: 2 }, described({ name: "kept" }));
  const broken = given({ head: (op, z) => op.Log(op.Sub(z, op.constant(1e6))) }, described({ name: "kept" }));

  it("is replaced by --force only, as a whole, and other files in its folder stay", async () => {
    await imported(...first);
    writeFileSync(`${models}/kept/README.md`, "written by hand");
    const before = storedIn("kept");
    expect(await refused(...second)).toMatch(/kept: is there already; --force replaces it/);
    expect(storedIn("kept")).toEqual(before);
    await imported(...second, "--force");
    const after = storedIn("kept");
    expect(after.bytes).not.toEqual(before.bytes);
    expect(after.manifest.sha256).toBe(createHash("sha256").update(after.bytes).digest("hex"));
    expect(readFileSync(`${models}/kept/README.md`, "utf8")).toBe("written by hand");
    // Neither what was staged nor what was replaced is left over.
    expect(readdirSync(models).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("stays where the new one fails", async () => {
    const before = storedIn("kept");
    expect(await refused(...broken, "--force")).toMatch(/its output overflows|not finite|is NaN/);
    expect(storedIn("kept")).toEqual(before);
    expect(readdirSync(models).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("may be a file, which is not replaced", async () => {
    mkdirSync(models, { recursive: true });
    writeFileSync(`${models}/taken`, "a file");
    expect(await refused(...first, "--name", "taken", "--force")).toMatch(/taken: is there, and is not a folder/);
    const { stderr } = await faultline("import", ...first, "--models", `${models}/taken`);
    expect(stderr).toMatch(/taken: is not a folder|a part of the path is not a folder/);
  });
});

describe("what does not fit is refused by field", () => {
  const coarse: TinyOptions = {
    head: (op, z) => op.DepthToSpace(op.SpaceToDepth(z, { blocksize: 4 }), { blocksize: 4 }),
  };
  const cases: readonly (readonly [string, TinyOptions, object, RegExp])[] = [
    ["more classes than channels", {}, described({ classes: 5 }), /classes: are 5, but "output" has 4 channels/],
    [
      "the input's name",
      {},
      described({ input: { name: "image" } }),
      /input.name: the network has no "image", only input/,
    ],
    ["the output's name", {}, described({ output: { name: "z" } }), /output.name: the network has no "z", only output/],
    [
      "the stride",
      {},
      described({ output: { stride: 2 } }),
      /output.stride: is 2, but an image of 128×128 gives 128×128/,
    ],
    [
      "labels alone",
      {},
      described({ output: { kind: "labels" } }),
      /output.kind: "output" is \[1, 4, 128, 128\], not a map of labels/,
    ],
    ["the multiple", coarse, described(), /input.multipleOf: is 2, but the network refuses 130×130: node SpaceToDepth/],
    [
      "an output that is no map",
      { head: (op, z) => op.ReduceMean(z, op.ints([2, 3]), { keepdims: 0 }) },
      described(),
      /output.name: "output" is \[1, 4\], not \[1, classes, H, W\]/,
    ],
    [
      "another file's digest",
      {},
      { ...described(), sha256: "1".repeat(64) },
      /sha256: is that of another file; this one's is/,
    ],
    ["another's file", {}, described({ network: "base" }), /network: is for variants of shipped networks/],
    ["padding of a fixed size", {}, described({ input: { fit: "pad", width: 64 } }), /input.fit: is "pad", which/],
    ["a field", {}, { ...described(), license: "" }, /net\d+.json: the manifest is not valid: license: /],
    ["a field that is not known", {}, { ...described(), colour: 1 }, /has no field "colour"/],
    ["the name", {}, { ...described(), name: "../up" }, /name: lower-case letters, digits/],
  ];

  it.each(cases)("%s", async (_, options, manifest, message) => {
    const before = readdirSync(models).toSorted();
    expect(await refused(...given(options, manifest), "--force")).toMatch(message);
    expect(readdirSync(models).toSorted()).toEqual(before);
  });

  it("an operator that is not known, with no manifest to be blamed", async () => {
    const model = tinyModel();
    const nodes = model.graph.nodes.map((node) => (node.op === "Relu" ? { ...node, op: "Foo" } : node));
    const file = put("foo.onnx", { ...model, graph: { ...model.graph, nodes } });
    expect(await refused(file)).toMatch(/foo\.onnx: node Foo ".*" \(→ .*\): operator Foo is not supported$/);
  });

  it("a size that the network has fixed", async () => {
    const model = tinyModel();
    const inputs = model.graph.inputs.map((v) => ({ ...v, shape: [1, 3, 32, 48] }));
    const file = put("fixed.onnx", { ...model, graph: { ...model.graph, inputs } });
    const manifestOf = (name: string, height: number | "dynamic") =>
      put(`${name}.json`, JSON.stringify(described({ name, input: { height, width: 48 } })));
    expect(await refused(file, "--manifest", manifestOf("open", "dynamic"))).toMatch(
      /input.height: is "dynamic", but the network's is 32/,
    );
    expect((await imported(file, "--manifest", manifestOf("fixed", 32))).size).toEqual({ height: 32, width: 48 });
  });
});
