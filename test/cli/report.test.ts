/** `faultline report` and `faultline gate`, from files to files. */

import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { describe, expect, test } from "vitest";
import type { ReportData } from "../../src/report/report.ts";
import { study, type StudyOptions } from "../support/rows.ts";
import { faultline, jsonOf, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
const linesOf = (options: StudyOptions): string =>
  [...study(options)].map((row) => `${JSON.stringify(row)}\n`).join("");
const share = (network: string): number => (network === "alpha" ? 0.7 : 0.5);
const rows = put("rows.jsonl", linesOf({ images: 12, epsilons: [1, 2], accuracy: share }));
put(
  "rows.run.json",
  JSON.stringify({
    schema: 1,
    networks: [
      {
        name: "alpha",
        sha256: "alpha-".padEnd(64, "0"),
        classes: ["sky", "<b>road</b>", "person", "car"].map((name) => ({ name, color: [0, 0, 0] })),
      },
    ],
    command: "faultline evaluate alpha beta",
  }),
);
const text = (name: string): string => readFileSync(path(name), "utf8");

describe("report", () => {
  test("writes a page that fetches nothing, runs no script and escapes what rows say", async () => {
    const ended = await faultline("report", rows, "-o", path("r.html"), "-o", path("r.md"), "-o", path("r.json"));
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const html = text("r.html");
    expect(html).not.toMatch(/<script|<link|src=|https?:\/\/(?!www\.w3\.org)/);
    expect(html).toContain("&lt;b&gt;road&lt;/b&gt;");
    expect(html).not.toContain("<b>road");
    expect(html.match(/<svg /g)!.length).toBe(3);
    expect(html).not.toMatch(/\b(NaN|undefined)\b/);
    expect(html.indexOf('id="verdict"')).toBeLessThan(html.indexOf('id="curves"'));
    expect(html).not.toContain('id="transfer"');
    expect(text("r.md")).toContain("beta is more fragile than alpha under 4 of 4 attacks");
    expect((JSON.parse(text("r.json")) as ReportData).classes).toContain("person");
  });

  test("is of the union of several files", async () => {
    const alpha = put("alpha.jsonl", linesOf({ images: 12, epsilons: [1, 2], networks: ["alpha"], accuracy: share }));
    const beta = put("beta.jsonl", linesOf({ images: 12, epsilons: [1, 2], networks: ["beta"], accuracy: share }));
    const [whole, parts] = await Promise.all([
      jsonOf<ReportData>("report", rows),
      jsonOf<ReportData>("report", alpha, beta, rows),
    ]);
    expect(parts.differences).toEqual(whole.differences);
    expect(parts.rows).toBe(whole.rows);
    expect(parts.repeatedRows).toBe(whole.rows);
  });

  test("exports scalars, a model index and a card", async () => {
    const outs = ["scalars=s.jsonl", "model-index=m.yml", "card=c.md"].map((one) => one.replace("=", `=${path()}/`));
    expect((await faultline("report", rows, ...outs.flatMap((out) => ["--export", out]))).code).toBe(0);
    const report = await jsonOf<ReportData>("report", rows);
    const scalars = text("s.jsonl")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { key: string; value: number });
    const cell = report.cells.find(
      ({ network, attack, epsilon }) => network === "beta" && attack === "fgsm" && epsilon === 2,
    )!;
    expect(scalars.find(({ key }) => key === "beta/fgsm/eps-2/iou_ratio")!.value).toBe(cell.iouRatio.value);
    const index = parse(text("m.yml")) as {
      "model-index": { name: string; results: { metrics: { value: number }[] }[] }[];
    };
    expect(index["model-index"].map(({ name }) => name)).toEqual(["alpha", "beta"]);
    expect(index["model-index"][1]!.results).toHaveLength(5);
    for (const heading of ["Threat model", "Attack set", "Metrics", "Worst case", "Slices", "Limits"])
      expect(text("c.md")).toContain(`## ${heading}`);
  });

  test.each([
    [["report", "absent.jsonl"], 1, "no such file"],
    [["report", rows, "-o", "r.pdf"], 2, ".html, .md or .json"],
    [["report", rows, "--export", "xml=r.xml"], 2, "scalars, model-index, card"],
    [
      ["report", put("bad.jsonl", `${linesOf({ images: 1 })}{"schema":1}\n`)],
      1,
      "bad.jsonl: line 15: the row's schema is 1",
    ],
    [["report", put("none.jsonl", "\n")], 1, "there are no rows"],
    [
      ["report", put("certificate.jsonl", '{"kind":"certificate","schema":1}\n')],
      1,
      "certificate.jsonl: line 1: is a certificate, and no row; its file is given with --certificates",
    ],
  ])("%j ends with %i", async (argv, code, message) => {
    const ended = await faultline(...argv);
    expect(ended.stderr).toContain(message);
    expect(ended.code).toBe(code);
  });
});

describe("gate", () => {
  const gate = (policy: string, ...more: readonly string[]) =>
    faultline("gate", rows, "--policy", put("policy.yml", policy), ...more);

  test("0 where all rules hold", async () => {
    const { code, stdout } = await gate(
      "rules:\n  - { metric: iou-ratio, min: 0.1, class: person }\n  - masking: none\n",
    );
    expect(stdout).not.toContain("FAIL");
    expect(code).toBe(0);
  });

  test("1 where a rule fails, with all files written", async () => {
    const files = ["--sarif", path("g.sarif"), "--junit", path("g.xml"), "--summary", path("g.md")];
    const { code, stderr } = await gate("rules: [{ metric: miou, min: 0.99, attack: fgsm, epsilon: 2 }]", ...files);
    expect(code).toBe(1);
    expect(stderr).toContain("2 of 2 checks");
    expect(text("g.sarif")).toContain('"version": "2.1.0"');
    expect(text("g.xml")).toContain('failures="2"');
    expect(text("g.md")).toContain("2 of 2 checks failed");
  });

  test("judges a new build against the rows of another, and not the baseline's own", async () => {
    const alpha = put("base.jsonl", linesOf({ images: 12, epsilons: [1, 2], networks: ["alpha"], accuracy: share }));
    const beta = put("new.jsonl", linesOf({ images: 12, epsilons: [1, 2], networks: ["beta"], accuracy: share }));
    const against = (baseline: string) =>
      put(`${baseline}.yml`, `rules: [{ notMoreFragileThan: ${baseline}, points: 2 }, { metric: miou, min: 0 }]`);
    const worse = await faultline("gate", beta, "--policy", against("base.jsonl"));
    expect(worse.code).toBe(1);
    expect(worse.stdout.match(/^FAIL/gm)).toHaveLength(4);
    expect(worse.stdout).not.toMatch(/miou ≥ 0: alpha,/);
    expect((await faultline("gate", alpha, "--policy", against("new.jsonl"))).code).toBe(0);
  });

  test.each([
    ["rules: [{ metric: miou }]", "rules, no. 1, min: is required"],
    ["rules: [", "neither YAML nor JSON"],
    ["rules: [{ notMoreFragileThan: absent.jsonl, points: 1 }]", "absent.jsonl: the baseline"],
  ])("2 where the policy is %j", async (policy, message) => {
    const { code, stderr } = await gate(policy);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  test("2 where the rows cannot be read", async () => {
    expect(
      (await faultline("gate", path("absent.jsonl"), "--policy", put("p.yml", "rules: [{ masking: none }]"))).code,
    ).toBe(2);
  });
});
