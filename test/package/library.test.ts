/** The package in use: the README's example as it is printed, its types, its command and its service. */

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readModel } from "../../src/onnx/read.ts";
import { faces } from "../../scripts/library/faces.ts";
import { lossGradient } from "../../src/segmenter/differentiate/loss-gradient.ts";
import { measure } from "../../src/evaluation/measure.ts";
import { iouRatio, scoresOf } from "../../src/metrics/counts.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { parseManifest } from "../../src/segmenter/manifest.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { numbersOf, tensorOf } from "../../src/tensor.ts";
import { blocksOf, read } from "../docs/documents.ts";
import { noise } from "../support/networks/check.ts";
import { runWasm } from "../support/wasm.ts";
import { installInto, pack, root } from "./installed.ts";

const { tarball } = pack();
/** Without onnxruntime, WebGPU, codecs and HTTP. */
const lean = installInto(tarball, false);
const network = join(root, "models/enet-street-float/model.onnx");
copyFileSync(network, join(lean.folder, "net.onnx"));

/** The TypeScript examples of a document. */
const examplesOf = (document: string): string[] =>
  blocksOf(read(document)).flatMap(({ language, code }) => (language === "ts" ? [code] : []));

const examples = ["README.md", "docs/library.md"].flatMap(examplesOf);
/** Those that run a network need onnxruntime. */
const [running, building] = [true, false].map((runs) =>
  examples.filter((code) => code.includes("faultline/runtime/") === runs),
) as [string[], string[]];

describe("the library examples of the documents, word for word, without the optional packages", () => {
  it("run, and write what the sources make", async () => {
    expect(building).toHaveLength(2);
    for (const code of building) await lean.run(process.execPath, [lean.put("example.js", code)]);
    const [written, energy] = ["net.grad.onnx", "net.energy.onnx"].map((file) => readFileSync(join(lean.folder, file)));
    const own = lossGradient(readFileSync(network), { size: { height: 240, width: 320 } });
    expect(written!.equals(own.bytes)).toBe(true);
    expect(own.outputs.map(({ name }) => name)).toEqual(["logits", "loss", "image_grad"]);

    // ∂ mean z²/∂ x along itself, against the difference quotient of the file's own loss.
    const model = readModel(energy!);
    const image = noise([1, 3, 240, 320], 7);
    const gradient = numbersOf((await runWasm(model, { image }))["image_grad"]!);
    const norm = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
    const lossAt = async (by: number): Promise<number> => {
      const data = image.data.map((v, i) => v + (by * gradient[i]!) / norm);
      return numbersOf((await runWasm(model, { image: { ...image, data } }))["loss"]!)[0]!;
    };
    const quotient = ((await lossAt(0.1)) - (await lossAt(-0.1))) / 0.2;
    expect(Math.abs(norm - quotient)).toBeLessThan(0.02 * Math.abs(quotient));
  });

  it("are well-typed for a project that checks the libraries' types too", () => {
    const project = installInto(tarball, true);
    mkdirSync(join(project.folder, "node_modules/@types"));
    for (const name of ["@types/node", "undici-types"])
      symlinkSync(join(root, "node_modules", name), join(project.folder, "node_modules", name));
    examples.forEach((code, i) => project.put(`example${i}.ts`, code));
    const all = Object.keys(faces);
    project.put("all.ts", all.map((subpath, i) => `export * as face${i} from "faultline/${subpath}";\n`).join(""));
    project.put(
      "wrong.ts",
      'import { lossGradient } from "faultline/segmenter";\nlossGradient(new Uint8Array(), { size: 3 });\n',
    );
    const settings = {
      target: "es2022",
      module: "nodenext",
      lib: ["es2023", "dom"],
      types: ["node"],
      strict: true,
      noEmit: true,
    };
    const check = (...files: readonly string[]): string => {
      writeFileSync(join(project.folder, "tsconfig.json"), JSON.stringify({ compilerOptions: { ...settings }, files }));
      try {
        return execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", "."], {
          cwd: project.folder,
          encoding: "utf8",
        });
      } catch (cause) {
        return (cause as { readonly stdout: string }).stdout;
      }
    };
    expect(check(...examples.map((_, i) => `example${i}.ts`), "all.ts")).toBe("");
    expect(check("wrong.ts")).toMatch(/^wrong\.ts\(2,\d+\): error TS2322/);
  });
});

it("the example that attacks a network does, as the sources do", async () => {
  expect(running).toHaveLength(1);
  const project = installInto(tarball, true);
  copyFileSync(network, join(project.folder, "net.onnx"));
  const manifest = readFileSync(join(root, "models/enet-street-float/manifest.json"), "utf8");
  project.put("net.json", manifest);
  const { stdout } = await project.run(process.execPath, [project.put("attack.js", running[0]!)]);

  const segmenter = createSegmenter(
    openNetwork(parseManifest(JSON.parse(manifest)), readFileSync(network)),
    new SessionCache(startWasm(), 2 ** 30),
  );
  const image = tensorOf(
    "float32",
    [3, 48, 64],
    Array.from({ length: 3 * 48 * 64 }, (_, i) => (i * i) % 256),
  );
  // With every option stated.
  const plan = { attack: "fgsm", epsilon: 8, alpha: 8, steps: 1, pixelRange: "clip", seed: 0 } as const;
  const { row, signs } = await measure({ segmenter, image, item: "picture" }, plan);
  const ratio = iouRatio(scoresOf(row.counts.uint8), scoresOf(row.counts.clean));
  expect(ratio).toBeLessThan(0.9);
  expect(JSON.parse(stdout)).toEqual({ ratio, linf: 8, shape: [3, 48, 64], signs });
});

const launcher = "node_modules/faultline/bin/faultline.js";

describe("the command", () => {
  it("inspects and differentiates without the optional packages", async () => {
    const { stdout, stderr } = await lean.run("npx", [
      "--no-install",
      "faultline",
      "inspect",
      "net.onnx",
      "--size",
      "64x64",
      "--json",
    ]);
    expect(stderr).toBe("");
    expect((JSON.parse(stdout) as { readonly opset: number }).opset).toBeGreaterThan(6);
    await lean.run("npx", [
      "--no-install",
      "faultline",
      "differentiate",
      "net.onnx",
      "--size",
      "64x64",
      "-o",
      "small.onnx",
    ]);
    const own = lossGradient(readFileSync(network), { size: { height: 64, width: 64 } });
    expect(readFileSync(join(lean.folder, "small.onnx")).equals(own.bytes)).toBe(true);
  });

  it("finds the networks' package, and says where it looked where there is none", async () => {
    const faultline = (...args: readonly string[]) => lean.run(process.execPath, [launcher, ...args]);
    await expect(faultline("inspect", "enet-street")).rejects.toThrow(
      /enet-street: no such file, and the networks that ship are in none of: FAULTLINE_NETWORKS \(not set\), \S*\/faultline\/models\/, the package faultline-networks/,
    );
    symlinkSync(join(root, "models"), join(lean.folder, "node_modules/faultline-networks"));
    await expect(faultline("inspect", "enet")).rejects.toThrow(
      /enet: no such file, nor a network in \S+, which has: crf-rnn/,
    );
    const { stdout } = await faultline("inspect", "enet-street", "--size", "64x64");
    expect(stdout).toContain("MaxUnpool");
  });

  it("prints its help from two modules", async () => {
    const coverage = join(lean.folder, "coverage");
    const { stdout } = await lean.run(process.execPath, [launcher, "--help"], { NODE_V8_COVERAGE: coverage });
    expect(stdout).toContain("Usage: faultline COMMAND");
    const loaded = readdirSync(coverage).flatMap((file) => {
      const { result } = JSON.parse(readFileSync(join(coverage, file), "utf8")) as { result: { url: string }[] };
      return result.map(({ url }) => url).filter((url) => url.startsWith("file:"));
    });
    const names = loaded.map((url) => url.split("/faultline/").at(-1)!);
    expect(names.toSorted()).toEqual(["bin/build.js", "bin/faultline.js", "lib/cli/main.js", "lib/node/package.js"]);
  });
});

describe("the service", () => {
  it("serves from the package, its runtime in a thread, with no compiler", async () => {
    const project = installInto(tarball, true);
    const args = [
      join(project.installed, "lib/serve/main.js"),
      "--port",
      "0",
      "--models",
      join(root, "models"),
      "--backend",
      "wasm",
    ];
    const child = spawn(process.execPath, args, { cwd: project.folder, stdio: ["ignore", "pipe", "pipe"] });
    try {
      let printed = "";
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (text: string) => (printed += text));
      const over = once(child, "close").then(() => true);
      while (!/Listening on (\S+) with/.test(printed))
        if (await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 50))])) throw new Error(printed);
      const [, url] = /Listening on (\S+) with/.exec(printed)!;
      expect((await fetch(`${url}/health/ready`)).status).toBe(200);
      const form = new FormData();
      form.append("image", new Blob([readFileSync(join(root, "examples/street.png"))]), "street.png");
      const response = await fetch(`${url}/v1/segment`, { method: "POST", body: form });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ model: expect.anything() });
    } finally {
      child.kill("SIGKILL");
    }
  });
});
