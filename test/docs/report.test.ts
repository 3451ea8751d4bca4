/** The page on reports and what it names: policies that are valid, a schema that is the code's, an action whose steps run. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { parse } from "yaml";
import { policyJsonSchema, readPolicy } from "../../src/report/policy.ts";
import { study } from "../support/rows.ts";
import { blocksOf, read } from "./documents.ts";

const page = read("docs/report.md");

it("shows policies that are valid", () => {
  const block = blocksOf(page).find(({ language }) => language === "yaml");
  expect(readPolicy(parse(block!.code)).rules).toHaveLength(3);
  expect(readPolicy(parse(read("examples/gate/policy.yml"))).rules).toHaveLength(3);
});

it("publishes the schema that the code derives", () => {
  const published: unknown = JSON.parse(read("docs/policy.schema.json"));
  expect(published, "stale: run npx tsx scripts/schema.ts").toEqual(JSON.parse(JSON.stringify(policyJsonSchema())));
});

const folder = mkdtempSync(join(tmpdir(), "faultline-action-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Action {
  readonly inputs: Readonly<Record<string, { readonly required?: boolean; readonly default?: string }>>;
  readonly runs: {
    readonly using: string;
    readonly steps: readonly { readonly run: string; readonly env: Readonly<Record<string, string>> }[];
  };
}

/** Runs the steps of action.yml, one after another until one fails, with the inputs given. */
const runAction = (inputs: Readonly<Record<string, string>>): number => {
  const action = parse(read("action.yml")) as Action;
  expect(action.runs.using).toBe("composite");
  const valueOf = (expression: string): string =>
    expression.replaceAll(/\$\{\{ (.+?) \}\}/g, (_, name: string) => {
      if (name === "github.action_path") return process.cwd();
      const input = name.replace("inputs.", "");
      return inputs[input] ?? action.inputs[input]!.default!;
    });
  for (const { run, env } of action.runs.steps) {
    const given = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, valueOf(value)]));
    const all = { ...process.env, ...given, GITHUB_STEP_SUMMARY: join(folder, "summary.md") };
    const { status } = spawnSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", run], {
      cwd: folder,
      env: all,
    });
    if (status !== 0) return status ?? -1;
  }
  return 0;
};

it("has an action whose steps write their files and end as the policy says", () => {
  writeFileSync(
    join(folder, "rows.jsonl"),
    [...study({ epsilons: [2] })].map((row) => `${JSON.stringify(row)}\n`).join(""),
  );
  writeFileSync(join(folder, "pass.yml"), "rules: [{ masking: none }]");
  writeFileSync(join(folder, "fail.yml"), "rules: [{ metric: miou, min: 1 }]");
  expect(runAction({ results: "rows.jsonl", policy: "pass.yml" })).toBe(0);
  expect(runAction({ results: "rows.jsonl", policy: "fail.yml" })).toBe(1);
  expect(runAction({ results: "rows.jsonl", policy: "absent.yml" })).toBe(2);
  for (const file of ["faultline-report.html", "faultline.sarif", "faultline.xml"])
    expect([file, existsSync(join(folder, file))]).toEqual([file, true]);
  const summary = readFileSync(join(folder, "summary.md"), "utf8");
  expect(summary).toContain("passed");
  expect(summary).toContain("4 of 4 checks failed");
}, 120_000);
