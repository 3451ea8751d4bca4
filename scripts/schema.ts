/** Writes docs/evaluate.schema.json, the JSON Schema of specification files: `npx tsx scripts/schema.ts`. */

import { writeFileSync } from "node:fs";
import { specJsonSchema } from "../src/evaluation/spec.ts";

writeFileSync("docs/evaluate.schema.json", `${JSON.stringify(specJsonSchema(), null, 2)}\n`);
