/**
 * No gradient is zero in silence. Every input of every operator in the table that may be a float is differentiated, refused by name,
 * or without influence: difference quotients of onnxruntime's own forward pass decide which, not the rules and not the interpreter.
 */

import { describe, expect, it } from "vitest";
import { gradient, ruleOf } from "../../src/autodiff/gradient.ts";
import { UnsupportedOperatorError } from "../../src/autodiff/rule.ts";
import * as rules from "../../src/autodiff/rules/index.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { OnnxError, type Node } from "../../src/onnx/graph.ts";
import { signatureOf } from "../../src/onnx/signatures.ts";
import type { Value } from "../../src/onnx/value.ts";
import { normal, random } from "../../src/random.ts";
import { numbersOf, sizeOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { cases, titleOf } from "../support/cases/all.ts";
import { feedsOf, fixed, inputsOf, node, type Case } from "../support/cases/case.ts";
import { interpret } from "../support/interpreter.ts";
import { openWasm, undeclared } from "../support/wasm.ts";

/** These lie on jumps, where there is no derivative. */
const onJumps = new Set(["Round: halves to even", "Hardmax: channels, ties"]);

/** What the builder makes constants of before there is a node: cases that have no step of their own. */
const folded: readonly Case[] = [
  ...["Shape", "Size"].map((operator) => node(operator, "folded", [fixed([2, 3])])),
  node(
    "Range",
    "of floats",
    ["start", "limit", "delta"].map((name, i) => fixed([], { of: [[0, 5, 2][i]!] }, name)),
  ),
];

interface Found {
  readonly node: Node;
  readonly outputs: number;
  readonly values: readonly (Tensor | null)[];
}

/** The node that a case is about, and the values of its inputs. */
const nodeOf = (c: Case): Found | null => {
  if (folded.includes(c)) {
    const own: Node = { name: c.operator, op: c.operator, domain: "", inputs: [], outputs: ["y"], attributes: {} };
    return { node: own, outputs: 1, values: Object.values(feedsOf(c, 11)) };
  }
  const op = createBuilder();
  c.build(op, ...inputsOf(op, c));
  const step = op.steps.findLast((s) => s.node.op === c.operator);
  if (!step) return null;
  const computed = step.inputs.filter((v): v is Value => v !== null && !v.constant);
  const feeds = feedsOf(c, 11);
  const known = interpret(op.graph(Object.fromEntries(computed.map((v) => [`of ${v.name}`, v]))), feeds);
  const tensorFor = (v: Value): Tensor => {
    const found = v.constant ?? known[`of ${v.name}`]!;
    return tensorOf(v.dtype, v.shape, numbersOf(found));
  };
  return { node: step.node, outputs: step.outputs.length, values: step.inputs.map((v) => v && tensorFor(v)) };
};

const noise = (shape: readonly number[], seed: number): Tensor<"float32"> => {
  const next = random(seed);
  return tensorOf(
    "float32",
    shape,
    Array.from({ length: sizeOf(shape) }, () => normal(next)),
  );
};

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

const STEP = 2e-3;

/** Of float32: what rounding of the outputs and the third derivative leave of a difference quotient. */
const TOLERANCE = 1e-2;

interface Comparison {
  readonly title: string;
  /** Whether the output is of a float type. */
  readonly isFloat: boolean;
  /** By name: why no gradient is built. */
  readonly refusal?: string;
  /** The derivative along a random direction of ⟨v, y⟩, by the gradient graph and by the runtime's forward pass. */
  readonly byRule: number;
  readonly byRuntime: number;
  /** The size of the sum's terms, against which differences are judged. */
  readonly scale: number;
}

/** The node of a case as a function of its input `index` alone, the others being constants. */
const compare = async (c: Case, index: number): Promise<Comparison[]> => {
  const found = nodeOf(c);
  const value = found?.values[index];
  if (!found || !value || value.dtype !== "float32") return [];
  const place = { title: `${titleOf(c)}, input ${index}`, isFloat: true };
  const compared: Comparison[] = [];
  for (let i = 0; i < found.outputs; i++) {
    const op = createBuilder();
    const inputs = found.values.map((t, k) => t && (k === index ? op.input("x", t.dtype, t.shape) : op.tensor(t)));
    const x = inputs[index]!;
    try {
      const y = op.appendNode(c.operator, inputs, found.node.attributes, found.outputs)[i]!;
      // The derivative of integers and of truth values is zero almost everywhere.
      if (y.dtype !== "float32") {
        compared.push({ ...place, isFloat: false, byRule: 0, byRuntime: 0, scale: 0 });
        continue;
      }
      const seed = noise(y.shape, 7);
      const [dx] = gradient(op, y, [x], op.tensor(seed));
      const [forward, backward] = [op.model({ y }), op.model({ dx: dx! })];
      const session = await openWasm(undeclared(forward));
      const direction = noise(x.shape, 13);
      const at = numbersOf(value);
      const along = async (t: number): Promise<number> => {
        const moved = tensorOf("float32", x.shape, at.map((v, k) => v + t * direction.data[k]!)); // prettier-ignore
        return dot(numbersOf((await session.run({ x: moved }))["y"]!), numbersOf(seed));
      };
      const byRuntime = ((await along(STEP)) - (await along(-STEP))) / (2 * STEP);
      await session.close();
      const terms = numbersOf(interpret(backward.graph, { x: value })["dx"]!).map((g, k) => g * direction.data[k]!);
      const byRule = terms.reduce((sum, t) => sum + t, 0);
      compared.push({ ...place, byRule, byRuntime, scale: Math.max(Math.abs(byRuntime), Math.hypot(...terms)) });
    } catch (cause) {
      if (!(cause instanceof UnsupportedOperatorError || cause instanceof OnnxError)) throw cause;
      compared.push({ ...place, refusal: cause.message, byRule: 0, byRuntime: 0, scale: 0 });
    }
  }
  return compared;
};

const agrees = (byRule: number, { byRuntime, scale }: Comparison): boolean =>
  Math.abs(byRule - byRuntime) <= TOLERANCE * scale + 1e-4;

/** Their gradient is by agreement not the derivative: quantisers round, and rounding counts as the identity. */
const straightThrough = new Set("QuantizeLinear DynamicQuantizeLinear ConvInteger MatMulInteger".split(" "));

const floatInputs = (operator: string): number[] => {
  const { maximum, isFloat } = signatureOf(operator)!;
  return Array.from({ length: Math.min(maximum, 2 + Number(maximum < Infinity) * maximum) }, (_, i) => i).filter(
    isFloat,
  );
};

const pairs = Object.keys(rules).flatMap((operator) =>
  floatInputs(operator).map((index) => [operator, index] as const),
);

const hasPullback = (operator: string, index: number): boolean => {
  const rule = ruleOf(operator)!;
  return typeof rule === "function" ? Boolean(rule(index)) : Boolean(rule[index]);
};

/** Inputs without a pullback are compared in every form that a case has, the others in the first one (rules.test.ts has the rest). */
const comparisons = new Map<string, readonly Comparison[]>();
for (const [operator, index] of pairs) {
  const own = [...cases, ...folded].filter(
    (c) => c.operator === operator && c.surrogate === undefined && !onJumps.has(titleOf(c)),
  );
  const found: Comparison[] = [];
  for (const c of own) {
    if (hasPullback(operator, index) && found.some((f) => f.refusal === undefined && f.isFloat)) break;
    found.push(...(await compare(c, index)));
  }
  comparisons.set(`${operator} ${index}`, found);
}

const differentiated = pairs.filter(([operator]) => !straightThrough.has(operator));

describe("every rule has one pullback for each input of its operator", () => {
  it.each(Object.entries(rules))("%s", (operator, rule) => {
    const { maximum } = signatureOf(operator)!;
    expect(typeof rule === "function" ? Infinity : rule.length).toBe(maximum);
  });
});

describe("every float input is differentiated, refused by name, or without influence", () => {
  it.each(differentiated)("%s, input %i", (operator, index) => {
    const found = comparisons.get(`${operator} ${index}`)!;
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter((f) => f.refusal === undefined && !agrees(f.byRule, f))).toEqual([]);
  });

  it("would fail where a pullback were null", () => {
    const missed = differentiated
      .filter(([operator, index]) => hasPullback(operator, index))
      .flatMap(([operator, index]) =>
        comparisons.get(`${operator} ${index}`)!.filter((f) => f.refusal === undefined && f.isFloat),
      )
      .filter((f) => agrees(0, f));
    expect(missed.map((f) => f.title)).toEqual([]);
  });
});
