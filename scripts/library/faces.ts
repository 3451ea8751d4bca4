/** The faces of the package, src/ROOM/public.ts: the names that they export, and what is said of each where it is defined. */

import { readFileSync } from "node:fs";
import { dirname, normalize } from "node:path/posix";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../../src/", import.meta.url));

/** The face of each subpath of the package, as a unit of src, in the order of the documentation. */
export const faces = {
  onnx: "onnx/public",
  autodiff: "autodiff/public",
  segmenter: "segmenter/public",
  objectives: "objectives/public",
  attacks: "attacks/public",
  metrics: "metrics/public",
  evaluation: "evaluation/public",
  service: "service/public",
  "runtime/wasm": "runtime/wasm/public",
  "runtime/webgpu": "runtime/webgpu/public",
  "runtime/webgpu/node": "runtime/webgpu/public-node",
  simd: "simd/public",
} as const;

export type Subpath = keyof typeof faces;

export interface PublicName {
  readonly name: string;
  /** Whether it is a type alone. */
  readonly type: boolean;
  /** The text of its docstring, tags included; empty where it has none. */
  readonly doc: string;
}

export interface Face {
  readonly subpath: Subpath;
  /** What the subpath is for. */
  readonly about: string;
  readonly names: readonly PublicName[];
}

/** The text of a comment without its stars. */
const textOf = (comment: string): string =>
  comment
    .replace(/^\/\*\*/, "")
    .replace(/\*\/$/, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trimEnd())
    .join("\n")
    .trim();

/** The docstring right above the export of a name. */
const docOf = (code: string, name: string): string => {
  const found = new RegExp(
    `(/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/)\\nexport (?:const|class|interface|type|function) ${name}\\b`,
  ).exec(code);
  return found ? textOf(found[1]!) : "";
};

/** `export { a, type B } from "./file.ts";` and `export type { A } from "./file.ts";` */
const exportsOf = (code: string) =>
  [...code.matchAll(/^export (type )?\{([^}]*)\} from "([^"]+)";$/gm)].flatMap(([, all, list, from]) =>
    list!
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "")
      .map((item) => ({
        name: item.replace(/^type /, ""),
        type: all !== undefined || item.startsWith("type "),
        from: from!,
      })),
  );

/** Reads the face of a subpath. */
export const faceOf = (subpath: Subpath): Face => {
  const path = `${faces[subpath]}.ts`;
  const code = readFileSync(`${source}${path}`, "utf8");
  const about = textOf(/^\/\*\*[\s\S]*?\*\//.exec(code)?.[0] ?? "");
  const names = exportsOf(code).map(({ name, type, from }) => {
    const target = normalize(`${dirname(path)}/${from}`);
    return { name, type, doc: docOf(readFileSync(`${source}${target}`, "utf8"), name) };
  });
  return { subpath, about, names };
};

export const allFaces = (): readonly Face[] => (Object.keys(faces) as Subpath[]).map(faceOf);
