/** Results of long measurements, kept in a file of JSON lines, so that a measurement that was stopped goes on where it was. */

import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";

const linesOf = (path: string): readonly string[] =>
  existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];

/** The line that a stopped run has not written to its end is measured again. */
const parsed = (line: string): readonly (readonly [string, unknown])[] => {
  try {
    return [JSON.parse(line) as [string, unknown]];
  } catch {
    return [];
  }
};

/** Gives what `out/NAME.jsonl` has under a key, or makes it and appends it. */
export const keptIn = <T>(name: string): ((key: string, make: () => Promise<T>) => Promise<T>) => {
  mkdirSync("out", { recursive: true });
  const path = `out/${name}.jsonl`;
  const known = new Map(linesOf(path).flatMap(parsed) as [string, T][]);
  return async (key, make) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = await make();
    known.set(key, made);
    appendFileSync(path, `\n${JSON.stringify([key, made])}`);
    return made;
  };
};
