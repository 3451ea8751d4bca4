/**
 * Compiles src/ to lib/, one module for each file, with declarations: what the package ships and what Node runs.
 * bin/build.js (`npm run build:lib`) calls it where lib/ is older than src/.
 */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const lib = join(root, "lib");

const compile = (folder: string): void => {
  // Node below 20.6 does not load the command bin/tsc itself, which has no ending.
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "lib/tsc.js");
  const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--noCheck", "--outDir", folder], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) throw new Error(`tsc ended with ${status}`);
};

/** tsc names the sources in declarations, "./load.ts"; what is there is load.js, with its load.d.ts. */
const nameModules = (folder: string): void => {
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!entry.endsWith(".d.ts")) continue;
    const path = join(folder, entry);
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replaceAll(/((?:from|import\()\s*"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"'));
  }
};

/** Puts a folder in the place of another, which goes to `former`. */
const replace = (fresh: string, former: string): void => {
  try {
    renameSync(lib, former);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
  }
  try {
    renameSync(fresh, lib);
  } catch (cause) {
    // Another process has put its own build there in the meantime.
    if ((cause as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw cause;
  }
};

/** A build takes the place of the last one when it is whole. */
const buildLib = (): void => {
  const begun = new Date();
  const [fresh, former] = [`${lib}-${process.pid}`, `${lib}-${process.pid}-old`];
  try {
    compile(fresh);
    nameModules(fresh);
    utimesSync(join(fresh, "cli/main.js"), begun, begun);
    replace(fresh, former);
  } finally {
    for (const folder of [fresh, former]) rmSync(folder, { recursive: true, force: true });
  }
};

buildLib();
