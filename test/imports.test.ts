/** The order of the house: who may import whom, and where each dependency may be seen. Read from the source text. */

import { readFileSync, readdirSync } from "node:fs";
import { dirname, normalize } from "node:path/posix";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { never, packages, rooms, writtenImports } from "./rooms.ts";
import { faces } from "../scripts/library/faces.ts";

/** Registries, and the face of each public subpath. */
const barrels: ReadonlySet<string> = new Set(["autodiff/rules/index", ...Object.values(faces)]);
/** A file that is nothing but re-exports is a barrel, however it is called; so is every index. */
const reExport = /^export (?:type )?(?:\*|\{[^}]*\}) from "[^"]+";$/gm;
const MAX_LINES = 300;

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
}

/** Static and dynamic imports and re-exports; those in comments do not count. */
const importsOf = (source: string): Import[] => {
  const code = source.replaceAll(/^\s*(?:\/?\*|\/\/).*$/gm, "");
  const statics = code.matchAll(
    /^(?:import|export)\s+(type\s+)?(?:[\w$*{][\w$*{},\s]*?\sfrom\s+)?["']([^"'\n]+)["']/gm,
  );
  const dynamics = code.matchAll(/\bimport\(\s*["'`]([^"'`]+)["'`]/g);
  return [
    ...Array.from(statics, ([, type, from]) => ({ from: from!, typeOnly: type !== undefined })),
    ...Array.from(dynamics, ([, from]) => ({ from: from!, typeOnly: false })),
  ];
};

/** `onnx/read` for `onnx/read.ts`. */
const unitOf = (path: string): string => path.replace(/(\.d)?\.ts$/, "");
const within = (unit: string, place: string): boolean => unit === place || unit.startsWith(`${place}/`);

/** `@scope/name` or `name`; `node` for Node's own modules, `cloudflare` for workerd's. */
const packageOf = (from: string): string =>
  /^(node|cloudflare):/.exec(from)?.[1] ??
  from
    .split("/")
    .slice(0, from.startsWith("@") ? 2 : 1)
    .join("/");

/** Why a unit may not import this, or null where it may. */
const faultOf = (unit: string, { from, typeOnly }: Import): string | null => {
  const [room] = unit.split("/") as [string];
  const allowed = rooms[room];
  if (!allowed) return `${unit}: the room "${room}" is not in the table`;
  if (!from.startsWith(".")) {
    const places = packages[packageOf(from)] ?? [];
    return places.some((place) => within(unit, place)) ? null : `${unit} may not import ${from}`;
  }
  const target = unitOf(normalize(`${dirname(unit)}/${from}`));
  if (never[room]?.some((place) => within(target, place))) return `${unit} may not import ${target}`;
  if (allowed === "anything" || within(target, room)) return null;
  const granted = allowed.some((entry) => {
    const place = entry.replace(/^type /, "");
    return within(target, place) && (typeOnly || !entry.startsWith("type "));
  });
  return granted ? null : `${unit} may not import ${typeOnly ? "the types of " : ""}${target}`;
};

/** A cycle of imports, of types too, or null. */
const cycleOf = (edges: ReadonlyMap<string, readonly string[]>): readonly string[] | null => {
  const done = new Set<string>();
  const walk = (unit: string, trail: readonly string[]): readonly string[] | null => {
    const seen = trail.indexOf(unit);
    if (seen !== -1) return [...trail.slice(seen), unit];
    if (done.has(unit)) return null;
    for (const next of edges.get(unit) ?? []) {
      const cycle = walk(next, [...trail, unit]);
      if (cycle) return cycle;
    }
    done.add(unit);
    return null;
  };
  for (const unit of edges.keys()) {
    const cycle = walk(unit, []);
    if (cycle) return cycle;
  }
  return null;
};

const publicFaces: ReadonlySet<string> = new Set(Object.values(faces));

const isBarrel = (unit: string, source: string): boolean => {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const rest = code.replaceAll(reExport, "").trim();
  return unit.endsWith("/index") || (rest === "" && code.trim() !== "");
};

/** Everything that is out of order among files, by path in src. */
const faultsIn = (files: Readonly<Record<string, string>>): string[] => {
  const units = Object.entries(files).map(([path, source]) => ({
    unit: unitOf(path),
    imports: importsOf(source),
    lines: source.split("\n").length - 1,
    barrel: isBarrel(unitOf(path), source),
    open: /^export (?:type )?\* /m.test(source),
  }));
  const edges = new Map(
    units.map(({ unit, imports }) => [
      unit,
      imports
        .filter(({ from }) => from.startsWith("."))
        .map(({ from }) => unitOf(normalize(`${dirname(unit)}/${from}`))),
    ]),
  );
  const cycle = cycleOf(edges);
  return [
    ...units.flatMap(({ unit, imports }) => imports.flatMap((i) => faultOf(unit, i) ?? [])),
    ...units.flatMap(({ unit, lines }) => (lines > MAX_LINES ? [`${unit} has ${lines} lines`] : [])),
    ...units.flatMap(({ unit, barrel }) => (barrel && !barrels.has(unit) ? [`${unit} is a barrel file`] : [])),
    ...units.flatMap(({ unit, barrel }) =>
      publicFaces.has(unit) && !barrel ? [`${unit} is a face: nothing but re-exports`] : [],
    ),
    ...units.flatMap(({ unit, open }) =>
      publicFaces.has(unit) && open ? [`${unit} exports *: a face names what it exports`] : [],
    ),
    ...(cycle ? [`a cycle: ${cycle.join(" → ")}`] : []),
  ];
};

const root = fileURLToPath(new URL("../src/", import.meta.url));
const sources = Object.fromEntries(
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => [path.replaceAll("\\", "/"), readFileSync(`${root}${path}`, "utf8")]),
);

describe("the source", () => {
  it("keeps the import table, has no cycle, no barrel file and no file that is too long", () => {
    expect(Object.keys(sources).length).toBeGreaterThan(50);
    expect(faultsIn(sources)).toEqual([]);
  });

  it("is read whole: every word `from` with a path after it, outside comments, is an import that was found", () => {
    for (const [path, source] of Object.entries(sources)) {
      const lines = source.split("\n").filter((line) => !/^\s*(?:\/?\*|\/\/)/.test(line));
      const written = lines.filter((line) => /\bfrom "[^"]+";$|^import "[^"]+";$/.test(line)).length;
      const found = importsOf(lines.filter((line) => !line.includes("import(")).join("\n")).length;
      expect(`${path}: ${found}`).toBe(`${path}: ${written}`);
    }
  });
});

describe("the test itself finds", () => {
  it.each([
    ["another room's value", "attacks/a.ts", 'import { x } from "../segmenter/segmenter.ts";'],
    ["another room's types", "attacks/a.ts", 'import type { X } from "../segmenter/segmenter.ts";'],
    ["a value where only types are allowed", "api/a.ts", 'import { createService } from "../service/service.ts";'],
    ["an inline type, which stays an import", "api/a.ts", 'import { type Manifest } from "../service/service.ts";'],
    ["an import over several lines", "onnx/a.ts", 'import {\n  a,\n  type B,\n} from "../autodiff/gradient.ts";'],
    ["a re-export", "onnx/a.ts", 'export const n = 1;\nexport * from "../runtime/wasm.ts";'],
    ["a re-export by name", "onnx/a.ts", 'export const n = 1;\nexport { a as b } from "../runtime/wasm.ts";'],
    ["an import for its effects", "metrics/a.ts", 'import "../image/codecs.ts";'],
    ["a dynamic import", "metrics/a.ts", 'const f = async () => (await import("../image/codecs.ts")).f;'],
    ["a file beyond the one that is granted", "evaluation/a.ts", 'import { readModel } from "../onnx/read.ts";'],
    ["protobuf away from its border", "onnx/build.ts", 'import { create } from "@bufbuild/protobuf";'],
    ["the runtime's package elsewhere", "segmenter/a.ts", 'import * as ort from "onnxruntime-web/wasm";'],
    ["Hono below the API", "evaluation/a.ts", 'import { Hono } from "hono";'],
    ["Node's modules elsewhere", "image/png.ts", 'import { readFile } from "node:fs/promises";'],
    ["an unknown package", "metrics/a.ts", 'import _ from "lodash";'],
    ["an unknown room", "utils/a.ts", 'import { x } from "../tensor.ts";'],
    ["a barrel file", "metrics/index.ts", ""],
    ["a barrel file of another name", "metrics/all.ts", 'export { ssim } from "./ssim.ts";'],
    ["a face of a room that has none", "crf/public.ts", '/** All. */\n\nexport {\n  a,\n  b,\n} from "./a.ts";'],
    ["a face that does something itself", "metrics/public.ts", "export const one = 1;"],
    ["a face that does not name what it exports", "metrics/public.ts", 'export * from "./ssim.ts";'],
    ["a long file", "metrics/a.ts", "\n".repeat(MAX_LINES + 1)],
  ])("%s", (_, path, source) => {
    expect(faultsIn({ [path]: source })).toHaveLength(1);
  });

  it("a cycle over three files, also one of types alone", () => {
    const ring = (last: string) => ({
      "onnx/a.ts": 'import { b } from "./b.ts";',
      "onnx/b.ts": 'import { c } from "./deep/c.ts";',
      "onnx/deep/c.ts": last,
    });
    expect(faultsIn(ring('import { a } from "../a.ts";'))).toEqual(["a cycle: onnx/a → onnx/b → onnx/deep/c → onnx/a"]);
    expect(faultsIn(ring('import type { A } from "../a.ts";'))).toHaveLength(1);
  });

  it("nothing in comments, strings and what is allowed", () => {
    const source = [
      "/**",
      ' * import { x } from "../segmenter/segmenter.ts";',
      " */",
      '// import("../segmenter/segmenter.ts")',
      'import { tensor } from "../tensor.ts";',
      'export const sentence = `take it from "../segmenter/segmenter.ts"`;',
    ];
    expect(faultsIn({ "attacks/a.ts": source.join("\n") })).toEqual([]);
    expect(faultsIn({ "api/a.ts": 'import { FaultlineError } from "../contract/failure.ts";' })).toEqual([]);
  });
});

describe("CONTRIBUTING.md", () => {
  const table = readFileSync(new URL("../CONTRIBUTING.md", import.meta.url), "utf8");
  const rows = Array.from(table.matchAll(/^\| `(\w+)` \| (.+) \| (.+) \|$/gm), ([, room, what, allowed]) => ({
    room: room!,
    planned: what!.startsWith("*planned*"),
    allowed: allowed!,
  }));

  it("lists these rooms, in this order, with what each may import", () => {
    expect(rows.map(({ room, allowed }) => [room, allowed])).toEqual(
      Object.keys(rooms).map((room) => [room, writtenImports(room)]),
    );
  });

  it("marks as planned those that have no files, and no others", () => {
    const present = new Set(Object.keys(sources).map((path) => unitOf(path).split("/")[0]));
    expect(rows.filter(({ planned }) => planned).map(({ room }) => room)).toEqual(
      Object.keys(rooms).filter((room) => !present.has(room)),
    );
  });
});
