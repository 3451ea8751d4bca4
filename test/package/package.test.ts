/** What `npm pack` gives: what is in it and what is not, whether tools can resolve it, and what it exports. */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { allFaces, faces } from "../../scripts/library/faces.ts";
import { libraryPage, summaryOf } from "../../scripts/library/page.ts";
import { installInto, pack, readPackage, root } from "./installed.ts";

const packed = pack();
const paths = packed.files.map(({ path }) => path);
const project = installInto(packed.tarball, true);
const { exports, sideEffects, dependencies, optionalDependencies } = readPackage(project.installed);
const at = (path: string): string => join(project.installed, path);

describe("the tarball", () => {
  it("holds code, types, kernels and loops in at most 3 MB", () => {
    expect(packed.size).toBeLessThan(3e6);
    expect(paths).toEqual(
      expect.arrayContaining([
        "LICENSE",
        "NOTICE",
        "README.md",
        "bin/faultline.js",
        "lib/cli/main.js",
        "simd/loops.wasm",
      ]),
    );
    const kernels = readdirSync(join(root, "kernels"), { recursive: true, encoding: "utf8" });
    const shaders = kernels.filter((name) => name.endsWith(".wgsl")).map((name) => `kernels/${name}`);
    expect(paths.filter((path) => path.startsWith("kernels/")).toSorted()).toEqual(shaders.toSorted());
  });

  it("holds no source, test, training code, network or bench", () => {
    const places = new Set(paths.map((path) => path.split("/")[0]!));
    expect([...places].toSorted()).toEqual([
      "LICENSE",
      "NOTICE",
      "README.md",
      "bin",
      "kernels",
      "lib",
      "package.json",
      "simd",
    ]);
    const foreign = paths.filter((path) => /\.(test\.|onnx$|py$|wasm$)|(?<!\.d)\.ts$/.test(path));
    expect(foreign).toEqual(["simd/loops.wasm"]);
  });

  it("has the types of every module, and imports only what it declares", () => {
    const modules = paths.filter((path) => /^lib\/.*\.js$/.test(path));
    expect(modules.length).toBeGreaterThan(100);
    expect(modules.filter((path) => !paths.includes(path.replace(/js$/, "d.ts")))).toEqual([]);
    const declared = new Set([...Object.keys(dependencies), ...Object.keys(optionalDependencies)]);
    const foreign = modules.flatMap((path) =>
      [
        ...readFileSync(at(path), "utf8").matchAll(
          /^(?:import|export)\s(?:[^"\n;]*?\sfrom\s)?"([^"\n]+)"|^\} from "([^"\n]+)"|\bimport\("([^"]+)"\)/gm,
        ),
      ]
        .map(([, from, over, dynamic]) => (from ?? over ?? dynamic)!)
        .filter((from) => !/^(\.|node:)/.test(from))
        .map((from) =>
          from
            .split("/")
            .slice(0, from.startsWith("@") ? 2 : 1)
            .join("/"),
        ),
    );
    expect(foreign).toContain("onnx-buf");
    expect([...new Set(foreign)].filter((name) => !declared.has(name))).toEqual([]);
  });

  it("names in sideEffects the modules that do something when they are loaded", () => {
    // Those that start something say so by their last statements: they await, listen or write.
    const acting = paths.filter(
      (path) =>
        /^(lib|bin)\/.*\.js$/.test(path) &&
        /^(?:await |try \{|port\.|process\.|build\(\)|if \()/m.test(readFileSync(at(path), "utf8")),
    );
    const named = sideEffects.flatMap((pattern) =>
      paths.filter(
        (path) =>
          new RegExp(`^\\./${path.replaceAll(".", "\\.")}$`).test(pattern) ||
          (pattern === "./bin/*.js" && path.startsWith("bin/")),
      ),
    );
    expect(acting.toSorted()).toEqual(named.toSorted());
  });

  it.each([
    ["publint", ["publint", "--strict"]],
    ["are the types wrong", ["attw", "--profile", "esm-only", "--format", "ascii"]],
  ])("passes %s", (_, [tool, ...flags]) => {
    const file = join(root, "node_modules/.bin", tool!);
    expect(() => execFileSync(file, [...flags, packed.tarball], { cwd: root, stdio: "pipe" })).not.toThrow();
  });
});

describe("the networks' package", () => {
  it("holds each network and each manifest, and nothing of how they were trained", () => {
    const text = execFileSync("npm", ["pack", "--dry-run", "--json"], { cwd: join(root, "models"), encoding: "utf8" });
    const [{ files }] = JSON.parse(text) as [{ readonly files: readonly { readonly path: string }[] }];
    const folders = readdirSync(join(root, "models")).filter((name) =>
      existsSync(join(root, "models", name, "manifest.json")),
    );
    const expected = folders.flatMap((name) =>
      ["manifest.json", "model.onnx"]
        .map((file) => `${name}/${file}`)
        .filter((path) => existsSync(join(root, "models", path))),
    );
    expect(folders.length).toBeGreaterThan(20);
    expect(files.map(({ path }) => path).toSorted()).toEqual([...expected, "README.md", "package.json"].toSorted());
  });
});

describe("the faces", () => {
  const subpaths = Object.keys(faces);

  it("are the package's subpaths, and their files are there", () => {
    const own = Object.keys(exports).filter((key) => !/package\.json|\*/.test(key));
    expect(own.toSorted()).toEqual(subpaths.map((subpath) => `./${subpath}`).toSorted());
    for (const target of Object.values(exports).flatMap((e) => (typeof e === "string" ? [] : [e.types, e.default])))
      expect(statSync(at(target)).isFile()).toBe(true);
  });

  it("export exactly the documented names", async () => {
    const script = `
      const names = {};
      for (const subpath of ${JSON.stringify(subpaths)}) names[subpath] = Object.keys(await import("faultline/" + subpath));
      console.log(JSON.stringify(names));`;
    const { stdout } = await project.run(process.execPath, ["--input-type=module", "-e", script]);
    const actual = JSON.parse(stdout) as Readonly<Record<string, readonly string[]>>;
    const page = readFileSync(join(root, "docs/library-names.md"), "utf8");
    for (const { subpath, names } of allFaces()) {
      const section = page.split(`\n## faultline/${subpath}\n`)[1]!.split("\n## ")[0]!;
      const documented = [...section.matchAll(/^\| `(\w+)`( \(type\))? \|/gm)];
      expect(documented.map(([, name]) => name)).toEqual(names.map(({ name }) => name));
      const values = documented.flatMap(([, name, type]) => (type ? [] : [name!]));
      expect([subpath, actual[subpath]!.toSorted()]).toEqual([subpath, values.toSorted()]);
    }
  });

  it("have a docstring for every name, and a page that is not stale", () => {
    const names = allFaces().flatMap((face) => face.names);
    expect(new Set(names.map(({ name }) => name)).size).toBeGreaterThan(50);
    expect(names.filter((name) => !/^[^@].*[.]$/.test(summaryOf(name))).map(({ name }) => name)).toEqual([]);
    const committed = readFileSync(join(root, "docs/library-names.md"), "utf8");
    expect(committed, "docs/library-names.md is stale: run npx tsx scripts/library.ts").toBe(libraryPage());
  });
});
