/** Writes the table of attacks into README.md: `npx tsx scripts/readme.ts`; with `--check` it only exits with 1 where the table is stale. */

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { withAttacks } from "./readme/page.ts";

const file = "README.md";
const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
const committed = readFileSync(file, "utf8");
const current = withAttacks(committed);
if (!values.check) writeFileSync(file, current);
else if (current !== committed) {
  console.error(`${file}: its table of attacks is stale: run npx tsx scripts/readme.ts`);
  process.exitCode = 1;
}
