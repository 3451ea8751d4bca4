/** The service worker of the lab, which knows what the build consists of. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { build, type Metafile } from "esbuild";

/** All files in a folder, in order. */
const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .toSorted();

/** Of the names and the contents of the files, in hexadecimal. */
const digestOf = (folder: string, files: readonly string[]): string => {
  const hash = createHash("sha256");
  for (const file of files) hash.update(`${relative(folder, file)}\0`).update(readFileSync(file));
  return hash.digest("hex").slice(0, 16);
};

interface Built {
  readonly metafile: Metafile;
  /** What the page loads by itself. */
  readonly entryPoints: readonly string[];
}

/** The outputs of the entry points, with all scripts that they import, at once or later. */
const scriptsOf = ({ metafile: { outputs }, entryPoints }: Built): readonly string[] => {
  const wanted = new Set(entryPoints);
  const found = new Set(
    Object.keys(outputs).filter((path) => {
      const { entryPoint } = outputs[path]!;
      return entryPoint !== undefined && wanted.has(resolve(entryPoint));
    }),
  );
  for (const path of found)
    for (const { path: needed } of outputs[path]!.imports) if (needed.endsWith(".js")) found.add(needed);
  return [...found].map((path) => resolve(path));
};

/**
 * Writes offline.js. The version is the digest of all files of the build, `folder` and the page beside it.
 *
 * @param source of the worker.
 */
export const writeOfflineWorker = async (source: string, folder: string, built: Built): Promise<void> => {
  const page = join(folder, "../lab.html");
  const always = [join(folder, "networks.json"), join(folder, "icon.svg")];
  const shell = [...scriptsOf(built), ...always].map((file) => relative(folder, file));
  await build({
    entryPoints: [source],
    outfile: join(folder, "offline.js"),
    bundle: true,
    format: "iife",
    target: "es2022",
    minify: true,
    tsconfigRaw: {},
    logLevel: "warning",
    define: {
      VERSION: JSON.stringify(digestOf(folder, [page, ...filesIn(folder)])),
      // The page's own address has no ending.
      SHELL: JSON.stringify(["../lab", ...shell.toSorted()]),
    },
  });
};
