import { describe, expect, it } from "vitest";
import { closingLine } from "./closing-line.ts";

const file = (states: readonly string[], errors: number) => ({
  errors: () => Array.from({ length: errors }, () => ({ message: "it cannot be read" })),
  children: { allTests: () => states.map((state) => ({ result: () => ({ state }) })) },
});

describe("closingLine", () => {
  it("counts tests over all files", () => {
    const files = [file(["passed", "failed", "skipped"], 0), file(["passed"], 0)];
    expect(closingLine(files, [], "failed")).toBe("2 passed, 1 failed, 1 skipped");
  });

  it("counts a file that cannot be collected, an unhandled error and an unfinished test as failed", () => {
    expect(closingLine([file([], 1), file(["passed", "pending"], 0)], [new Error("late")], "failed")).toBe(
      "1 passed, 3 failed, 0 skipped",
    );
  });

  it("tells of a run that did not get as far as its tests", () => {
    expect(closingLine([], [], "failed")).toBe("0 passed, 1 failed, 0 skipped");
    expect(closingLine([file(["passed"], 0)], [], "interrupted")).toBe("1 passed, 1 failed, 0 skipped");
    expect(closingLine([file(["passed"], 0)], [], "passed")).toBe("1 passed, 0 failed, 0 skipped");
  });
});
