/** Policies from files, YAML or JSON. */

import { parse } from "yaml";
import { UsageError } from "../node/failure.ts";
import { readBytes } from "../node/files.ts";
import { PolicyError, readPolicy, type Policy } from "../report/policy.ts";

/** @throws UsageError that says which field is wrong. */
export const policyFrom = async (path: string): Promise<Policy> => {
  const text = new TextDecoder().decode(await readBytes(path));
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new UsageError(`${path}: is neither YAML nor JSON: ${(cause as Error).message}`, { cause });
  }
  try {
    return readPolicy(value);
  } catch (cause) {
    if (cause instanceof PolicyError) throw new UsageError(`${path}: ${cause.message}`, { cause });
    throw cause;
  }
};
