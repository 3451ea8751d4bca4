/** Writes the tables of attacks and of rooms in the documents: `npx tsx scripts/readme.ts`; with `--check` it only exits with 1 where one is stale. */

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { documents } from "./readme/page.ts";

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
for (const [path, write] of Object.entries(documents)) {
  const committed = readFileSync(path, "utf8");
  const fresh = write(committed);
  if (fresh === committed) continue;
  if (!values.check) writeFileSync(path, fresh);
  else {
    console.error(`${path}: its tables are stale: run npx tsx scripts/readme.ts`);
    process.exitCode = 1;
  }
}
