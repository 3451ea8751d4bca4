/** Tests the tester: the gradient check reaches every pullback, and a pullback that is wrong does not get past it. */

import { afterEach, describe, expect, test, vi } from "vitest";
import { UnsupportedOperatorError, type Vjp, type VjpRule } from "../../src/autodiff/rule.ts";
import { fixedWeights } from "../../src/autodiff/rules/weights.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { gradient } from "../../src/autodiff/gradient.ts";
import { cases } from "../support/cases/all.ts";
import { inputsOf, type Case } from "../support/cases/case.ts";
import { checkGradient, TOLERANCE } from "../support/gradient-check.ts";

/** Every pullback is replaced by one that reports its use and scales its result: by 1, unless a test plants a fault. */
const { planted, watch } = vi.hoisted(() => {
  const planted = { operator: "", index: -1, factor: 1, used: new Set<string>() };
  const watched =
    (operator: string, index: number, pullback: Vjp): Vjp =>
    (dy, context, ...x) => {
      const dx = pullback(dy, context, ...x);
      planted.used.add(`${operator} ${index}`);
      const faulty = operator === planted.operator && index === planted.index && planted.factor !== 1;
      return faulty ? context.op.Mul(dx, context.op.constant(planted.factor, dx.dtype)) : dx;
    };
  const watch = (operator: string, rule: VjpRule): VjpRule =>
    typeof rule === "function"
      ? (index) => watched(operator, index, rule(index))
      : rule.map((pullback, index) => pullback && watched(operator, index, pullback));
  return { planted, watch };
});

vi.mock("../../src/autodiff/rules/index.ts", async (original) => {
  const genuine = await original<Record<string, VjpRule>>();
  return Object.fromEntries(Object.entries(genuine).map(([operator, rule]) => [operator, watch(operator, rule)]));
});

afterEach(() => {
  Object.assign(planted, { operator: "", index: -1, factor: 1 });
});

const genuine = await vi.importActual<Record<string, VjpRule>>("../../src/autodiff/rules/index.ts");

const isRefusal = (pullback: Vjp): boolean => pullback === fixedWeights;

/** Every pullback that computes something, as [operator, index of the input]; of a variadic rule the first two. */
const pullbacks = Object.entries(genuine).flatMap(([operator, rule]) =>
  typeof rule === "function"
    ? [0, 1].map((index) => [operator, index] as const)
    : rule.flatMap((pullback, index) => (pullback && !isRefusal(pullback) ? [[operator, index] as const] : [])),
);

const worst = (c: Case): number => Math.max(...checkGradient(c, { seed: 23 }).map(({ error }) => error));

/** Which pullbacks of its own operator a case exercises, and that it passes as the rules are. */
const exercised = (c: Case): string[] => {
  planted.used.clear();
  return worst(c) <= TOLERANCE ? [...planted.used].filter((key) => key.startsWith(`${c.operator} `)) : [];
};

const caseOf = new Map<string, Case>();
for (const c of cases) {
  if (c.differentiable.length === 0) continue;
  for (const key of exercised(c)) if (!caseOf.has(key)) caseOf.set(key, c);
}

test("every pullback is reached by a case of its operator", () => {
  expect(pullbacks.map((pair) => pair.join(" ")).filter((key) => !caseOf.has(key))).toEqual([]);
});

describe("a fault is caught", () => {
  const faults = pullbacks.flatMap(([operator, index]) => [
    [operator, index, "0.1 % too large", 1.001] as const,
    [operator, index, "of the wrong sign", -1] as const,
  ]);
  test.each(faults)("%s, input %i, %s", (operator, index, _, factor) => {
    const c = caseOf.get(`${operator} ${index}`)!;
    Object.assign(planted, { operator, index, factor });
    expect(worst(c)).toBeGreaterThan(TOLERANCE);
  });
});

describe("a gradient by weights is refused, not zero", () => {
  const refusals = Object.entries(genuine).flatMap(([operator, rule]) =>
    typeof rule === "function"
      ? []
      : rule.flatMap((pullback, index) => (pullback && isRefusal(pullback) ? [[operator, index] as const] : [])),
  );
  test.each(refusals)("%s, input %i", (operator, index) => {
    const op = createBuilder();
    const of = (candidate: Case) => {
      const builder = createBuilder();
      candidate.build(builder, ...inputsOf(builder, candidate));
      return builder.steps.find((s) => s.node.op === operator && (s.inputs[index] ?? null) !== null);
    };
    const c = cases.find((candidate) => candidate.operator === operator && of(candidate))!;
    const { node, inputs } = of(c)!;
    const fed = inputs.map((v, i) => v && op.input(`x${i}`, v.dtype, v.shape));
    const y = op.appendNode(node.op, fed, node.attributes)[0]!;
    expect(() => gradient(op, y, [fed[index]!])).toThrow(UnsupportedOperatorError);
  });
});
