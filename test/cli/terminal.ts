/** The command line, called in this process: what it prints and how it ends. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { run } from "../../src/cli/main.ts";
import type { Model } from "../../src/onnx/graph.ts";
import { writeModel } from "../../src/onnx/write.ts";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `faultline …argv`. */
export const faultline = async (...argv: readonly string[]): Promise<Ended> => {
  let [stdout, stderr] = ["", ""];
  const code = await run(argv, {
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
  });
  return { code, stdout, stderr };
};

/** As `faultline`, with `--json`: the data. @throws Error with what it printed where it fails. */
export const jsonOf = async <T>(...argv: readonly string[]): Promise<T> => {
  const { code, stdout, stderr } = await faultline(...argv, "--json");
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
};

/** A folder that is removed after the tests of the file, and files put into it. */
export const temporaryFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "faultline-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = (...parts: readonly string[]): string => join(folder, ...parts);
  const put = (name: string, content: Model | Uint8Array | string): string => {
    writeFileSync(path(name), typeof content === "object" && "graph" in content ? writeModel(content) : content);
    return path(name);
  };
  return { folder, path, put };
};
