/** Vitest's global set-up: lib/, which the command, the server and the package run, is compiled once before all files. */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../../bin/build.js", import.meta.url));

export const setup = (): void => void execFileSync(process.execPath, [script], { stdio: "inherit" });
