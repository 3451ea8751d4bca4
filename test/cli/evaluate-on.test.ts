/** `faultline evaluate --on`, before a service is asked: rows of something else are found first. */

import { expect, it } from "vitest";
import { parseSpec } from "../../src/evaluation/spec.ts";
import { faultline, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
const out = path("rows.jsonl");
/** Nothing answers there. */
const service = "http://127.0.0.1:2";
const on = async (epsilon: string): Promise<string> =>
  (await faultline("evaluate", "one", "--attacks", "ifgsm", "--epsilon", epsilon, "--on", service, "-o", out)).stderr;

it("refuses a file of other rows before the service is asked, and goes on with its own", async () => {
  put("rows.jsonl", "{}\n");
  expect(await on("1")).toMatch(/rows\.jsonl: holds rows, and .*rows\.run\.json does not say .* name another file/);
  const spec = parseSpec({ networks: ["one"], attacks: ["ifgsm"], epsilon: [1] });
  put("rows.run.json", JSON.stringify({ schema: 1, spec }));
  expect(await on("2")).toMatch(/holds rows/);
  expect(await on("1")).toMatch(/cannot be reached/);
});
