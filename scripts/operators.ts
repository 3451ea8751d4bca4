/** Writes docs/operators.md: `npx tsx scripts/operators.ts [--check: only say, by exit code 1, whether it is stale]`. */

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { operatorsPage } from "./operators/page.ts";

const file = "docs/operators.md";
const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
const page = operatorsPage();
if (!values.check) writeFileSync(file, page);
else if (readFileSync(file, "utf8") !== page) {
  console.error(`${file} is stale: run npx tsx scripts/operators.ts`);
  process.exitCode = 1;
}
