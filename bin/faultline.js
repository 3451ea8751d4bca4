#!/usr/bin/env node
// The sources are TypeScript; tsx compiles them as they are loaded, whatever the folder is that this is called in.

import { spawnSync } from "node:child_process";
import nodeModule, { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { register } from "tsx/esm/api";

const tsconfig = fileURLToPath(new URL("../tsconfig.json", import.meta.url));

/** Node below 20.6 takes hooks that compile as a flag only: the same command once more, with it. */
const again = () => {
  const hooks = pathToFileURL(createRequire(import.meta.url).resolve("tsx/esm")).href;
  const flags = ["--no-warnings", "--loader", hooks, fileURLToPath(import.meta.url)];
  const env = { ...process.env, TSX_TSCONFIG_PATH: tsconfig };
  return spawnSync(process.execPath, [...flags, ...process.argv.slice(2)], { stdio: "inherit", env }).status ?? 1;
};

// A reader that has seen enough, such as head, closes the pipe.
process.stdout.on("error", (error) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

const compiled = process.execArgv.includes("--loader");
if ("register" in nodeModule || compiled) {
  if (!compiled) register({ tsconfig });
  const { run } = await import("../src/cli/main.ts");
  process.exitCode = await run(process.argv.slice(2), {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
  });
} else {
  process.exitCode = again();
}
