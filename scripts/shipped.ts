/** Writes src/shipped.ts: `npx tsx scripts/shipped.ts [--check: only say, by exit code 1, whether it is stale]`. */

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { shippedManifests, shippedSource } from "./shipped/list.ts";

const file = "src/shipped.ts";
const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
const source = shippedSource(shippedManifests());
if (!values.check) writeFileSync(file, source);
else if (readFileSync(file, "utf8") !== source) {
  console.error(`${file} is stale: run npx tsx scripts/shipped.ts`);
  process.exitCode = 1;
}
