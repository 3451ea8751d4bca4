/** `faultline gate`: rows and a policy in, an exit code out. */

import { dirname, resolve } from "node:path";
import { Refusal, UsageError } from "../node/failure.ts";
import { checkWritable, statOf, writeFiles } from "../node/files.ts";
import { wholeNumber, type Options } from "../node/options.ts";
import { version } from "../node/package.ts";
import { gateMarkdown, junitOf, sarifOf } from "../report/gate-formats.ts";
import { judge } from "../report/gate.ts";
import type { Policy } from "../report/policy.ts";
import { buildReport } from "../report/report.ts";
import { command, needed } from "./command.ts";
import { policyFrom } from "./policy-file.ts";
import { readResults } from "./read-results.ts";

const options = {
  policy: { type: "string", value: "FILE", help: "the rules, in YAML or JSON" },
  sarif: { type: "string", value: "FILE", help: "write the failures as SARIF 2.1.0" },
  junit: { type: "string", value: "FILE", help: "write all checks as JUnit XML" },
  summary: { type: "string", value: "FILE", help: "write a table in Markdown, for a pull request" },
  seed: { type: "string", value: "N", default: "0", help: "of the bootstrap" },
} as const satisfies Options;

const about = `
Whether the rows that faultline evaluate keeps satisfy a policy. The exit code is 0 where all rules
hold, 1 where one does not, and 2 where the command line, the policy or the rows cannot be read, so
that CI tells a fragile network from a mistake. A rule that no row answers fails.`;

/** The baselines of a policy that are files, relative to the policy's folder, by the rule's text. */
const baselineFiles = async (policy: Policy, folder: string): Promise<ReadonlyMap<string, string>> => {
  const files = new Map<string, string>();
  for (const rule of policy.rules) {
    if (!("notMoreFragileThan" in rule) || !/\.(jsonl|ndjson)$/i.test(rule.notMoreFragileThan)) continue;
    const path = resolve(folder, rule.notMoreFragileThan);
    if (!(await statOf(path))) throw new UsageError(`${rule.notMoreFragileThan}: the baseline of a rule is not there`);
    files.set(rule.notMoreFragileThan, path);
  }
  return files;
};

/** What cannot be read is a wrong input, not a network that fails. */
const asInput = async <T>(run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof Refusal) throw new UsageError(cause.message, { cause });
    throw cause;
  }
};

/** The one network that a baseline's rows are of. */
const nameOfBaseline = async (file: string, path: string): Promise<string> => {
  const { networks } = buildReport((await readResults([path])).store, { replicates: 1 });
  const alone = networks.filter(({ name, model }) => name === model);
  const [only] = alone;
  if (alone.length === 1 && only) return only.sha256;
  throw new UsageError(`${file}: a baseline has the rows of one network, not of ${alone.length}`);
};

export const gateResults = command({
  name: "gate",
  operand: "RESULTS.jsonl",
  others: "RESULTS.jsonl…",
  othersOptional: true,
  about,
  options,
  run: async (first, values, _io, others) => {
    const path = needed(values.policy, "gate", "--policy");
    const seed = wholeNumber("seed", values.seed, 0, 0xffff_ffff);
    const outs = [values.sarif, values.junit, values.summary].filter((out) => out !== undefined);
    for (const out of outs) await checkWritable(out, [first, ...others, path]);
    const judgement = await asInput(async () => {
      const policy = await policyFrom(path);
      const files = await baselineFiles(policy, dirname(resolve(path)));
      const { store, runs } = await readResults([first, ...others, ...files.values()]);
      const report = buildReport(store, { seed, runs });
      const baselines = new Map<string, string>();
      for (const [text, file] of files) {
        const sha256 = await nameOfBaseline(text, file);
        const found = report.networks.find((network) => network.sha256 === sha256 && network.name === network.model);
        if (found) baselines.set(text, found.name);
      }
      return judge(policy, report, baselines);
    });
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    const files: [string, Uint8Array][] = [];
    if (values.sarif !== undefined)
      files.push([values.sarif, bytes(`${JSON.stringify(await sarifOf(judgement, version, path), null, 2)}\n`)]);
    if (values.junit !== undefined) files.push([values.junit, bytes(junitOf(judgement))]);
    if (values.summary !== undefined) files.push([values.summary, bytes(gateMarkdown(judgement))]);
    await writeFiles(files);
    const failures = judgement.findings.filter(({ passed }) => !passed);
    const lines = judgement.findings.map(
      ({ passed, ruleName, subject, message }) => `${passed ? "pass" : "FAIL"}  ${ruleName}: ${subject}: ${message}`,
    );
    const refusal =
      failures.length === 0 ? undefined : `${failures.length} of ${judgement.findings.length} checks of ${path} failed`;
    return { text: lines.join("\n"), data: judgement, refusal };
  },
});
