/** Progress: what is printed on a terminal and elsewhere, and how the remaining time is predicted. */

import { expect, it } from "vitest";
import { createProgress, duration } from "../../src/cli/progress.ts";
import { csvOf } from "../../src/cli/text.ts";

/** A clock in milliseconds, and what was printed. */
const observed = (isTerminal: boolean) => {
  const printed: string[] = [];
  const clock = { ms: 0 };
  const io = { stdout: () => {}, stderr: (text: string) => void printed.push(text), isTerminal };
  return { clock, printed, progress: createProgress(io, { items: 2, steps: 4 }, () => clock.ms) };
};

it("on a terminal rewrites one line, with the time that the steps left will take", () => {
  const { clock, printed, progress } = observed(true);
  progress.begin("a.png");
  clock.ms = 10_000;
  progress.step("x");
  // One of eight steps took 10 s.
  expect(printed.at(-1)).toBe("\r\u001B[K1/2 a.png: step 1/4, x, 1 min 10 s left");
  progress.end("done");
  progress.begin("b.png");
  // An attack that ends early has had all its steps: four are left, at 10 s for four.
  clock.ms = 12_000;
  progress.step("y");
  expect(printed.at(-1)).toBe("\r\u001B[K2/2 b.png: step 1/4, y, 7 s left");
  progress.clear();
  expect(printed.every((text) => text.startsWith("\r\u001B[K") && !text.includes("\n"))).toBe(true);
});

it("elsewhere prints whole lines, none for a step", () => {
  const { clock, printed, progress } = observed(false);
  progress.begin("a.png");
  progress.step("x");
  clock.ms = 4000;
  progress.end("done");
  progress.begin("b.png");
  progress.clear();
  expect(printed).toEqual(["1/2 a.png …\n", "1/2 a.png: done\n", "2/2 b.png …, 4 s left\n"]);
});

it("elsewhere tells the step at hand every half minute", () => {
  const { clock, printed, progress } = observed(false);
  progress.begin("a.png");
  for (const ms of [29_000, 30_000, 59_000]) {
    clock.ms = ms;
    progress.step("x");
  }
  expect(printed).toEqual(["1/2 a.png …\n", "1/2 a.png: step 2/4, x, 1 min 30 s left\n"]);
});

it.each([
  [0, "0 s"],
  [59_400, "59 s"],
  [59_600, "1 min 0 s"],
  [7_500_000, "2 h 5 min"],
])("%d ms are %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

it("CSV quotes what would end a cell", () => {
  expect(csvOf([["a,b", 'say "x"', null, 0.5]])).toBe('"a,b","say ""x""",,0.5\r\n');
});
