/** Policies: what passes, what fails, what is refused, and what machines are given to read. */

import { readFileSync } from "node:fs";
import { Ajv, type AnySchema } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { default as formats } from "ajv-formats";
import { describe, expect, test } from "vitest";
import type { Row } from "../../src/evaluation/row.ts";
import { gateMarkdown, junitOf, sarifOf } from "../../src/report/gate-formats.ts";
import { judge } from "../../src/report/gate.ts";
import { readPolicy } from "../../src/report/policy.ts";
import { buildReport } from "../../src/report/report.ts";
import { createStore } from "../../src/report/store.ts";
import { study, type StudyOptions } from "../support/rows.ts";

const reportOf = (options: StudyOptions, signs?: readonly string[]) => {
  const store = createStore();
  for (const row of study(options)) store.add(signs && row.unit.attack !== null ? { ...row, signs } : row);
  return buildReport(store, { replicates: 200 });
};
const share = (network: string) => (network === "alpha" ? 0.7 : 0.5);
const report = reportOf({ images: 20, epsilons: [2], accuracy: share });
const verdictOf = (rule: object, of = report) => judge(readPolicy({ rules: [rule] }), of);

/** By the JSON Schema that is published. */
const isPolicy = new Ajv2020().compile(JSON.parse(readFileSync("docs/policy.schema.json", "utf8")) as AnySchema);

describe("rules", () => {
  const cell = report.cells.find(({ network, attack }) => network === "alpha" && attack === "ifgsm")!;
  const at = { attack: "ifgsm", epsilon: 2, network: "alpha" };

  test("a score passes from its bound on, and fails below it", () => {
    const ratio = cell.iouRatio.value!;
    expect(verdictOf({ metric: "iou-ratio", min: ratio, ...at }).passed).toBe(true);
    expect(verdictOf({ metric: "iou-ratio", min: ratio + 1e-9, ...at }).passed).toBe(false);
    const { low } = cell.iouRatio.interval!;
    expect(verdictOf({ metric: "iou-ratio", bound: "interval-low", min: low, ...at }).passed).toBe(true);
    expect(verdictOf({ metric: "iou-ratio", bound: "interval-low", min: ratio, ...at }).passed).toBe(false);
  });

  test("a class's score is its own", () => {
    const { ratio } = cell.classes[2]!;
    expect(verdictOf({ metric: "iou-ratio", class: "class 2", min: ratio!, ...at }).passed).toBe(true);
    expect(verdictOf({ metric: "iou-ratio", class: "class 2", min: ratio! + 1e-9, ...at }).passed).toBe(false);
    expect(verdictOf({ metric: "iou-ratio", class: "person", min: 0, ...at }).findings[0]!.message).toContain(
      "there is no class person; there are class 0, class 1, class 2, class 3",
    );
  });

  test("what no row answers fails", () => {
    const { passed, findings } = verdictOf({ metric: "miou", min: 0, attack: "sea" });
    expect(passed).toBe(false);
    expect(findings).toHaveLength(1);
    expect(findings[0]!.message).toContain("no row answers");
  });

  describe("of a norm", () => {
    const inNorm = (norm: "linf" | "l2", accuracy: number) =>
      [...study({ images: 12, epsilons: [4], attacks: ["pgd", "ifgsm"], accuracy: () => accuracy })].flatMap((row) => {
        if (row.unit.attack === null) return norm === "l2" ? [] : [row];
        const unit = { ...row.unit, attack: { ...(row.unit.attack as object), ...(norm === "l2" && { norm }) } };
        return [{ ...row, id: JSON.stringify(unit), unit }];
      });
    const storeOf = (rows: Iterable<Row>) => {
      const store = createStore();
      for (const row of rows) store.add(row);
      return buildReport(store, { replicates: 200 });
    };
    // In L2 attacks leave a score below any rule's here, in L∞ one above.
    const both = storeOf([...inNorm("linf", 0.8), ...inNorm("l2", 0.2)]);
    const subjectsOf = (rule: object, of = both) => verdictOf(rule, of).findings.map(({ subject }) => subject);
    const alpha = { min: 0.5, network: "alpha" };

    test("a radius without a norm is one in L∞, and with norm: l2 one in L2", () => {
      const rule = { metric: "iou-ratio", attack: "pgd", epsilon: 4, ...alpha };
      expect(verdictOf(rule, both)).toMatchObject({ passed: true, findings: [{ subject: "alpha, pgd ε=4" }] });
      expect(verdictOf({ ...rule, norm: "linf" }, both)).toEqual(verdictOf(rule, both));
      expect(verdictOf({ ...rule, norm: "l2" }, both)).toMatchObject({
        passed: false,
        findings: [{ subject: "alpha, pgd (L2) ε=4", ruleName: "iou-ratio ≥ 0.5 at pgd (L2) ε=4 for alpha" }],
      });
    });

    test("so it is of the worst case and of differences", () => {
      const worst = { metric: "worst-case-iou-ratio", epsilon: 4, ...alpha };
      expect(verdictOf(worst, both)).toMatchObject({ passed: true, findings: [{ subject: "alpha, worst case ε=4" }] });
      expect(verdictOf({ ...worst, norm: "l2" }, both)).toMatchObject({
        passed: false,
        findings: [{ subject: "alpha, worst case (L2) ε=4" }],
      });
      const fragile = { notMoreFragileThan: "alpha", points: 100, attack: "pgd", epsilon: 4 };
      expect(subjectsOf(fragile)).toEqual(["beta, pgd ε=4"]);
      expect(subjectsOf({ ...fragile, norm: "l2" })).toEqual(["beta, pgd (L2) ε=4"]);
    });

    test("a rule without radius and norm is one of every norm, which are told apart", () => {
      const rule = { metric: "iou-ratio", attack: "pgd", ...alpha };
      expect(new Set(subjectsOf(rule))).toEqual(new Set(["alpha, pgd ε=4", "alpha, pgd (L2) ε=4"]));
      expect(subjectsOf({ ...rule, norm: "l2" })).toEqual(["alpha, pgd (L2) ε=4"]);
    });

    test("rows in L2 alone do not answer a radius in L∞, and it is said what they answer", () => {
      const [clean, l2] = [inNorm("linf", 0.8).filter(({ unit }) => unit.attack === null), inNorm("l2", 0.2)];
      const { passed, findings } = verdictOf({ metric: "iou-ratio", epsilon: 4, ...alpha }, storeOf([...clean, ...l2]));
      expect(passed).toBe(false);
      expect(findings[0]!.message).toContain("no row answers this rule");
      expect(findings[0]!.message).toContain("rows in L2 do with norm: l2");
    });
  });

  test("a baseline is compared with in either direction", () => {
    expect(verdictOf({ notMoreFragileThan: "alpha", points: 2 }).findings.map(({ passed }) => passed)).toEqual([
      false,
      false,
    ]);
    expect(verdictOf({ notMoreFragileThan: "beta", points: 2 }).passed).toBe(true);
    expect(verdictOf({ notMoreFragileThan: "alpha", points: 60 }).passed).toBe(true);
  });

  test("signs of a masked gradient fail, and other signs do not", () => {
    expect(verdictOf({ masking: "none" }).passed).toBe(true);
    expect(verdictOf({ masking: "none" }, reportOf({ images: 2 }, ["loss-still-moving"])).passed).toBe(true);
    expect(verdictOf({ masking: "none" }, reportOf({ images: 2 }, ["gradient-zero"])).passed).toBe(false);
  });

  test.each([
    [{}, "rules"],
    [{ rules: [] }, "rules"],
    [{ rules: [{ metric: "iou", min: 1 }] }, "rules, no. 1, metric: must be one of iou-ratio, miou"],
    [{ rules: [{ metric: "miou", min: 1, epsilons: 2 }] }, "rules, no. 1, epsilons: is no field here"],
    [
      { rules: [{ metric: "iou-ratio", min: 60 }] },
      "rules, no. 1, min: must be at most 1, as scores are shares and no percentages; did you mean 0.6?",
    ],
    [{ rules: [{ metric: "worst-case-iou-ratio", min: 1.01 }] }, "rules, no. 1, min: must be at most 1"],
    [{ rules: [{ metric: "miou", min: 0.5, norm: "l1" }] }, "rules, no. 1, norm: must be one of linf, l2"],
    [{ rules: [{ masking: "none", norm: "l2" }] }, "rules, no. 1"],
    [{ rules: [{ metric: "miou", min: -0.1 }] }, "rules, no. 1, min: must be at least 0"],
  ])("%j is refused by its field, and by the JSON Schema", (policy, field) => {
    expect(() => readPolicy(policy)).toThrow(field);
    expect(isPolicy(policy)).toBe(false);
  });

  test("thresholds of 0 and 1 are policies, and to the JSON Schema", () => {
    const policy = { rules: [0, 1].map((min) => ({ metric: "iou-ratio", min })) };
    expect(readPolicy(policy).rules).toMatchObject(policy.rules);
    expect(isPolicy(policy)).toBe(true);
  });
});

describe("formats", () => {
  const judgement = judge(
    readPolicy({ name: 'a < b & "c"', rules: [{ metric: "iou-ratio", min: 0.99 }, { masking: "none" }] }),
    report,
  );

  test("SARIF has a result for each failure, whose fingerprint does not depend on the numbers", async () => {
    interface Sarif {
      readonly version: string;
      readonly runs: readonly [
        {
          readonly results: readonly {
            readonly ruleId: string;
            readonly ruleIndex: number;
            readonly partialFingerprints: object;
          }[];
          readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
        },
      ];
    }
    const sarif = (await sarifOf(judgement, "0.1.0", "policy.yml")) as Sarif;
    const [run] = sarif.runs;
    expect(sarif.version).toBe("2.1.0");
    expect(run.results).toHaveLength(judgement.findings.filter(({ passed }) => !passed).length);
    for (const { ruleId, ruleIndex } of run.results) expect(run.tool.driver.rules[ruleIndex]!.id).toBe(ruleId);
    const prints = run.results.map(({ partialFingerprints }) => JSON.stringify(partialFingerprints));
    expect(new Set(prints).size).toBe(prints.length);
    const other = judge(
      readPolicy({ rules: [{ metric: "iou-ratio", min: 0.99 }] }),
      reportOf({ images: 9, epsilons: [2], accuracy: share }),
    );
    const again = (await sarifOf(other, "0.2.0", "policy.yml")) as Sarif;
    expect(again.runs[0].results.map(({ partialFingerprints }) => JSON.stringify(partialFingerprints))).toEqual(prints);
  });

  test("SARIF is what the schema of version 2.1.0 accepts, with failures and without", async () => {
    const schema = JSON.parse(readFileSync("test/fixtures/sarif-2.1.0.schema.json", "utf8")) as AnySchema;
    const ajv = new Ajv({ unicodeRegExp: false });
    formats.default(ajv);
    const isValid = ajv.compile(schema);
    const none = judge(readPolicy({ rules: [{ masking: "none" }] }), report);
    expect([judgement.passed, none.passed]).toEqual([false, true]);
    for (const some of [judgement, none]) {
      // A name of a file may hold what no URI does.
      await isValid(await sarifOf(some, "0.1.0", "ci/a policy [ü] #2.yml"));
      expect(isValid.errors ?? []).toEqual([]);
    }
    const sarif = (await sarifOf(judgement, "0.1.0", "policy.yml")) as { readonly runs: readonly object[] };
    for (const wrong of [
      { ...sarif, version: "2.0.0" },
      { ...sarif, runs: [{ ...sarif.runs[0], results: [{}] }] },
    ])
      expect(isValid(wrong)).toBe(false);
  });

  test("JUnit escapes names and counts failures", () => {
    const text = junitOf(judgement);
    expect(text).toContain('<testsuite name="a &lt; b &amp; &quot;c&quot;" tests="5" failures="4">');
    expect(text.match(/<failure /g)).toHaveLength(4);
  });

  test("the summary has the failures first", () => {
    const rows = gateMarkdown(judgement)
      .split("\n")
      .filter((line) => /^\| (pass|\*\*fail)/.test(line));
    expect(rows.map((line) => line.includes("**fail**"))).toEqual([true, true, true, true, false]);
  });
});
