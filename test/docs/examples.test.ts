/**
 * The code blocks of the documents that a comment marks with `run`, executed as they are printed, in a folder that links to
 * what they read: `shell` by itself, `service` with the service running.
 */

import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type Serving } from "../serve/serving.ts";
import { blocksOf, documents, read, root } from "./documents.ts";

const needed = ["bash", "curl", "jq"];
const absent = needed.filter((program) => spawnSync(program, ["--version"]).status !== 0);
const note = absent.length > 0 ? ` (skipped: no ${absent.join(", ")})` : "";

/** The address in the documents, which the address of the service under test replaces. */
const printed = "http://localhost:8787";

const examples = documents.flatMap((document) =>
  blocksOf(read(document))
    .filter(({ run }) => run !== null)
    .map((block, i) => ({ title: `${document}, example ${i + 1}`, ...block })),
);

/** A folder like the checkout, to which the examples can write. */
const workshop = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "faultline-examples-"));
  const linked = readdirSync(root).filter((name) => !name.startsWith(".") && name !== "out");
  for (const name of linked) symlinkSync(join(root, name), join(folder, name));
  return folder;
};

/** Runs a block as bash does. @throws Error with its output where a command fails. */
const execute = async (code: string, folder: string): Promise<string> => {
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", code], { cwd: folder });
  return stdout;
};

/** The files that a block writes: `-o FILE`, `> FILE`. */
const written = (code: string): string[] => Array.from(code.matchAll(/(?:-o|>) (\S+)/g), ([, file]) => file!);

/** What a block should have printed and has not: jq gives null for a field that an answer does not have. */
const lacking = (code: string, stdout: string): string[] => {
  if (!/^ *\| jq /m.test(code)) return stdout === "" && written(code).length === 0 ? ["any output"] : [];
  const fields = Object.entries(JSON.parse(stdout) as object);
  return fields.length === 0 ? ["fields"] : fields.filter(([, value]) => value === null).map(([name]) => name);
};

describe.skipIf(absent.length > 0)(`examples that run${note}`, () => {
  const folder = workshop();
  let server: Serving & { readonly url: string };
  beforeAll(async () => {
    mkdirSync(join(folder, "uploads"));
    server = await startServer(["--uploads", join(folder, "uploads"), "--backend", "wasm"]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(examples)("$title", async ({ language, run, code }) => {
    expect(language).toBe("sh");
    expect(["shell", "service"]).toContain(run);
    expect(code.includes(printed)).toBe(run === "service");
    const stdout = await execute(code.replaceAll(printed, server.url), folder);
    for (const file of written(code)) expect(readFileSync(join(folder, file)).length).toBeGreaterThan(100);
    expect(lacking(code, stdout)).toEqual([]);
  });

  it("fail where a command in them fails", async () => {
    await expect(execute("npx faultline inspect absent | cat", folder)).rejects.toThrow("no such file");
  });
});

it("there are examples of both kinds", () => {
  expect(new Set(examples.map(({ run }) => run))).toEqual(new Set(["shell", "service"]));
});

it("what an example lacks is found", () => {
  expect(lacking("curl x \\\n  | jq '{a, b}'", '{"a": 1, "b": null}')).toEqual(["b"]);
  expect(lacking("npx faultline inspect enet-street", "")).toEqual(["any output"]);
  expect(lacking("curl x -o labels.png", "")).toEqual([]);
});
