/** What the processes of a test share, in a folder. */

import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Group } from "../../../src/evaluation/units.ts";
import type { Outcome } from "../../../src/jobs/perform.ts";
import { carryOut } from "./work.ts";

/** Which units have been begun, by whichever process. */
export const begunIn = (folder: string): readonly string[] => {
  try {
    return readFileSync(join(folder, "begun"), "utf8").split("\n").slice(0, -1);
  } catch {
    return [];
  }
};

const isFirstTime = (folder: string, mark: string): boolean => {
  try {
    writeFileSync(join(folder, mark), "", { flag: "wx" });
    return true;
  } catch {
    return false;
  }
};

/** Carries out a group in a process of the test. */
export const carryOutIn = (
  folder: string,
  group: Group,
  { die, signal }: { readonly die: () => unknown; readonly signal: AbortSignal },
): Promise<readonly Outcome[]> =>
  carryOut(group, {
    die,
    begin: (id) => appendFileSync(join(folder, "begun"), `${id}\n`),
    isFirstTime: (mark) => isFirstTime(folder, mark),
    wait: (milliseconds) => setTimeout(milliseconds, undefined, { signal }),
  });
