/** The progress of an evaluation: rate and remaining time by the evaluations that are done. */

import { describe, expect, it } from "vitest";
import { createRunProgress } from "../../src/cli/run-progress.ts";

const watched = (isTerminal: boolean) => {
  let [time, text] = [0, ""];
  const io = { stdout: () => undefined, stderr: (more: string) => void (text += more), isTerminal };
  const progress = createRunProgress(io, { units: 10, evaluations: 100 }, () => time);
  return {
    progress,
    at: (ms: number, act: () => void): string => {
      [time, text] = [ms, ""];
      act();
      return text;
    },
  };
};

describe("on a terminal", () => {
  const { progress, at } = watched(true);
  const [one, two] = [{}, {}];

  it("a line is rewritten, and counts the steps of what is being carried out", () => {
    const line = at(1000, () => progress.steps(one, 10));
    expect(line.startsWith("\r")).toBe(true);
    expect(line).toContain("0 of 10 units, 0.0 units/s, 9 s left");
    expect(at(2000, () => progress.steps(two, 10))).toContain("8 s left");
  });

  it("a group that needs fewer steps than planned counts in full", () => {
    expect(at(4000, () => progress.ended(one, 30, 2, 0))).toContain("2 of 10 units, 0.50 units/s, 6 s left");
    expect(at(5000, () => progress.ended(two, 20, 1, 1))).toContain("3 of 10 units, 0.60 units/s, 5 s left, 1 failed");
    expect(at(5000, () => progress.clear())).toBe("\r\u001B[K");
  });
});

it("elsewhere a line comes now and then", () => {
  const { progress, at } = watched(false);
  expect(at(1000, () => progress.ended({}, 50, 5, 0))).toBe("");
  expect(at(20_000, () => progress.ended({}, 10, 1, 0))).toBe("6 of 10 units, 0.30 units/s, 13 s left\n");
  expect(at(21_000, () => progress.ended({}, 10, 1, 0))).toBe("");
});
