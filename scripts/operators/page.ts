/** docs/operators.md, from the code: the registries of src and the cases of test. */

import { ruleOf } from "../../src/autodiff/gradient.ts";
import { loweredOperators } from "../../src/lowering/wasm/rewrites.ts";
import * as rules from "../../src/autodiff/rules/index.ts";
import { decomposableOperators } from "../../src/onnx/decompose.ts";
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

/** Support of an operator: it has a rule; it has no derivative; it is decomposed on loading; it is read and run only; it is refused. */
export type Standing = "rule" | "listed" | "rewritten" | "forward" | "unsupported";

const isRewritten = (operator: string): boolean =>
  decomposableOperators.includes(operator) || replacedOperators.includes(operator);

/** The support of an operator, those of onnxruntime with their domain. @throws RangeError where the code does not define it. */
export const standingOf = (operator: string): Standing => {
  const rule = ruleOf(operator);
  if (rule) return typeof rule === "function" || rule.some(Boolean) ? "rule" : "listed";
  if (isRewritten(operator)) return "rewritten";
  if (inferableOperators.includes(operator)) return "forward";
  if (unsupportedOperators.includes(operator)) return "unsupported";
  throw new RangeError(`${operator}: neither supported nor listed in src/onnx/unsupported.ts`);
};

const qualified = (domain: string, operator: string): string => (domain === "" ? operator : `${domain}.${operator}`);

/** The operators of ONNX in alphabetical order, then those of onnxruntime. */
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
  if (!versions) return operator.includes(".") ? "1" : "7–21";
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

/** Number of cases whose gradient is checked; in brackets, for operators without one, of those whose value is. */
const checksOf = (operator: string): string => {
  const own = cases.filter((c) => c.operator === operator);
  const differentiated = own.filter((c) => c.differentiable.length > 0).length;
  if (standingOf(operator) === "rule") return String(differentiated);
  return own.length > 0 ? `(${own.length})` : "–";
};

/** The operators that some test runs in onnxruntime-web's WASM build. */
const executed: ReadonlySet<string> = new Set([
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

/** Number of operators by support. */
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

Of the ${operators.length - foreign} operators that ONNX's standard domain has between opset 7 and 21, and ${foreign} of onnxruntime's own,
**${rule} have a gradient rule, ${listed} are listed as having no derivative, ${rewritten} are rewritten** with others when a network is loaded,
${forward} run without a rule, and ${unsupported} are not supported. No gradient is taken in half precision; a form of a supported operator that
has to be refused is named by the message. Operators of other domains are not supported.

* **opset**: those in which Faultline reads the operator, and where there is more than one form, the opsets in which each began.
* **how**: *rule*: its gradient is built. *no derivative*: it has none, or one that is zero almost everywhere, and ends the path of a gradient.
  *upgrade*: older forms become the one of opset 21, or another operator. *decompose*: it is written with others. *lower*: it is written with
  others for speed, where its form allows it. *runs, no rule*: refused only on the path of a gradient.
* **float64**: the cases (\`test/support/cases\`) in which the gradient agrees with differences of an independent interpreter (that of a
  quantiser, which is straight-through, with its closed form); in brackets those that compare values only. What is rewritten is compared
  with onnxruntime's own kernel (\`test/onnx\`).
* **WASM**: whether tests run it in onnxruntime-web, floats as float32. *undeclared*: in so many of the cases the file
  leaves out the outputs' shapes, for the reason below the table.
* **WebGPU**: where onnxruntime-web's WebGPU provider (1.30) places a node of the operator, and which forms it gets wrong. For that backend
  most of what would be on the CPU, and all that would be wrong, is written with other operators (\`src/lowering/webgpu\`, each case run there
  against WASM); a network of which something is left runs on WASM. –: gone once the network is loaded.

${table(["operator", "opset", "how", "float64", "WASM", "WebGPU"], cells)}

Undeclared, for onnxruntime refuses what it computes:

${undeclaredReasons().join("\n")}

## Not supported

A network with one of these is refused when it is loaded, and the message gives the reason. \`faultline inspect\` lists all of them.

${table(
  ["operator", "opset", "why"],
  refused.map((name) => [name, opsetsOf(name), howOf(name)]),
)}
`;
};
