/** docs/operators.md is what the code gives, and what it says of operators is what the code does with them. */

import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { operators, operatorsPage, standingOf, type Standing } from "../../scripts/operators/page.ts";
import { standardOperators } from "../../scripts/operators/standard.ts";
import { placements } from "../../scripts/operators/webgpu.ts";
import { verdictOf, type Verdict } from "../../src/segmenter/differentiate/coverage.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { OnnxError } from "../../src/onnx/graph.ts";
import { load } from "../../src/onnx/load.ts";
import { reasonAgainst, unsupportedOperators } from "../../src/onnx/unsupported.ts";
import { modelOf, node, noise } from "../onnx/support.ts";

test("the committed page is the one that scripts/operators.ts writes", () => {
  const committed = readFileSync(new URL("../../docs/operators.md", import.meta.url), "utf8");
  expect(committed, "docs/operators.md is stale: run npx tsx scripts/operators.ts").toBe(operatorsPage());
});

describe("each operator of the standard domain", () => {
  it("is supported or refused for a reason, and has a row", () => {
    const rows = new Set(operatorsPage().match(/(?<=^\| )[\w.]+(?= \|)/gm));
    for (const name of standardOperators.keys()) {
      expect(() => standingOf(name)).not.toThrow();
      expect(rows).toContain(name);
    }
  });

  it("is one that ONNX has", () => {
    expect(operators.filter((name) => !name.includes(".") && !standardOperators.has(name))).toEqual([]);
  });

  it("that is supported has no reason against it", () => {
    expect(unsupportedOperators.filter((name) => standingOf(name) !== "unsupported")).toEqual([]);
  });

  it("has one place under WebGPU, if any is known", () => {
    const placed: readonly string[] = [...placements.GPU, ...placements.CPU];
    expect(placed.filter((name, i) => placed.indexOf(name) !== i || !operators.includes(name))).toEqual([]);
  });
});

it.each(unsupportedOperators)("a network with %s is refused, for the reason that the page gives", (name) => {
  const model = modelOf({ inputs: { x: noise([1, 2, 3, 3]) }, nodes: [node(name, ["x"], ["y"])], outputs: ["y"] });
  const op = createBuilder();
  const attempt = () => load(op, model, { x: op.input("x", "float32", [1, 2, 3, 3]) });
  const reason = reasonAgainst({ op: name, domain: "" })!;
  expect(attempt).toThrow(OnnxError);
  expect(attempt).toThrow(`node ${name} "y" (→ y): operator ${name} is not supported: ${reason}`);
  expect(operatorsPage()).toMatch(new RegExp(`^\\| ${name} \\| .* \\| ${reason} \\|$`, "m"));
});

it("`faultline inspect` judges every operator as the page does", () => {
  const verdicts: Readonly<Record<Standing, Verdict>> = {
    rule: "rule",
    listed: "none",
    rewritten: "rule",
    forward: "unsupported",
    unsupported: "unsupported",
  };
  const strange = operators.filter((name) => {
    const [op, domain = ""] = name.split(/\.(?=\w+$)/).toReversed() as [string, string?];
    return verdictOf({ op, domain }) !== verdicts[standingOf(name)];
  });
  // A constant is rewritten too, but no gradient passes through it.
  expect(strange).toEqual(["Constant"]);
});
