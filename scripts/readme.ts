/** Writes the tables of attacks in the documents: `npx tsx scripts/readme.ts`; with `--check` it only exits with 1 where one is stale. */

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { current, tables } from "./readme/page.ts";

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
for (const path of Object.keys(tables)) {
  const committed = readFileSync(path, "utf8");
  const fresh = current(path, committed);
  if (fresh === committed) continue;
  if (!values.check) writeFileSync(path, fresh);
  else {
    console.error(`${path}: its table of attacks is stale: run npx tsx scripts/readme.ts`);
    process.exitCode = 1;
  }
}
