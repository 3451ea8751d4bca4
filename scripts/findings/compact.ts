/** Rows as they are committed: without what the page does not need, and only of complete lines. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { RunFile } from "../../src/cli/run-file.ts";
import type { Row } from "../../src/evaluation/row.ts";
import { parts } from "./parts.ts";
import { hasRound, rowsOf } from "./rounds.ts";

/** What a part was made of, without the folder that it was made in. */
export interface PartFacts {
  readonly rows: number;
  readonly images: number;
  /** Name of the data set, and of its part. */
  readonly data: string;
  readonly versions: RunFile["versions"];
}

interface Line {
  readonly item: string;
  readonly key: string;
  readonly text: string;
}

const compact = (line: string): Line => {
  const { small: _, ...row } = JSON.parse(line) as Row;
  const { attack, item, networkSha256 } = row.unit;
  return { item, key: `${item} ${networkSha256} ${JSON.stringify(attack)} ${row.id}`, text: JSON.stringify(row) };
};

/** The rows of pictures that all networks and attacks have: a round that goes on has others too. */
const complete = (lines: readonly Line[]): Line[] => {
  const counts = new Map<string, number>();
  for (const { item } of lines) counts.set(item, (counts.get(item) ?? 0) + 1);
  const whole = Math.max(...counts.values());
  return lines.filter(({ item }) => counts.get(item) === whole).toSorted((a, b) => (a.key < b.key ? -1 : 1));
};

/** Copies the rows of every part from the working folder, in an order that does not depend on that of the run. */
export const compactRows = (work: string, folder: string): void => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const facts: Record<string, PartFacts> = {};
  for (const part of parts) {
    const from = rowsOf(work, part);
    if (!hasRound(work, part)) continue;
    // What stands after the last line break is a row that is being written.
    const lines = complete(readFileSync(from, "utf8").split("\n").slice(0, -1).map(compact));
    writeFileSync(`${folder}/${part.name}.jsonl`, lines.map(({ text }) => `${text}\n`).join(""));
    const run = JSON.parse(readFileSync(from.replace(/jsonl$/, "run.json"), "utf8")) as RunFile;
    const images = new Set(lines.map(({ item }) => item)).size;
    facts[part.name] = { rows: lines.length, images, data: run.data.name, versions: run.versions };
  }
  writeFileSync(`${folder}/parts.json`, `${JSON.stringify(facts, null, 2)}\n`);
};
