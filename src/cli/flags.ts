/** The library's names of options, as the flags of the command line. */

import { Refusal } from "../node/failure.ts";
import { GradientError } from "../segmenter/differentiate/gradient-error.ts";

const flags: Readonly<Record<string, string>> = {
  size: "--size",
  dimensions: "--dim",
  shapes: "--shape",
  loss: "--loss",
  output: "--output",
  inputs: "--input",
  ignoredLabel: "--ignore-label",
  prefix: "--prefix",
  budgetBytes: "--budget-mib",
};

/** A message of the library with its options, which stand between backticks, as flags. */
export const inFlags = (message: string): string =>
  message.replaceAll(/`(\w+)`/g, (text, name: string) => (Object.hasOwn(flags, name) ? flags[name]! : text));

/** Runs something of the library; what it refuses is refused in the words of the command line. @throws Refusal */
export const refusingInFlags = <T>(run: () => T): T => {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof GradientError) throw new Refusal(inFlags(cause.message), { cause });
    throw cause;
  }
};
