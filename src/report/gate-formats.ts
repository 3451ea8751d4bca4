/** Judgements for machines: SARIF 2.1.0 (OASIS), JUnit XML, and Markdown for a pull request. */

import { sha256Of } from "../digest.ts";
import type { Finding, Judgement } from "./gate.ts";
import { escaped } from "./markdown.ts";

const sarifId = (name: string): string => {
  if (name.startsWith("masking")) return "masking";
  return name.startsWith("not more fragile") ? "not-more-fragile" : "score-too-low";
};

const descriptions: Readonly<Record<string, string>> = {
  masking: "An attack shows signs of a masked gradient, so that the robustness measured is not to be believed.",
  "not-more-fragile": "The network is more fragile than its baseline by more than the policy allows.",
  "score-too-low": "A score under attack is lower than the policy allows.",
};

/** The same for the same rule and subject, whatever the numbers are. */
const fingerprint = ({ ruleName, subject }: Finding): Promise<string> => sha256Of(JSON.stringify([ruleName, subject]));

/**
 * The failures as SARIF.
 *
 * @param place the policy's file, relative to the repository.
 */
export const sarifOf = async (judgement: Judgement, version: string, place: string): Promise<object> => {
  const failures = judgement.findings.filter(({ passed }) => !passed);
  const ids = Object.keys(descriptions);
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "faultline",
            version,
            rules: ids.map((id) => ({ id, shortDescription: { text: descriptions[id]! } })),
          },
        },
        results: await Promise.all(
          failures.map(async (finding) => ({
            ruleId: sarifId(finding.ruleName),
            ruleIndex: ids.indexOf(sarifId(finding.ruleName)),
            level: "error",
            message: { text: `${finding.ruleName}: ${finding.subject}: ${finding.message}` },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: place.split("/").map(encodeURIComponent).join("/") },
                  region: { startLine: 1 },
                },
              },
            ],
            partialFingerprints: { "faultline/v1": await fingerprint(finding) },
          })),
        ),
      },
    ],
  };
};

/** XML 1.0 allows no control characters but tab, line feed and carriage return. */
const xml = (text: string): string =>
  text
    // eslint-disable-next-line no-control-regex
    .replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, "?")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");

export const junitOf = ({ policy, findings }: Judgement): string => {
  const failures = findings.filter(({ passed }) => !passed).length;
  const cases = findings.map(({ ruleName, subject, message, passed }) => {
    const head = `    <testcase classname="${xml(ruleName)}" name="${xml(subject)}"`;
    return passed ? `${head}/>` : `${head}>\n      <failure message="${xml(message)}"/>\n    </testcase>`;
  });
  const totals = `tests="${findings.length}" failures="${failures}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="faultline" ${totals}>`,
    `  <testsuite name="${xml(policy)}" ${totals}>`,
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
};

/** Failures first. */
export const gateMarkdown = ({ policy, passed, findings }: Judgement): string => {
  const ordered = findings.toSorted((a, b) => Number(a.passed) - Number(b.passed));
  const rows = ordered.map(
    (one) =>
      `| ${one.passed ? "pass" : "**fail**"} | ${escaped(one.ruleName)} | ${escaped(one.subject)} | ${escaped(one.message)} |`,
  );
  const failures = findings.filter((one) => !one.passed).length;
  return [
    `## ${escaped(policy)}: ${passed ? "passed" : "failed"}`,
    "",
    `${failures} of ${findings.length} checks failed.`,
    "",
    "| | rule | on | measured |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
};
