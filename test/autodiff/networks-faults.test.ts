/** Tests the tester: a rule that is wrong by 0.1 % shows in the gradient of a whole network that uses it. */

import { afterEach, describe, expect, test, vi } from "vitest";
import type { VjpRule } from "../../src/autodiff/rule.ts";
import { interpret } from "../support/interpreter.ts";
import { miniatures } from "../support/networks/all.ts";
import {
  TOLERANCE,
  backwardModel,
  directionalError,
  forwardProduct,
  trialOf,
  type Trial,
} from "../support/networks/check.ts";
import type { Miniature } from "../support/networks/miniature.ts";
import { planted } from "../support/networks/planted.ts";

vi.mock("../../src/autodiff/rules/index.ts", async (original) => {
  const { watchedRules } = await import("../support/networks/planted.ts");
  return watchedRules(await original<Record<string, VjpRule>>());
});

afterEach(() => {
  Object.assign(planted, { key: "", factor: 1 });
});

/** The pullbacks of a miniature's gradient, and about how long it takes the interpreter. */
const survey = (m: Miniature) => {
  planted.used.clear();
  const { nodes } = backwardModel(m).graph;
  return { m, keys: [...planted.used], cost: nodes.length * m.height * m.width };
};

/** It subtracts a maximum before a softmax, which does not feel what comes through the maximum. */
const insensitive = "mmsegmentation DANet";

/** For each pullback the cheapest network that uses it. */
const witnesses = new Map<string, Miniature>();
for (const { m, keys } of miniatures
  .filter((m) => m.name !== insensitive)
  .map(survey)
  .toSorted((a, b) => a.cost - b.cost))
  for (const key of keys) if (!witnesses.has(key)) witnesses.set(key, m);

const trials = new Map<Miniature, Trial>();
const errorOf = (m: Miniature): number => {
  const trial = trials.get(m) ?? trialOf(m);
  trials.set(m, trial);
  const { dx } = interpret(backwardModel(m).graph, { x: trial.x, cotangent: trial.cotangent });
  return directionalError(dx!, trial.direction, forwardProduct(trial));
};

test("the networks use more than sixty pullbacks", () => {
  expect(witnesses.size).toBeGreaterThan(60);
});

describe("0.1 % too much is caught", () => {
  test.each([...witnesses].map(([key, m]) => [key, m.name, m] as const))("%s in %s", (key, _, m) => {
    Object.assign(planted, { key, factor: 1.001 });
    expect(errorOf(m)).toBeGreaterThan(TOLERANCE);
  });
});
