// Whether lib/ is what src/ compiles to. In an installed package there is no src/, and lib/ is what there is.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = join(root, "src");

/** What every build writes; its time of modification is when the build began. */
const stamp = join(root, "lib/cli/main.js");

/** The latest change in src/, in milliseconds; a folder changes where a file comes or goes. */
const changed = () => {
  const entries = readdirSync(sources, { recursive: true, encoding: "utf8" });
  const paths = [sources, ...entries.map((entry) => join(sources, entry)), join(root, "tsconfig.build.json")];
  return Math.max(...paths.map((path) => statSync(path).mtimeMs));
};

/** Whether lib/ is not older than src/. */
const isBuilt = () => !existsSync(sources) || (existsSync(stamp) && statSync(stamp).mtimeMs > changed());

/** Builds lib/ where it is missing or older than src/, which takes some seconds, once. Throws where the build fails. */
export const build = () => {
  if (isBuilt()) return;
  process.stderr.write("faultline: compiling src/ to lib/, as it has changed\n");
  const tsx = createRequire(import.meta.url).resolve("tsx/cli");
  const { status } = spawnSync(process.execPath, [tsx, join(root, "scripts/build.ts")], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) throw new Error("src/ cannot be compiled to lib/");
};

if (process.argv[1] === fileURLToPath(import.meta.url)) build();
