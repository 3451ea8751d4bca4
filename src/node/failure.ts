/** The errors that end a command without a result, and the one line that each prints. */

import { UnsupportedOperatorError } from "../autodiff/rule.ts";
import { ImageError } from "../image/error.ts";
import { OnnxError } from "../onnx/graph.ts";
import { RuntimeError } from "../runtime/session.ts";
import { ManifestError } from "../segmenter/manifest.ts";
import { MemoryBudgetError } from "../segmenter/session-cache.ts";

/** What is named cannot be used: a file, a folder, a network, a machine. The message says why, and what could be done. Exit code 1. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** Ctrl-C has ended a command before it was done; the message says what there is of its result. Exit code 130. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** The command line is wrong: an option, its value, or options that do not go together or with what is named. Exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const expected = [
  Refusal,
  Interrupted,
  UsageError,
  OnnxError,
  UnsupportedOperatorError,
  ManifestError,
  RuntimeError,
  MemoryBudgetError,
  ImageError,
];

const causes: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EISDIR: "is a directory",
  ENOTDIR: "a part of the path is not a folder",
  EEXIST: "exists already",
  ENOSPC: "no space left on the device",
  EROFS: "the file system is read-only",
  ENAMETOOLONG: "the name is too long",
};

/** The path and the fault of an error of Node's file system; null for any other error. */
const fileFault = (error: Error): string | null => {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === undefined || path === undefined) return null;
  return `${path}: ${causes[code] ?? error.message}`;
};

/** The error as one line for the user. An error of no expected class is marked as internal. */
export const lineOf = (error: unknown): string => {
  if (!(error instanceof Error)) return `internal error: ${String(error)}`;
  const isExpected = expected.some((kind) => error instanceof kind);
  const line = (isExpected ? error.message : (fileFault(error) ?? `internal error: ${error.message}`)).trim();
  return line.replaceAll(/\s*\n\s*/g, " ");
};

/** Calls `run`; an expected error is thrown again, as a Refusal or a UsageError whose message begins with `place`. */
export const at = async <T>(place: string, run: () => T | Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof UsageError) throw new UsageError(`${place}: ${lineOf(cause)}`, { cause });
    if (expected.some((kind) => cause instanceof kind)) throw new Refusal(`${place}: ${lineOf(cause)}`, { cause });
    throw cause;
  }
};
