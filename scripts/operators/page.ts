/** docs/operators.md, from the code: the registries of src and the cases of test. */

import { ruleOf } from "../../src/autodiff/gradient.ts";
import { loweredOperators } from "../../src/lowering/wasm/rewrites.ts";
import * as rules from "../../src/autodiff/rules/index.ts";
import { decomposableOperators, newerOperators } from "../../src/onnx/decompose.ts";
import { dataDependent } from "../../src/onnx/decompose/data-dependent.ts";
import { inferableOperators } from "../../src/onnx/infer.ts";
import { reasonAgainst, unsupportedOperators } from "../../src/onnx/unsupported.ts";
import { replacedOperators, upgradedOperators } from "../../src/onnx/upgrade.ts";
import { decomposeCases } from "../../test/onnx/decompose-cases.ts";
import { inferCases } from "../../test/onnx/infer-cases.ts";
import { oldCases } from "../../test/onnx/upgrade-cases.ts";
import { cases } from "../../test/support/cases/all.ts";
import { standardOperators } from "./standard.ts";
import { placementOf } from "./webgpu.ts";

/** An operator has a rule, is listed as having no derivative, is rewritten when it is loaded, runs without a gradient, or is refused. */
export type Standing = "rule" | "listed" | "rewritten" | "forward" | "unsupported";

const isRewritten = (operator: string): boolean =>
  decomposableOperators.includes(operator) || replacedOperators.includes(operator);

/**
 * The support of an operator; onnxruntime's own operators are given with their domain.
 *
 * @throws RangeError if the code neither supports nor lists it.
 */
export const standingOf = (operator: string): Standing => {
  const rule = ruleOf(operator);
  if (rule) return typeof rule === "function" || rule.some(Boolean) ? "rule" : "listed";
  if (isRewritten(operator)) return "rewritten";
  if (inferableOperators.includes(operator)) return "forward";
  if (unsupportedOperators.includes(operator)) return "unsupported";
  throw new RangeError(`${operator}: neither supported nor listed in src/onnx/unsupported.ts`);
};

const qualified = (domain: string, operator: string): string => (domain === "" ? operator : `${domain}.${operator}`);

/** ONNX's operators in alphabetical order, then those of onnxruntime. */
export const operators: readonly string[] = [
  ...new Set([
    ...standardOperators.keys(),
    ...Object.keys(rules),
    ...inferableOperators,
    ...decomposableOperators,
    ...replacedOperators,
    ...unsupportedOperators,
  ]),
].toSorted((a, b) => Number(a.includes(".")) - Number(b.includes(".")) || (a < b ? -1 : 1));

const opsetsOf = (operator: string): string => {
  const versions = standardOperators.get(operator);
  if (!versions) return operator.includes(".") ? "1" : "7–28";
  const { first, last, forms } = versions;
  const range = first === last ? String(first) : `${first}–${last}`;
  return forms.length > 1 ? `${range}: ${forms.join(", ")}` : range;
};

const how: Readonly<Record<Standing, (operator: string) => string>> = {
  rule: (operator) => {
    const upgraded = upgradedOperators.includes(operator) || replacedOperators.includes(operator);
    const words = ["rule", upgraded && "upgrade", loweredOperators.includes(operator) && "lower"];
    return words.filter(Boolean).join(", ");
  },
  listed: () => "no derivative",
  rewritten: (operator) => {
    if (Object.hasOwn(dataDependent, operator)) return "decompose, where the data are constant";
    return decomposableOperators.includes(operator) ? "decompose" : "upgrade";
  },
  forward: () => "runs, no rule",
  unsupported: (operator) => reasonAgainst({ op: operator, domain: "" })!,
};

const howOf = (operator: string): string => how[standingOf(operator)](operator);

/** The number of cases whose gradient is checked or, in brackets for operators without one, of those whose value is checked. */
const checksOf = (operator: string): string => {
  const own = cases.filter((c) => c.operator === operator);
  const differentiated = own.filter((c) => c.differentiable.length > 0).length;
  if (standingOf(operator) === "rule") return String(differentiated);
  return own.length > 0 ? `(${own.length})` : "–";
};

/** The operators that some test runs in onnxruntime-web's WASM build. */
const executed: ReadonlySet<string> = new Set([
  ...newerOperators,
  ...cases.map((c) => c.operator),
  ...inferCases.map(([operator]) => operator),
  ...oldCases.map(([, [operator]]) => operator),
  ...decomposeCases.map((c) => qualified(c.domain, c.operator)),
]);

const wasmOf = (operator: string): string => {
  const strange = cases.filter((c) => c.operator === operator && c.undeclared !== undefined).length;
  const ran = executed.has(operator) ? "yes" : "no case";
  return strange > 0 ? `${ran}, ${strange} undeclared` : ran;
};

const webgpuOf = (operator: string): string => (isRewritten(operator) ? "–" : placementOf(operator));

const row = (...cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(...header), `|${"---|".repeat(header.length)}`, ...rows.map((cells) => row(...cells))].join("\n");

const undeclaredReasons = (): string[] => {
  const found = cases.filter((c) => c.undeclared !== undefined);
  const reasons = [...new Set(found.map((c) => c.undeclared!))];
  return reasons.map((reason) => {
    const names = [...new Set(found.filter((c) => c.undeclared === reason).map((c) => c.operator))];
    return `* ${names.join(", ")}: ${reason}.`;
  });
};

/** The number of operators with each kind of support. */
export const countsOf = (names: readonly string[]): Readonly<Record<Standing, number>> => {
  const count = (standing: Standing) => names.filter((name) => standingOf(name) === standing).length;
  return {
    rule: count("rule"),
    listed: count("listed"),
    rewritten: count("rewritten"),
    forward: count("forward"),
    unsupported: count("unsupported"),
  };
};

/** The text of the page. */
export const operatorsPage = (): string => {
  const known = operators.filter((name) => standingOf(name) !== "unsupported");
  const refused = operators.filter((name) => standingOf(name) === "unsupported");
  const { rule, listed, rewritten, forward, unsupported } = countsOf(operators);
  const foreign = operators.filter((name) => name.includes(".")).length;
  const cells = known.map((name) => [name, opsetsOf(name), howOf(name), checksOf(name), wasmOf(name), webgpuOf(name)]);
  return `# Operators

*Written by \`npx tsx scripts/operators.ts\`; do not edit.*

ONNX's standard domain has ${operators.length - foreign} operators between opset 7 and 28, and onnxruntime has ${foreign} of its own that are considered here. Of these,
**${rule} have a gradient rule, ${listed} are listed as having no derivative, ${rewritten} are rewritten** with others when a network is loaded,
${forward} run without a rule, and ${unsupported} are not supported. Operators of other domains are not supported. There are no gradients in half precision. If a form
of a supported operator has to be refused, the message names it.

The columns:

* **opset**: the opsets in which Faultline reads the operator and, if it has more than one form, the opsets in which each form began.
* **how**: how it is differentiated. *rule*: its gradient is built by a rule. *no derivative*: it has none, or one that is zero almost everywhere, so the path of a
  gradient ends there. *upgrade*: older forms are converted to that of opset 21, or to another operator. *decompose*: it is rewritten with other operators.
  *lower*: it is rewritten with others for speed, if its form allows that. *runs, no rule*: it is refused only on the path of a gradient.
* **float64**: the number of cases (\`test/support/cases\`) in which the gradient agrees with finite differences of an independent interpreter; for
  quantisers, whose gradient is straight-through, with its closed form. In brackets is the number of cases that compare values only. Rewritten operators are
  compared with onnxruntime's own kernel, or with their definition (\`test/onnx\`).
* **WASM**: whether tests run it in onnxruntime-web, with floats as float32. *undeclared*: in this number of cases the file
  does not declare the shapes of the outputs, for the reason below the table.
* **WebGPU**: where onnxruntime-web's WebGPU provider (1.30) places a node of the operator, and which forms it computes incorrectly. For that backend,
  most of the operators on the CPU and all incorrect forms are rewritten with other operators (\`src/lowering/webgpu\`; each case is run and compared
  with WASM). A network in which any of these remain runs on WASM. –: the operator does not occur after a network is loaded.

${table(["operator", "opset", "how", "float64", "WASM", "WebGPU"], cells)}

Shapes of outputs are left undeclared where onnxruntime would refuse what it computes itself:

${undeclaredReasons().join("\n")}

## Not supported

A network with one of these is refused when it is loaded, and the message gives the reason. \`faultline inspect\` lists all of them.

${table(
  ["operator", "opset", "why"],
  refused.map((name) => [name, opsetsOf(name), howOf(name)]),
)}
`;
};
