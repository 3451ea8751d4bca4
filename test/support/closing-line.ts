/** The closing line of a test run, alone on its line: `N passed, N failed, N skipped`. */

import type { Reporter, TestModule, TestRunEndReason } from "vitest/node";

type Module = Pick<TestModule, "errors"> & {
  readonly children: { allTests(): Iterable<{ result(): { readonly state: string } }> };
};

/**
 * A file that cannot be collected, and an error outside any test, count as a failed test each; so does a test left pending.
 * A run that ends otherwise than `passed` (its set-up failed, it was interrupted) never closes without a failure.
 */
export const closingLine = (
  modules: readonly Module[],
  unhandledErrors: readonly unknown[],
  reason: TestRunEndReason,
): string => {
  const states = modules.flatMap((module) => [
    ...Array.from(module.children.allTests(), (test) => test.result().state),
    ...module.errors().map(() => "failed"),
  ]);
  const count = (state: string): number => states.filter((each) => each === state).length;
  const [passed, skipped] = [count("passed"), count("skipped")];
  const failed = states.length - passed - skipped + unhandledErrors.length;
  return `${passed} passed, ${reason === "passed" ? failed : Math.max(failed, 1)} failed, ${skipped} skipped`;
};

/** Prints it when all is done; where the run breaks off before its end, as the process ends. */
export const closingLineReporter = (): Reporter => {
  let line: string | undefined;
  process.once("exit", () => process.stdout.write(`${line ?? "0 passed, 1 failed, 0 skipped"}\n`));
  return {
    onTestRunEnd: (modules, unhandledErrors, reason) => {
      line = closingLine(modules, unhandledErrors, reason);
    },
  };
};
