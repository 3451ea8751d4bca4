/** Writes docs/library-names.md: `npx tsx scripts/library.ts [--check: only say, by exit code 1, whether it is stale]`. */

import { readFileSync, writeFileSync } from "node:fs";
import { libraryPage } from "./library/page.ts";

const file = "docs/library-names.md";
const page = libraryPage();

if (!process.argv.includes("--check")) {
  writeFileSync(file, page);
} else if (readFileSync(file, "utf8") !== page) {
  console.error(`${file} is stale: run npx tsx scripts/library.ts`);
  process.exitCode = 1;
}
